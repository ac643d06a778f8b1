"""The first transition table: what may be asked in which phase, and what answers. Who may ask is in `roles`.

The second is in `runner.engine.step_commands` (people) and `runner.engine.rules.steps` (by itself): by a step's status.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runner.engine import commands as c
from runner.engine import run_commands, step_commands
from runner.engine.commands import Command, IllegalCommand, Order
from runner.engine.events import Event
from runner.engine.roles import permit
from runner.engine.rules import injection
from runner.engine.state import State

Handler = Callable[[State, Order, Any], tuple[Event, ...]]

_ALWAYS: dict[type[Command], Handler] = {
    c.Observed: run_commands.observe,
    c.Tick: run_commands.tick,
    c.Join: run_commands.join,
    c.Leave: run_commands.leave,
    c.Note: run_commands.write,
}

_BEFORE_THE_END: dict[type[Command], Handler] = {
    **_ALWAYS,
    c.Stop: run_commands.stop,
    c.Abort: run_commands.abort,
    c.Halt: run_commands.halt,
}

_TABLE: dict[str, dict[type[Command], Handler]] = {
    "": {c.Observed: run_commands.begin},
    "preflight": {**_BEFORE_THE_END, c.PassPreflight: run_commands.pass_preflight},
    "warm-up": _BEFORE_THE_END,
    "live": {
        **_BEFORE_THE_END,
        c.Milestone: run_commands.say,
        c.Inject: injection.inject,
        c.Pause: run_commands.pause,
        c.Resume: run_commands.resume,
        c.Complete: step_commands.do,
        c.RunCommand: step_commands.on_step,
        c.Confirm: step_commands.on_step,
        c.Answer: step_commands.on_step,
        c.Approve: step_commands.on_step,
        c.Choose: step_commands.on_step,
        c.Fail: step_commands.on_step,
        c.Skip: step_commands.on_step,
        c.Retry: step_commands.on_step,
        c.GoTo: step_commands.go_to,
        c.ShowHint: step_commands.show_hint,
        c.HandOver: step_commands.hand_over,
        c.Dispute: step_commands.dispute,
    },
    "undoing": {
        **_ALWAYS,
        c.Stop: run_commands.already_ending,
        c.Abort: run_commands.already_ending,
        c.Halt: run_commands.already_ending,
    },
    "debrief": {
        **_ALWAYS,
        c.Observed: run_commands.close,
        c.Stop: run_commands.close_debrief,
        c.Abort: run_commands.close_debrief,
        c.Halt: run_commands.close_debrief,
        c.Dispute: step_commands.dispute,
        c.Close: run_commands.close_debrief,
    },
    "closed": {},
}

_WHY_NOT = {
    "": "the run has not started",
    "preflight": "the run is not live yet",
    "warm-up": "the run is not live yet",
    "live": "the run is live",
    "undoing": "the run is ending: its faults are being undone",
    "debrief": "the run is over: this is its debrief",
    "closed": "the run is closed",
}


def handler(state: State, order: Order) -> Handler:
    """Who answers this order. Raises IllegalCommand."""
    permit(state, order)
    found = _TABLE.get(state.phase, {}).get(type(order.command))
    if found is None:
        raise IllegalCommand(_WHY_NOT.get(state.phase, f"the run is in {state.phase}"))
    return found
