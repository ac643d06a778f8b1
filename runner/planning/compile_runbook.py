"""A runbook's steps and links: specs → the plan's."""

from __future__ import annotations

from dataclasses import replace

from runner.engine.plan import Ask, Link, Step, Verify
from runner.specs import runbook_spec as steps_spec
from runner.specs import target_spec as target_spec
from runner.specs.failure_rule import AskPeople, FailureRule, StopRunbook
from runner.specs.probe_spec import ProbeSpec
from runner.specs.runbook_spec import RunbookSpec
from runner.specs.yaml import Document


def compiled_links(runbook: RunbookSpec | None) -> tuple[Link, ...]:
    return tuple(Link(name=link.name, url=link.url) for link in runbook.links) if runbook is not None else ()


def compiled_steps(runbook: RunbookSpec | None, document: Document | None, *, attended: bool) -> tuple[Step, ...]:
    if runbook is None or document is None:
        return ()
    otherwise = AskPeople() if attended else StopRunbook()
    return tuple(
        _step(step, f"{document.file}:{document.place(('steps', index)).line}", otherwise)
        for index, step in enumerate(runbook.steps)
    )


def _by_hand(step: Step) -> Step:
    """As people walk through it: its command is a text, its goal and its proof are sentences, no secret is asked for."""
    return replace(
        step,
        by_hand=True,
        description="\n\n".join(filter(None, (step.description.rstrip(), _in_a_drill(step)))),
        target_time=None,
        verify=None,
        secrets=(),
        ask=tuple(each for each in step.ask if not each.secret),
    )


def _in_a_drill(step: Step) -> str:
    """What its goal and its proof would be, in one sentence."""
    goal = "" if step.target_time is None else f"at most {step.target_time:g} s"
    parts = [part for part in (goal, _proof(step)) if part]
    return f"In a drill: {', and '.join(parts)}." if parts else ""


def _proof(step: Step) -> str:
    verify = step.verify
    if verify is None:
        return ""
    named = (verify.probe or {}).get("name", "")
    if verify.impact:
        return "an impact must be measured before it is done"
    what = verify.indicator or ("what its probe asks" if named == step.name else named)
    lasting = f", for {verify.lasting:g} s" if verify.lasting else ""
    return f"this must hold afterwards: {what}{lasting}"


def _step(step: steps_spec.StepSpec, where: str, otherwise: FailureRule) -> Step:
    retry = step.retry
    return Step(
        id=step.id,
        name=step.name,
        description=step.description,
        run=step.run,
        shell=step.shell,
        working_directory=step.working_directory,
        env=dict(step.env),
        secrets=step.secrets,
        output=dict(step.output),
        timeout=step.timeout,
        retry_max=retry.max if retry else 0,
        retry_delay=retry.delay if retry else 0.0,
        confirm=step.confirm or "",
        approve=step.approve.by if step.approve else "",
        choose=dict(step.choose),
        ask=tuple(_ask(each) for each in step.ask),
        verify=_verify(step.verify, step.name),
        milestone=step.milestone or "",
        target_time=step.target_time,
        hint=step.hint,
        on_failure=step.on_failure or otherwise,
        on_timeout=step.on_timeout,
        condition=step.if_,
        critical=step.critical,
        anytime=step.anytime,
        every=step.every,
        unattended=step.unattended,
        role=step.role or "",
        tags=step.tags,
        where=where,
    )


def _ask(question: steps_spec.QuestionSpec) -> Ask:
    return Ask(
        name=question.name,
        prompt=question.prompt,
        secret=question.secret,
        choices=question.choices or (),
        default=question.default or "",
        pattern=question.pattern or "",
    )


def _verify(verify: steps_spec.VerifySpec | None, name: str) -> Verify | None:
    if verify is None:
        return None
    if verify.impact:
        return Verify(impact=True, within=verify.within)
    if verify.provider is None:
        return Verify(indicator=verify.indicator or "", lasting=verify.for_, within=verify.within, every=verify.every)
    tolerance = True if verify.tolerance is None else verify.tolerance
    probe = ProbeSpec(name=verify.name or name, provider=verify.provider, tolerance=tolerance)
    return Verify(probe=probe.as_document(), within=verify.within, every=verify.every)
