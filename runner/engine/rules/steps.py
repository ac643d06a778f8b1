"""How a step goes on by itself: the second transition table, by the step's status.

A step that waits for a person has no rule for that; `runner.engine.step_commands` holds what people may do then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import assert_never

from runner.engine.breaches import BREACH
from runner.engine.events import (
    CommandIntended,
    EndDecided,
    Event,
    MilestoneReached,
    RetryScheduled,
    StepAnswered,
    StepConfirmed,
    StepDone,
    StepEnded,
    StepFailing,
    StepReminded,
    StepStarted,
    VerifyEnded,
    VerifyStarted,
)
from runner.engine.indicators import BUCKET
from runner.engine.plan import Step
from runner.engine.prompt import (
    ApprovalPrompt,
    ChoicePrompt,
    ConfirmPrompt,
    ManualPrompt,
    Prompt,
    QuestionPrompt,
    RetryPrompt,
    RunPrompt,
    open_questions,
    pending_prompt,
    work_prompt,
)
from runner.engine.rules.rule import JUDGING_LAG, DueEvents, at_once, earliest, ends
from runner.engine.state import State, StepView
from runner.people import PROCESSES
from runner.specs import condition
from runner.specs.failure_rule import AskPeople, ContinueRunbook, GoToStep, StopRunbook
from runner.specs.injection_moment import comes_by_itself

#: A runbook whose jumps lead round this often does not end by itself.
MAX_VISITS = 100

StepRule = Callable[[State, Step, StepView], DueEvents | None]


def sequence(state: State) -> DueEvents | None:
    """The rule of the runbook: what the current step does next, or which step comes next."""
    if state.paused:
        return None
    step = state.step
    if step is None:
        return _start_next(state)
    view = state.steps[step.id]
    rule = _RULES.get(view.status)
    return rule(state, step, view) if rule else None


# -- which step ----------------------------------------------------------------------------------------------------


def following(state: State) -> Step | None:
    """The step after the one that ended last: where it sent us, else the next one written; None after the last."""
    order = state.plan.sequence
    places = {step.id: place for place, step in enumerate(order)}
    if state.jump in places:
        return order[places[state.jump]]
    place = places.get(state.cursor, -1) + 1
    return order[place] if place < len(order) else None


def unnoticed(state: State) -> bool:
    """A fault comes by itself, and the people who are to notice it have not: their runbook begins when they do."""
    if not state.attended or state.plan.reveal == "always" or "detected" in state.milestones:
        return False
    if any(alert.fired_t is not None for alert in state.alerts.values()):
        return False
    return any(comes_by_itself(each.inject) for each in state.plan.experiments)


def _start_next(state: State) -> DueEvents | None:
    step = following(state)
    if step is None or (not state.cursor and not state.jump and step.milestone != "detected" and unnoticed(state)):
        return None
    if state.jump != step.id and not _applies(state, step):
        return at_once(StepEnded(step=step.id, outcome="skipped", why="if"))
    return at_once(*start(state, step))


def start(state: State, step: Step) -> tuple[Event, ...]:
    """The step becomes current, unless the runbook goes round in circles."""
    visits = state.steps[step.id].visits
    if visits >= MAX_VISITS:
        why = f"step {step.id} came up {MAX_VISITS} times: the runbook goes round in circles"
        return (EndDecided(cause="broken", reason="loop", why=why),)
    return (StepStarted(step=step.id, visit=visits + 1),)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> condition.Condition:
    return condition.parse(text)


def _applies(state: State, step: Step) -> bool:
    """Its `if` holds. A step that is jumped to is not asked: somebody, or the runbook, sent us there."""
    if not step.condition:
        return True
    return condition.evaluate(_parsed(step.condition), lambda name: _lookup(state, name))


def _lookup(state: State, name: tuple[str, ...]) -> str:
    match name:
        case ("answers", question):
            return state.answers.get(question, "")
        case ("outputs", output):
            return state.outputs.get(output, "")
        case ("steps", step_id, "choice") if step_id in state.steps:
            return state.steps[step_id].choice
        case ("steps", step_id, "outcome") if step_id in state.steps:
            return state.steps[step_id].outcome
        case _:
            return ""


# -- how it ends -----------------------------------------------------------------------------------------------------


def succeed(state: State, step: Step, to: str = "", *, role: str = "") -> tuple[Event, ...]:
    """It succeeded; its milestone is reached, if nobody said so before, by whoever did it: somebody in `role` now."""
    ended = StepEnded(step=step.id, outcome="succeeded", to=to)
    if not step.milestone or step.milestone in state.milestones:
        return (ended,)
    return (ended, MilestoneReached(milestone=step.milestone, step=step.id, role=role or _doer(state, step)))


def _doer(state: State, step: Step) -> str:
    """What whoever did the step is in this run; `system` when nobody did."""
    view = state.steps[step.id]
    if view.role:
        return view.role
    who = view.who
    return state.roles.get(who, "participant") if who and who not in PROCESSES else "system"


def fail(state: State, step: Step, why: str, *, timed_out: bool = False, ask: bool = True) -> tuple[Event, ...]:
    """It failed: what `on-failure` (or `on-timeout`) says follows. `ask=False`: a person has already decided."""
    rule = step.on_timeout if timed_out and step.on_timeout else step.on_failure
    ended = StepEnded(step=step.id, outcome="timed-out" if timed_out else "failed", why=why)
    stopped = EndDecided(cause="runbook-stopped", reason="step-failed", why=f"step {step.id}: {why}")
    match rule:
        case AskPeople():
            if ask and state.answered_by_people(step):
                return (StepFailing(step=step.id, why=why),)
            return (ended, stopped) if ask else (ended,)
        case StopRunbook():
            return (ended, stopped)
        case ContinueRunbook():
            return (ended,)
        case GoToStep(step=to):
            return (replace(ended, to=to),)
        case _:
            assert_never(rule)


def _verify_or_succeed(state: State, step: Step, view: StepView) -> DueEvents:
    if step.verify is None:
        return at_once(*succeed(state, step))
    return at_once(VerifyStarted(step=step.id, vacuous=view.primed is True))


# -- by status -------------------------------------------------------------------------------------------------------


def _waiting(state: State, step: Step, view: StepView) -> DueEvents | None:
    """Asking or ready: people are waited for, where there are any."""
    prompt = pending_prompt(step, view)
    if prompt is None:
        return None
    if not state.answered_by_people(step):
        return _without_people(state, step, view, prompt)
    # Somebody who has just confirmed, answered or said "retry" has said "run" as well.
    runs = isinstance(prompt, RunPrompt) and (prompt.implied or view.retried)
    return _run(step, view) if runs else None


def _run(step: Step, view: StepView) -> DueEvents:
    return at_once(CommandIntended(step=step.id, attempt=view.attempt + 1))


def _without_people(state: State, step: Step, view: StepView, prompt: Prompt) -> DueEvents | None:
    if not isinstance(work_prompt(step), RunPrompt) and step.unattended in ("skip", "fail"):
        # What it asks may be needed later, whether or not anybody does the step.
        return _answered(step, view) or _left_undone(state, step)
    match prompt:
        case ApprovalPrompt():
            return _nobody(step, "an approval")
        case ConfirmPrompt():
            return at_once(StepConfirmed(step=step.id, waived="unattended"))
        case QuestionPrompt():
            return _answered(step, view) or _nobody(step, "an answer")
        case ChoicePrompt():
            return _nobody(step, "a choice")
        case RunPrompt():
            return _run(step, view)
        case ManualPrompt():
            return _done_by_nobody(state, step, view)
        case RetryPrompt():
            return None
        case _:
            assert_never(prompt)


def _answered(step: Step, view: StepView) -> DueEvents | None:
    """The default of the next question that has one; None when none is left."""
    ask = next((ask for ask in open_questions(step, view) if ask.default), None)
    return at_once(StepAnswered(step=step.id, name=ask.name, value=ask.default, waived="unattended")) if ask else None


def _nobody(step: Step, waits: str) -> DueEvents:
    return ends("broken", f"step {step.id} waits for {waits} and nobody attends the run", reason="nobody-answers")


def _left_undone(state: State, step: Step) -> DueEvents:
    if step.unattended == "skip":
        return at_once(StepEnded(step=step.id, outcome="skipped", why="unattended"))
    return at_once(*fail(state, step, "unattended"))


def _done_by_nobody(state: State, step: Step, view: StepView) -> DueEvents:
    """A step for people counts as done, or as soon as it is verified."""
    if step.unattended == "done":
        return at_once(StepDone(step=step.id, role="system"))
    if step.verify is None:
        return at_once(*fail(state, step, "unattended, and nothing verifies it"))
    return _verify_or_succeed(state, step, view)


def _ran(state: State, step: Step, view: StepView) -> DueEvents:
    if view.exit_code == 0 and not view.timed_out and not view.why:
        return _verify_or_succeed(state, step, view)
    if view.attempt - view.forgiven <= step.retry_max:
        due = (view.command_ended_t or 0.0) + step.retry_delay
        return at_once(RetryScheduled(step=step.id, attempt=view.attempt + 1, due=due))
    return at_once(*fail(state, step, _what_went_wrong(step, view), timed_out=view.timed_out))


def _what_went_wrong(step: Step, view: StepView) -> str:
    if view.why:
        return view.why
    if view.timed_out:
        return f"timed out after {step.timeout:g} s" if step.timeout else "timed out"
    code = view.exit_code or 0
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _retry_wait(state: State, step: Step, view: StepView) -> DueEvents:
    return DueEvents((CommandIntended(step=step.id, attempt=view.attempt + 1),), view.retry_due or 0.0)


def _verifying(state: State, step: Step, view: StepView) -> DueEvents | None:
    """An indicator and the impact are watched here; a probe is called by whoever acts, who reports how it ended."""
    if step.verify is None or step.verify.probe is not None or view.verify_t is None:
        return None
    verify = step.verify
    limit = view.verify_t + verify.within + state.paused_total - view.verify_paused
    if verify.impact:
        return _confirming(state, step, limit)
    indicator = state.indicators.get(verify.indicator)
    good = indicator.good_since(view.verify_t) if indicator else None
    # Strictly more than nothing, so that `for: 0` still asks for a second judged after the step's own action.
    if indicator and indicator.until and good and good >= verify.lasting and indicator.until <= limit:
        return at_once(VerifyEnded(step=step.id, held=True, vacuous=view.vacuous))
    why = f"{verify.indicator} did not hold for {verify.lasting:g} s within {verify.within:g} s"
    failed = VerifyEnded(step=step.id, held=False, why=why, vacuous=view.vacuous)
    return DueEvents((failed,), limit + JUDGING_LAG)


def _confirming(state: State, step: Step, limit: float) -> DueEvents:
    """An impact takes two bad seconds, and those are judged a little later: what could have begun in time is waited for."""
    assert step.verify is not None  # noqa: S101 - the caller looked
    impact = state.episodes.impact
    if impact is not None and impact <= limit:
        return at_once(VerifyEnded(step=step.id, held=True))
    why = f"no impact was measured within {step.verify.within:g} s"
    return DueEvents((VerifyEnded(step=step.id, held=False, why=why),), limit + BREACH * BUCKET + JUDGING_LAG)


def _verified(state: State, step: Step, view: StepView) -> DueEvents:
    if view.held:
        return at_once(*succeed(state, step))
    return at_once(*fail(state, step, view.why or "it could not be verified"))


_RULES: dict[str, StepRule] = {
    "asking": _waiting,
    "ready": _waiting,
    "ran": _ran,
    "retry-wait": _retry_wait,
    "done": _verify_or_succeed,
    "verifying": _verifying,
    "verified": _verified,
}


# -- beside the sequence ---------------------------------------------------------------------------------------------


def reminders(state: State) -> DueEvents | None:
    """The next anytime step that is due again; only people can be reminded."""
    if not state.attended or state.paused or state.live_t is None:
        return None
    return earliest(*(_reminder(state, step) for step in state.plan.steps if step.anytime and step.every > 0))


def _reminder(state: State, step: Step) -> DueEvents:
    view = state.steps[step.id]
    since = state.live_t if view.reminded_t is None else view.reminded_t
    due = (since or 0.0) + step.every + state.paused_total - view.reminded_paused
    return DueEvents((StepReminded(step=step.id),), due)
