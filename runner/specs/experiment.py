"""Chaos Toolkit experiments, read strictly: what `chaos validate` lets through is found here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from runner.lazy_dataclass import lazy_dataclass
from runner.specs.activity import DRY, check_activity, check_controls, check_hypothesis_probe, check_provider
from runner.specs.configuration import TYPES, converted
from runner.specs.diagnostics import Diagnostics, nearest, shown
from runner.specs.document import has_controls, variables
from runner.specs.duration import PositiveDuration
from runner.specs.fields import Flag, Model, Name
from runner.specs.probe_spec import ProbeSpec
from runner.specs.pydantic_errors import validated
from runner.specs.shape import Shape, note_nulls, texts
from runner.specs.substitution import placeholders
from runner.specs.yaml import Document, Path_
from runner.specs.yaml_composer import Json

KEYS = (
    "version",
    "title",
    "description",
    "contributions",
    "tags",
    "configuration",
    "secrets",
    "steady-state-hypothesis",
    "method",
    "rollbacks",
    "controls",
    "extensions",
    "runtime",
    "dry",
)
HYPOTHESIS_STRATEGIES = (
    "default",
    "before-method-only",
    "after-method-only",
    "during-method-only",
    "continuously",
    "skip",
)
ROLLBACK_STRATEGIES = ("default", "always", "never", "deviated")
#: Below these keys anything goes, nothing included.
_FREE = ("arguments", "expect", "configuration", "secrets", "contributions", "extensions")


class GamedayExtension(Model):
    """What only Gameday needs to know of an experiment, where Chaos Toolkit leaves room for it."""

    name: Literal["gameday"]
    """gameday."""
    undone_when: tuple[ProbeSpec, ...] = ()
    """How we know that the fault is really gone."""
    no_undo: Name | None = None
    """Why nothing needs to be undone."""
    undo_deadline: Annotated[PositiveDuration, Field(le=3600)] = 30.0
    """How long one rollback may take."""
    control_deadline: Annotated[PositiveDuration, Field(le=3600)] = 60.0
    """How long one call of a control may take."""
    ok_exit_codes: Annotated[tuple[Annotated[int, Field(strict=True, ge=-64, le=255)], ...], Field(min_length=1)] = (0,)
    """Exit codes of its actions' commands that are no failure."""
    ok_statuses: tuple[Annotated[int, Field(strict=True, ge=400, le=599)], ...] = ()
    """HTTP statuses, from 400 on, that its actions may be answered with."""
    ok_empty: Flag = False
    """Whether an action may select nothing."""


@lazy_dataclass(frozen=True)
class ExperimentSpec:
    """A checked experiment. `document` is the file as plain values: what Chaos Toolkit is given.

    `wants` are the environment variables its configuration cannot do without, each with the place of its entry.
    `warnings` are remarks that stop nothing.
    """

    file: str
    path: Path | None
    document: Mapping[str, Json]
    extension: GamedayExtension
    wants: tuple[tuple[str, Path_], ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.document["title"])

    @property
    def actions(self) -> int:
        """How many activities of the method change something."""
        named = {activity["name"]: activity for activity in self.document["method"] if "name" in activity}
        # A `ref` may also point at a probe of the hypothesis, which changes nothing.
        activities = (named.get(each["ref"], {}) if "ref" in each else each for each in self.document["method"])
        return sum(1 for activity in activities if activity.get("type") == "action")

    @property
    def rollbacks(self) -> int:
        """How many activities undo it."""
        return len(self.document.get("rollbacks") or ())


def read_experiment(document: Document, *, filled: bool = False) -> tuple[ExperimentSpec | None, Diagnostics]:
    """The experiment in a document, and what is wrong with it; None when anything is. `filled`: controls from elsewhere may
    give a name in `${…}` its value.
    """
    notes = Diagnostics(document)
    if not document.readable:
        return None, notes
    shape = Shape(notes)
    value = document.value
    if not shape.mapping((), value, KEYS, ("title", "description")):
        return None, notes
    extension = _read_extensions(shape, value)
    _check_head(shape, value)
    _check_activities(shape, value)
    _check_runtime(shape, value.get("runtime"))
    wants = tuple(_check_configuration(shape, value.get("configuration")))
    _check_secrets(shape, value.get("secrets"))
    # A control may put into the configuration whatever it likes.
    if not filled and not has_controls(value):
        _check_placeholders(notes, value)
    note_nulls(notes, value, free=_FREE)
    if notes:
        return None, notes
    warnings = (*_unfilled(document, value), *_warnings(document, value))
    return ExperimentSpec(document.file, document.path, value, extension, wants, warnings), notes


# -- parts -------------------------------------------------------------------------------------------------------------


def _check_head(shape: Shape, value: dict[str, Json]) -> None:
    if value.get("title") is not None:
        shape.line(("title",), value["title"])
    if value.get("description") is not None:
        shape.text(("description",), value["description"])
    if value.get("tags") is not None:
        for at, tag in shape.items(("tags",), value["tags"]):
            shape.text(at, tag)
    if value.get("contributions") is not None:
        shape.mapping(("contributions",), value["contributions"])
    if value.get("controls") is not None:
        check_controls(shape, ("controls",), value["controls"])
    if value.get("dry") is not None:
        shape.word(("dry",), value["dry"], DRY)


def _check_activities(shape: Shape, value: dict[str, Json]) -> None:
    names = frozenset(_activity_names(value))
    if value.get("method") is None:
        meant = "write `method: []` for an experiment that only observes"
        missing, empty = "'method' is missing", "method: has no value"
        shape.notes.add(("method",), empty if "method" in value else missing, meant)
    else:
        for at, activity in shape.items(("method",), value["method"]):
            check_activity(shape, at, activity, names)
    if value.get("rollbacks") is not None:
        for at, activity in shape.items(("rollbacks",), value["rollbacks"]):
            check_activity(shape, at, activity, names)
    hypothesis = value.get("steady-state-hypothesis")
    if hypothesis is not None and shape.mapping(
        ("steady-state-hypothesis",), hypothesis, ("title", "probes", "controls"), ("title",)
    ):
        _check_hypothesis(shape, hypothesis, names)


def _check_hypothesis(shape: Shape, hypothesis: dict[str, Json], names: frozenset[str]) -> None:
    path: Path_ = ("steady-state-hypothesis",)
    if hypothesis.get("title") is not None:
        shape.line((*path, "title"), hypothesis["title"])
    if hypothesis.get("probes") is not None:
        for at, probe in shape.items((*path, "probes"), hypothesis["probes"]):
            check_hypothesis_probe(shape, at, probe, names)
    if hypothesis.get("controls") is not None:
        check_controls(shape, (*path, "controls"), hypothesis["controls"])


def _activity_names(value: dict[str, Json]) -> Iterator[str]:
    hypothesis = value.get("steady-state-hypothesis")
    probes = hypothesis.get("probes") if isinstance(hypothesis, dict) else None
    for activities in (value.get("method"), probes):
        for activity in activities if isinstance(activities, list) else ():
            if isinstance(activity, dict) and isinstance(activity.get("name"), str):
                yield activity["name"]


def _check_runtime(shape: Shape, runtime: Json) -> None:
    if runtime is None or not shape.mapping(("runtime",), runtime, ("hypothesis", "rollbacks")):
        return
    for part, strategies in (("hypothesis", HYPOTHESIS_STRATEGIES), ("rollbacks", ROLLBACK_STRATEGIES)):
        settings = runtime.get(part)
        if settings is None or not shape.mapping(("runtime", part), settings):
            continue
        if settings.get("strategy") is not None:
            shape.word(("runtime", part, "strategy"), settings["strategy"], strategies)


def _read_extensions(shape: Shape, value: dict[str, Json]) -> GamedayExtension:
    found: GamedayExtension | None = None
    seen = False
    for at, extension in shape.items(("extensions",), value["extensions"]) if value.get("extensions") else ():
        if not shape.mapping(at, extension, (), ("name",)) or extension.get("name") != "gameday":
            continue
        if seen:
            shape.notes.add(at, "a second extension named gameday", "put everything into one")
        seen = True
        found = validated(GamedayExtension, extension, shape.notes, at) or found
        note_nulls(shape.notes, extension, at)
    # Made, not checked: an experiment without one must not wait until these checks are built.
    return found or GamedayExtension.model_construct(name="gameday")


def _check_configuration(shape: Shape, configuration: Json) -> Iterator[tuple[str, Path_]]:
    if configuration is None or not shape.mapping(("configuration",), configuration):
        return
    for name, entry in configuration.items():
        path: Path_ = ("configuration", name)
        if not isinstance(entry, dict) or "type" not in entry:
            continue
        if entry["type"] == "env":
            yield from _check_environment_entry(shape, path, entry)
        elif entry["type"] == "probe":
            shape.mapping(path, entry, ("type", "name", "provider"), ("provider",))
            if entry.get("provider") is not None:
                check_provider(shape, (*path, "provider"), entry["provider"])
        elif "key" in entry:
            meant = nearest(str(entry["type"]), ("env", "probe"), noun="one of")
            shape.notes.add((*path, "type"), f"configuration does not come from {shown(entry['type'])}", meant)


def _check_environment_entry(shape: Shape, path: Path_, entry: dict[str, Json]) -> Iterator[tuple[str, Path_]]:
    shape.mapping(path, entry, ("type", "key", "default", "env_var_type"), ("key",))
    kind = entry.get("env_var_type")
    if kind is not None and shape.word((*path, "env_var_type"), kind, TYPES) and "default" in entry:
        try:
            converted(str(kind), entry["default"])
        except ValueError as error:
            shape.notes.add((*path, "default"), f"default: {shown(entry['default'])} is {error}")
    if entry.get("key") is not None and shape.text((*path, "key"), entry["key"]) and "default" not in entry:
        yield entry["key"], (*path, "key")


def _check_secrets(shape: Shape, secrets: Json) -> None:
    if secrets is None or not shape.mapping(("secrets",), secrets):
        return
    for group, entries in secrets.items():
        path: Path_ = ("secrets", group)
        if not isinstance(entries, dict) or "type" in entries:
            meant = "secrets stand in groups: `GROUP: {NAME: {type: env, key: VARIABLE}}`"
            shape.notes.add(path, f"{group}: is not a group of secrets", meant)
            continue
        for name, entry in entries.items():
            _check_secret(shape, (*path, name), entry)


def _check_secret(shape: Shape, path: Path_, entry: Json) -> None:
    if not isinstance(entry, dict) or "type" not in entry:
        return
    if not shape.word((*path, "type"), entry["type"], ("env", "vault")):
        return
    if entry["type"] == "env":
        shape.mapping(path, entry, ("type", "key"), ("key",))
    else:
        shape.mapping(path, entry, ("type", "path", "key"), ("path",))


def _check_placeholders(notes: Diagnostics, value: dict[str, Json]) -> None:
    known = variables(value)
    for path, name in undefined(value):
        notes.add(path, f"nothing defines ${{{name}}}", _definition(name, known))


def undefined(document: Mapping[str, Json]) -> Iterator[tuple[Path_, str]]:
    """The names in `${…}` that neither its configuration nor its secrets declare, and where they are used."""
    known = frozenset(variables(document))
    for part in ("steady-state-hypothesis", "method", "rollbacks"):
        for path, text in texts((part,), document.get(part)):
            for name in placeholders(text):
                # A process hands the target's variables to the shell it may start.
                if name not in known and not ("arguments" in path and name.startswith("TARGET_")):
                    yield path, name


def _unfilled(document: Document, value: dict[str, Json]) -> Iterator[str]:
    for path, name in undefined(value):
        place = document.place(path)
        where = f"{document.file}:{place.line}:{place.column}"
        yield f"{where}: nothing but a control can give ${{{name}}} a value"


def _definition(name: str, known: list[str]) -> str:
    if name.startswith("target."):
        variable = "TARGET_" + name.removeprefix("target.").upper().replace("-", "_")
        return f"put {{type: env, key: {variable}}} under configuration, and use its name here"
    near = nearest(name, known)
    return near if near.startswith("did") else "put it under configuration; for a variable of the shell write $NAME"


def _warnings(document: Document, value: dict[str, Json]) -> Iterator[str]:
    for part in ("method", "rollbacks"):
        for index, activity in enumerate(value.get(part) or ()):
            if activity.get("background"):
                line = document.place((part, index)).line
                name = activity.get("name", "")
                yield f"{document.file}:{line}: {name!r} runs in the background: it is fenced at the end, not awaited"
