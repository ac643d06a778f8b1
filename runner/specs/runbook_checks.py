"""What a runbook's steps must be to one another. Works on plain values, so that one bad field hides nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from runner.specs import condition
from runner.specs.arguments import too_long
from runner.specs.diagnostics import Diagnostics, nearest
from runner.specs.fields import slug
from runner.specs.pydantic_errors import validated
from runner.specs.question import check_output, check_questions, choices_by_name, output_names
from runner.specs.runbook_spec import RunbookSpec
from runner.specs.shape import note_nulls
from runner.specs.yaml import Document, Path_
from runner.specs.yaml_composer import Json

_NEEDS_RUN = ("shell", "working-directory", "env", "secrets", "output", "timeout", "retry", "on-timeout")
_NOT_ANYTIME = ("run", "choose", "approve", "confirm", "ask", "verify", "if", "on-failure", "target-time")
_OUTCOMES = ("succeeded", "failed", "skipped", "timed-out")


def read_runbook(document: Document) -> tuple[RunbookSpec | None, Diagnostics]:
    """The runbook in a document, every step with an id, and what is wrong with it; None when anything is."""
    notes = Diagnostics(document)
    if not document.readable:
        return None, notes
    steps = steps_of(document.value)
    if steps:
        ids = step_ids(steps)
        _check_steps(steps, ids, notes)
        given = [
            {**step, "id": step.get("id", name)} if isinstance(step, dict) else step
            for step, name in zip(steps, ids, strict=True)
        ]
        runbook = validated(RunbookSpec, {**document.value, "steps": given}, notes)
    else:
        runbook = validated(RunbookSpec, document.value, notes)
    note_nulls(notes, document.value)
    return (None if notes else runbook), notes


def steps_of(value: Json) -> list[Json]:
    """The steps of a runbook as mappings: one that is written as a word is a name. Empty when it has no list of them."""
    steps = value.get("steps") if isinstance(value, dict) else None
    return [_as_mapping(step) for step in steps] if isinstance(steps, list) else []


def _as_mapping(step: Json) -> Json:
    return step if step is None or isinstance(step, dict | list) else {"name": step}


def step_ids(steps: list[Json]) -> list[str]:
    """One id a step: the one written, else one made of the name that no other step has."""
    written = [step["id"] if isinstance(step, dict) and isinstance(step.get("id"), str) else "" for step in steps]
    taken = set(written)
    ids: list[str] = []
    for index, (step, name) in enumerate(zip(steps, written, strict=True)):
        title = step.get("name") if isinstance(step, dict) else None
        base = name or slug(str(title or "")) or f"step-{index + 1}"
        made, count = base, 1
        while not name and made in taken:
            count += 1
            made = f"{base}-{count}"
        taken.add(made)
        ids.append(made)
    return ids


@dataclass(frozen=True)
class _Known:
    """What the steps of a runbook may name, gathered once: a check of one step must not look through all of them."""

    #: Id → the step of that id, the first one where several have it.
    steps: dict[str, Json]
    #: Ids of the steps that stand outside the sequence.
    outside: set[str]
    #: Name of a question → the answers it may have; empty when it may be anything.
    asked: dict[str, list[str]]
    #: Names of outputs, in order.
    outputs: dict[str, None]


def _known(steps: list[Json], ids: list[str]) -> _Known:
    named = list(zip(ids, steps, strict=True))
    return _Known(
        steps=dict.fromkeys(ids) | dict(reversed(named)),
        outside={name for name, step in named if isinstance(step, dict) and step.get("anytime") is True},
        asked=choices_by_name(steps),
        outputs=dict.fromkeys(output_names(steps)),
    )


def _check_steps(steps: list[Json], ids: list[str], notes: Diagnostics) -> None:
    first: dict[str, int] = {}
    known = _known(steps, ids)
    for index, (step, name) in enumerate(zip(steps, ids, strict=True)):
        if not isinstance(step, dict):
            continue
        path: Path_ = ("steps", index)
        if name in first:
            notes.add((*path, "id"), f"the id {name!r} is taken", partial(_taken_by, first[name], notes))
        first.setdefault(name, index)
        _check_exclusions(step, path, notes)
        _check_routes(step, path, known, notes)
        _check_verify(step.get("verify"), (*path, "verify"), notes)
        check_questions(step, path, notes)
        check_output(step, path, known.asked, notes)
        _check_condition(step.get("if"), (*path, "if"), known, notes)
    if known.outside and len(known.outside) == len(steps):
        notes.add(("steps",), "every step is an anytime step", "at least one belongs to the sequence")


def _taken_by(index: int, notes: Diagnostics) -> str:
    return f"it is the step's of line {notes.document.place(('steps', index, 'id')).line}"


def _check_exclusions(step: dict[str, Json], path: Path_, notes: Diagnostics) -> None:
    if why := too_long([step.get("run") or ""]):
        notes.add((*path, "run"), why, "put it into a file, and run that")
    automated = "run" in step
    if "run" in step and not (isinstance(step["run"], str) and step["run"].strip()) and step["run"] in (None, ""):
        notes.add((*path, "run"), "run: is empty", "write a command, or leave it out for a step that a person does")
    for key in _NEEDS_RUN:
        if key in step and not automated:
            notes.add((*path, key), f"{key!r} is for steps with 'run'", "a person does this step", key=True)
    if automated and "choose" in step:
        meant = "a step decides or runs a command; make two steps of it"
        notes.add((*path, "choose"), "'choose' and 'run' exclude each other", meant, key=True)
    if automated and "unattended" in step:
        meant = "a step with 'run' runs without people too"
        notes.add((*path, "unattended"), "'unattended' is for steps that a person does", meant, key=True)
    if step.get("unattended") == "verify" and "verify" not in step:
        notes.add(
            (*path, "unattended"), "unattended: there is no 'verify' to go by", "add one, or choose skip, done or fail"
        )
    if step.get("anytime") is True:
        for key in _NOT_ANYTIME:
            if key in step:
                meant = "an anytime step stands outside the sequence: a person does it, or not"
                notes.add((*path, key), f"{key!r} is not for anytime steps", meant, key=True)
    elif "every" in step:
        notes.add((*path, "every"), "'every' is for anytime steps", "add `anytime: true`", key=True)


def _check_routes(step: dict[str, Json], path: Path_, known: _Known, notes: Diagnostics) -> None:
    for at, to in _routes(step, path):
        if not isinstance(to, str):
            notes.add(at, "the id of a step is meant here", partial(nearest, "", known.steps, noun="steps"))
        elif to not in known.steps:
            notes.add(at, f"there is no step {to!r}", partial(nearest, to, known.steps, noun="steps"))
        elif to in known.outside:
            notes.add(at, f"the step {to!r} is an anytime step", "go to a step of the sequence")


def _routes(step: dict[str, Json], path: Path_) -> Iterator[tuple[Path_, Any]]:
    choose = step.get("choose")
    if isinstance(choose, dict):
        yield from (((*path, "choose", label), to) for label, to in choose.items())
        if not choose:
            yield (*path, "choose"), None
    for key in ("on-failure", "on-timeout"):
        rule = step.get(key)
        if isinstance(rule, dict) and "go-to" in rule:
            yield (*path, key, "go-to"), rule["go-to"]


def _check_verify(verify: Json, path: Path_, notes: Diagnostics) -> None:
    if not isinstance(verify, dict):
        return
    given = [key for key in ("indicator", "impact", "provider") if key in verify and verify[key] is not False]
    if len(given) > 1:
        notes.add((*path, given[1]), f"{given[0]!r} and {given[1]!r} exclude each other", "keep one", key=True)
    elif not given:
        meant = "name an indicator, give a provider and a tolerance, or write `impact: true`"
        notes.add(path, "nothing is verified", meant)
    elif given[0] != "provider":
        for key in verify.keys() & {"tolerance", "every", "name"}:
            meant = (
                "an indicator has its own"
                if given[0] == "indicator"
                else "the drill's indicators say what an impact is"
            )
            notes.add((*path, key), f"{key!r} is for a probe", meant, key=True)
        if given[0] == "impact" and "for" in verify:
            notes.add(
                (*path, "for"), "'for' is for an indicator", "an impact is there as soon as it is measured", key=True
            )
    else:
        if "for" in verify:
            notes.add((*path, "for"), "'for' is for an indicator", "a probe holds as soon as it holds once", key=True)
        provider = verify["provider"]
        if "tolerance" not in verify and not (isinstance(provider, dict) and provider.get("type") == "tcp"):
            notes.add(path, "'tolerance' is missing", "it says which answer is right")


def _check_condition(text: Json, path: Path_, known: _Known, notes: Diagnostics) -> None:
    if text is None or not isinstance(text, str):
        return
    try:
        parsed = condition.parse(text)
    except condition.ConditionError as error:
        notes.add(path, f"if: {error}", "write it like steps.what-is-it.choice == 'errors'")
        return
    for name in condition.names(parsed):
        what, meant = _unknown_name(name, known)
        if what:
            notes.add(path, f"if: {what}", meant)
    for name, given in condition.comparisons(parsed):
        allowed = _values(name, known)
        if allowed and given not in allowed:
            notes.add(path, f"if: {'.'.join(name)} is never {given!r}", partial(nearest, given, allowed, noun="one of"))


def _unknown_name(name: condition.Name, known: _Known) -> tuple[str, str | Callable[[], str]]:
    if name[0] == "steps" and len(name) == 3:
        return _unknown_of_step(name[1], name[2], known)
    if name[0] == "answers" and len(name) == 2:
        if name[1] in known.asked:
            return "", ""
        return f"nothing asks for {name[1]!r}", partial(nearest, name[1], known.asked)
    if name[0] == "outputs" and len(name) == 2:
        if name[1] in known.outputs:
            return "", ""
        return f"no step has the output {name[1]!r}", partial(nearest, name[1], known.outputs)
    meant = "known: steps.ID.choice, steps.ID.outcome, answers.NAME, outputs.NAME"
    return f"{'.'.join(name)!r} stands for nothing", meant


def _unknown_of_step(step: str, what: str, known: _Known) -> tuple[str, str | Callable[[], str]]:
    if step not in known.steps:
        return f"there is no step {step!r}", partial(nearest, step, known.steps, noun="steps")
    if what not in ("choice", "outcome"):
        return f"a step has no {what!r}", nearest(what, ("choice", "outcome"), noun="one of")
    if what == "choice" and not _choose(step, known):
        return f"the step {step!r} chooses nothing", "give it `choose`, or ask for its outcome"
    return "", ""


def _values(name: condition.Name, known: _Known) -> list[str]:
    if name[0] == "answers" and len(name) == 2:
        return known.asked.get(name[1], [])
    if name[0] != "steps" or len(name) != 3 or name[1] not in known.steps:
        return []
    return list(_OUTCOMES) if name[2] == "outcome" else list(_choose(name[1], known))


def _choose(step: str, known: _Known) -> dict[str, Json]:
    chosen = known.steps[step]
    choose = chosen.get("choose") if isinstance(chosen, dict) else None
    return choose if isinstance(choose, dict) else {}
