"""Activities of a Chaos Toolkit experiment: probes and actions, their providers and tolerances."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from runner.specs.arguments import too_long
from runner.specs.diagnostics import shown
from runner.specs.probe_spec import JsonPathTolerance, ProbeTolerance, RangeTolerance, RegexTolerance, Tolerance
from runner.specs.pydantic_errors import conforms
from runner.specs.shape import Shape
from runner.specs.substitution import placeholders
from runner.specs.yaml import Path_
from runner.specs.yaml_composer import Json

KEYS = (
    "type",
    "name",
    "provider",
    "tolerance",
    "pauses",
    "background",
    "controls",
    "timeout",
    "secrets",
    "configuration",
    "dry",
    "ref",
)
#: Provider → (its keys, those it needs).
PROVIDERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "python": (("type", "module", "func", "arguments", "secrets", "timeout"), ("module", "func")),
    "process": (("type", "path", "arguments", "timeout", "secrets"), ("path",)),
    "http": (
        ("type", "url", "method", "headers", "arguments", "timeout", "verify_tls", "max_retries", "secrets"),
        ("url",),
    ),
}
DRY = ("probes", "actions", "activities", "pause")
_CONTROL = ("name", "provider", "scope", "automatic", "ref")
_TOLERANCES = (RangeTolerance, RegexTolerance, JsonPathTolerance, ProbeTolerance)


@cache
def _tolerance() -> TypeAdapter[Any]:
    return TypeAdapter(Tolerance)


def check_activity(shape: Shape, path: Path_, activity: Json, names: frozenset[str]) -> None:
    """An activity of the method or the rollbacks; `names` are those that a `ref` may point at."""
    if not shape.mapping(path, activity, KEYS):
        return
    if "ref" in activity:
        _check_ref(shape, path, activity, names)
        return
    _check_common(shape, path, activity)
    if "type" in activity:
        shape.word((*path, "type"), activity["type"], ("action", "probe"))
    if "tolerance" in activity:
        check_tolerance(shape, (*path, "tolerance"), activity["tolerance"])


def check_hypothesis_probe(shape: Shape, path: Path_, probe: Json, names: frozenset[str]) -> None:
    """A probe of the steady-state hypothesis: judged by a tolerance, and changing nothing."""
    if not shape.mapping(path, probe, KEYS):
        return
    if "ref" in probe:
        _check_ref(shape, path, probe, names)
        return
    _check_common(shape, path, probe)
    if probe.get("type") == "action":
        meant = "move it to the method; here only probes are possible"
        shape.notes.add((*path, "type"), "an action in the steady-state hypothesis", meant)
    elif "type" in probe:
        shape.word((*path, "type"), probe["type"], ("probe",))
    if probe.get("background"):
        meant = "leave it out: a hypothesis waits for each of its probes"
        shape.notes.add((*path, "background"), "a probe of the hypothesis cannot run in the background", meant)
    if "tolerance" not in probe:
        shape.notes.add(path, "'tolerance' is missing", "it says which answer is the steady state")
    else:
        check_tolerance(shape, (*path, "tolerance"), probe["tolerance"])


def check_tolerance(shape: Shape, path: Path_, tolerance: Json) -> None:
    """One of the forms of a tolerance."""
    if conforms(_tolerance(), _TOLERANCES, tolerance, shape.notes, path) and isinstance(tolerance, dict):
        provider = tolerance.get("provider")
        if isinstance(provider, dict) and not isinstance(provider.get("arguments"), dict):
            what = "a tolerance's own probe needs its arguments as a mapping, to add 'value' to"
            shape.notes.add((*path, "provider"), what, "arguments: {} when it takes nothing else")
        if provider is not None:
            check_provider(shape, (*path, "provider"), provider)


def check_provider(shape: Shape, path: Path_, provider: Json) -> None:
    """Where an activity's value comes from."""
    if not isinstance(provider, dict):
        shape.mapping(path, provider)
        return
    if "type" not in provider:
        shape.notes.add(path, "'type' is missing", f"one of: {', '.join(PROVIDERS)}")
        return
    if not shape.word((*path, "type"), provider["type"], PROVIDERS):
        return
    kind = provider["type"]
    shape.mapping(path, provider, *PROVIDERS[kind])
    _PROVIDER_CHECKS[kind](shape, path, provider)
    if "secrets" in provider:
        for at, name in shape.items((*path, "secrets"), provider["secrets"]):
            shape.text(at, name)


def check_controls(shape: Shape, path: Path_, controls: Json) -> None:
    """The controls of an experiment, a hypothesis or an activity."""
    for at, control in shape.items(path, controls):
        if not shape.mapping(at, control, _CONTROL):
            continue
        if "ref" not in control:
            shape.mapping(at, control, (), ("name", "provider"))
        if "name" in control:
            shape.line((*at, "name"), control["name"])
        if control.get("scope") is not None:
            shape.word((*at, "scope"), control["scope"], ("before", "after"))
        if "automatic" in control:
            shape.flag((*at, "automatic"), control["automatic"])
        provider = control.get("provider")
        if provider is not None and shape.mapping(
            (*at, "provider"), provider, ("type", "module", "arguments", "secrets"), ("type", "module")
        ):
            _check_control_provider(shape, (*at, "provider"), provider)


def check_global_control(shape: Shape, path: Path_, control: Json) -> None:
    """A control of Chaos Toolkit's settings, which has its name before it."""
    if not shape.mapping(path, control, _CONTROL, ("provider",)):
        return
    if control.get("scope") is not None:
        shape.word((*path, "scope"), control["scope"], ("before", "after"))
    provider = control.get("provider")
    if provider is not None and shape.mapping((*path, "provider"), provider, (), ("type", "module")):
        _check_control_provider(shape, (*path, "provider"), provider)


def _check_control_provider(shape: Shape, path: Path_, provider: dict[str, Json]) -> None:
    if provider.get("type") is not None:
        shape.word((*path, "type"), provider["type"], ("python",))
    if provider.get("module") is not None:
        shape.text((*path, "module"), provider["module"])
    if provider.get("arguments") is not None:
        shape.mapping((*path, "arguments"), provider["arguments"])


def _check_ref(shape: Shape, path: Path_, activity: dict[str, Json], names: frozenset[str]) -> None:
    if shape.text((*path, "ref"), activity["ref"]):
        shape.word((*path, "ref"), activity["ref"], sorted(names))


def _check_common(shape: Shape, path: Path_, activity: dict[str, Json]) -> None:
    shape.mapping(path, activity, (), ("type", "name", "provider"))
    if activity.get("name") is not None:
        shape.line((*path, "name"), activity["name"])
    if activity.get("provider") is not None:
        check_provider(shape, (*path, "provider"), activity["provider"])
    if activity.get("background") is not None:
        shape.flag((*path, "background"), activity["background"])
    if activity.get("pauses") is not None:
        pauses = activity["pauses"]
        if shape.mapping((*path, "pauses"), pauses, ("before", "after")):
            for key in pauses.keys() & {"before", "after"}:
                shape.seconds((*path, "pauses", key), pauses[key])
    if activity.get("timeout") is not None:
        shape.seconds((*path, "timeout"), activity["timeout"])
    if activity.get("controls") is not None:
        check_controls(shape, (*path, "controls"), activity["controls"])
    if activity.get("dry") is not None:
        shape.word((*path, "dry"), activity["dry"], DRY)


# -- providers ---------------------------------------------------------------------------------------------------------


def _check_python(shape: Shape, path: Path_, provider: dict[str, Json]) -> None:
    for key in ("module", "func"):
        name = provider.get(key)
        if name is None or not shape.text((*path, key), name):
            continue
        if not all(part.isidentifier() for part in name.split(".")) or (key == "func" and "." in name):
            meant = "a dotted name, such as chaosk8s.pod.actions" if key == "module" else "the name of a function"
            shape.notes.add((*path, key), f"{key}: {shown(name)} is not a name in Python", meant)
    if provider.get("arguments") is not None:
        shape.mapping((*path, "arguments"), provider["arguments"])


def _check_process(shape: Shape, path: Path_, provider: dict[str, Json]) -> None:
    if provider.get("path") is not None:
        shape.text((*path, "path"), provider["path"])
    if provider.get("timeout") is not None:
        shape.seconds((*path, "timeout"), provider["timeout"])
    arguments = provider.get("arguments")
    words = list(arguments.values()) if isinstance(arguments, dict) else arguments
    if why := too_long(words if isinstance(words, list) else [f"{provider.get('path')} {words}"]):
        shape.notes.add((*path, "arguments"), why, "put it into a file, and give the command its name")
    if isinstance(words, list):
        if any(isinstance(word, dict | list) for word in words):
            shape.notes.add((*path, "arguments"), "an argument is a mapping or a list", "each argument is one word")
    elif arguments is not None and not isinstance(arguments, str):
        shape.notes.add((*path, "arguments"), f"arguments: {shown(arguments)} is not a list", "write a list of words")


def _check_http(shape: Shape, path: Path_, provider: dict[str, Json]) -> None:
    url = provider.get("url")
    is_text = url is not None and shape.text((*path, "url"), url)
    if is_text and not str(url).startswith(("http://", "https://")) and not placeholders(url):
        shape.notes.add((*path, "url"), f"url: {shown(url)} is not an address", "it begins with http:// or https://")
    if provider.get("method") is not None:
        shape.text((*path, "method"), provider["method"])
    if provider.get("headers") is not None:
        shape.mapping((*path, "headers"), provider["headers"])
    timeout = provider.get("timeout")
    if isinstance(timeout, list) and len(timeout) == 2:
        for at, seconds in shape.items((*path, "timeout"), timeout):
            shape.seconds(at, seconds)
    elif timeout is not None:
        shape.seconds((*path, "timeout"), timeout)
    if provider.get("verify_tls") is not None:
        shape.flag((*path, "verify_tls"), provider["verify_tls"])
    retries = provider.get("max_retries")
    if retries is not None and (isinstance(retries, bool) or not isinstance(retries, int) or retries < 0):
        shape.notes.add((*path, "max_retries"), f"max_retries: {shown(retries)} is not a whole number from 0")


_PROVIDER_CHECKS = {"python": _check_python, "process": _check_process, "http": _check_http}
