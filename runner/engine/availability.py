"""What people may do now, and why not the rest: what `help` lists."""

from __future__ import annotations

from collections.abc import Iterator

from runner.engine import commands as c
from runner.engine.commands import Command, IllegalCommand, Order, Role
from runner.engine.plan import MILESTONES
from runner.engine.prompt import open_questions
from runner.engine.state import State
from runner.engine.table import handler


def possible(state: State, role: Role, by: str = "") -> list[tuple[str, str]]:
    """Every command of people with why it is not possible now, or ''. `by` asks: not everybody may approve."""
    return [
        (name, _why_not(state, Order(command=command, t=state.t, by=by, role=role))) for name, command in _all(state)
    ]


def _why_not(state: State, order: Order) -> str:
    """The command itself is asked, so that help and refusal cannot differ."""
    try:
        handler(state, order)(state, order, order.command)
    except IllegalCommand as illegal:
        return str(illegal)
    return ""


def _all(state: State) -> Iterator[tuple[str, Command]]:
    """One of each, with arguments that would do if any would."""
    step = state.step
    view = state.steps.get(state.current)
    questions = open_questions(step, view) if step and view else ()
    yield "complete", c.Complete()
    yield "run", c.RunCommand()
    yield "confirm", c.Confirm()
    yield "answer", c.Answer(name=questions[0].name if questions else "", value="…")
    yield "approve", c.Approve()
    yield "choose", c.Choose(label=next(iter(step.choose), "") if step else "")
    yield "fail", c.Fail(why="…")
    yield "skip", c.Skip(why="…")
    yield "retry", c.Retry()
    yield "go-to", c.GoTo(step=next((each.id for each in state.plan.sequence), ""))
    yield "hint", c.ShowHint()
    yield "hand-over", c.HandOver(to=next((p.name for p in state.present if p.role != "observer"), ""))
    yield "dispute", c.Dispute(text="…")
    for anytime in (each for each in state.plan.steps if each.anytime):
        yield f"do {anytime.id}", c.Complete(step=anytime.id)
    for milestone in MILESTONES:
        yield f"milestone {milestone}", c.Milestone(name=milestone)
    yield "inject", c.Inject()
    yield "note", c.Note(text="…")
    yield "action", c.Note(text="…", type="action")
    yield "mark", c.Note(text="…", type="mark")
    yield "rate", c.Note(text="3", type="rating", about="runbook")
    yield "pause", c.Pause(why="…")
    yield "resume", c.Resume()
    yield "abort", c.Abort(reason="logistics", why="…")
    yield "close", c.Close()
