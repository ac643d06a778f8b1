"""What a runbook's steps must be to one another. Works on plain values, so that one bad field hides nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runner.specs import condition
from runner.specs.arguments import too_long
from runner.specs.explain import validated
from runner.specs.fields import slug
from runner.specs.notes import Notes, nearest
from runner.specs.question import asked_names, check_output, check_questions, choices_of, output_names
from runner.specs.runbook import Runbook
from runner.specs.shape import note_nulls
from runner.specs.yaml import Document, Json, Path_

_NEEDS_RUN = ("shell", "working-directory", "env", "secrets", "output", "timeout", "retry", "on-timeout")
_NOT_ANYTIME = ("run", "choose", "approve", "confirm", "ask", "verify", "if", "on-failure", "target-time")
_OUTCOMES = ("succeeded", "failed", "skipped", "timed-out")


def read_runbook(document: Document) -> tuple[Runbook | None, Notes]:
    """The runbook in a document, every step with an id, and what is wrong with it; None when anything is."""
    notes = Notes(document)
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
        runbook = validated(Runbook, {**document.value, "steps": given}, notes)
    else:
        runbook = validated(Runbook, document.value, notes)
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


def _check_steps(steps: list[Json], ids: list[str], notes: Notes) -> None:
    first: dict[str, int] = {}
    outside = {
        name for step, name in zip(steps, ids, strict=True) if isinstance(step, dict) and step.get("anytime") is True
    }
    for index, (step, name) in enumerate(zip(steps, ids, strict=True)):
        if not isinstance(step, dict):
            continue
        path: Path_ = ("steps", index)
        if name in first:
            line = notes.document.place(("steps", first[name], "id")).line
            notes.add((*path, "id"), f"the id {name!r} is taken", f"it is the step's of line {line}")
        first.setdefault(name, index)
        _check_exclusions(step, path, notes)
        _check_routes(step, path, ids, outside, notes)
        _check_verify(step.get("verify"), (*path, "verify"), notes)
        check_questions(step, path, notes)
        check_output(step, path, asked_names(steps), notes)
        _check_condition(step.get("if"), (*path, "if"), steps, ids, notes)
    if outside and len(outside) == len(steps):
        notes.add(("steps",), "every step is an anytime step", "at least one belongs to the sequence")


def _check_exclusions(step: dict[str, Json], path: Path_, notes: Notes) -> None:
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


def _check_routes(step: dict[str, Json], path: Path_, ids: list[str], outside: set[str], notes: Notes) -> None:
    for at, to in _routes(step, path):
        if not isinstance(to, str):
            notes.add(at, "the id of a step is meant here", nearest("", ids, noun="steps"))
        elif to not in ids:
            notes.add(at, f"there is no step {to!r}", nearest(to, ids, noun="steps"))
        elif to in outside:
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


def _check_verify(verify: Json, path: Path_, notes: Notes) -> None:
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


def _check_condition(text: Json, path: Path_, steps: list[Json], ids: list[str], notes: Notes) -> None:
    if text is None or not isinstance(text, str):
        return
    try:
        parsed = condition.parse(text)
    except condition.ConditionError as error:
        notes.add(path, f"if: {error}", "write it like steps.what-is-it.choice == 'errors'")
        return
    for name in condition.names(parsed):
        what, meant = _unknown_name(name, steps, ids)
        if what:
            notes.add(path, f"if: {what}", meant)
    for name, given in condition.comparisons(parsed):
        allowed = _values(name, steps, ids)
        if allowed and given not in allowed:
            notes.add(path, f"if: {'.'.join(name)} is never {given!r}", nearest(given, allowed, noun="one of"))


def _unknown_name(name: condition.Name, steps: list[Json], ids: list[str]) -> tuple[str, str]:
    dotted = ".".join(name)
    if name[0] == "steps" and len(name) == 3:
        if name[1] not in ids:
            return f"there is no step {name[1]!r}", nearest(name[1], ids, noun="steps")
        if name[2] not in ("choice", "outcome"):
            return f"a step has no {name[2]!r}", nearest(name[2], ("choice", "outcome"), noun="one of")
        chooses = steps[ids.index(name[1])].get("choose")
        if name[2] == "choice" and not chooses:
            return f"the step {name[1]!r} chooses nothing", "give it `choose`, or ask for its outcome"
        return "", ""
    if name[0] == "answers" and len(name) == 2:
        asked = asked_names(steps)
        return ("", "") if name[1] in asked else (f"nothing asks for {name[1]!r}", nearest(name[1], asked))
    if name[0] == "outputs" and len(name) == 2:
        put = output_names(steps)
        return ("", "") if name[1] in put else (f"no step has the output {name[1]!r}", nearest(name[1], put))
    return f"{dotted!r} stands for nothing", "known: steps.ID.choice, steps.ID.outcome, answers.NAME, outputs.NAME"


def _values(name: condition.Name, steps: list[Json], ids: list[str]) -> list[str]:
    if name[0] == "answers" and len(name) == 2:
        return choices_of(name[1], steps)
    if name[0] != "steps" or len(name) != 3 or name[1] not in ids:
        return []
    if name[2] == "outcome":
        return list(_OUTCOMES)
    choose = steps[ids.index(name[1])].get("choose")
    return list(choose) if isinstance(choose, dict) else []
