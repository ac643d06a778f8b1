"""What happens by itself in each phase, and when the next of it is due."""

from __future__ import annotations

from runner.engine.rules import ending, injection, steps, warm_up
from runner.engine.rules.rule import DueEvents, Rule, earliest
from runner.engine.state import State

#: By phase; of several reactions due at the same time the rule named first goes first.
_RULES: dict[str, tuple[Rule, ...]] = {
    "preflight": (ending.leave, ending.unmet_needs, ending.troubles),
    "warm-up": (
        ending.leave,
        ending.unmet_needs,
        ending.troubles,
        ending.stop_rules,
        ending.target_gone,
        ending.abandoned,
        warm_up.load_over,
        warm_up.arming,
        warm_up.baseline,
    ),
    "live": (
        ending.leave,
        ending.unmet_needs,
        ending.troubles,
        ending.stop_rules,
        ending.target_gone,
        ending.abandoned,
        ending.pause_limit,
        ending.time_box,
        injection.injections,
        steps.sequence,
        steps.reminders,
        ending.completion,
    ),
    "undoing": (ending.debrief,),
    "debrief": (ending.nobody_to_debrief,),
}


def next_reaction(state: State) -> DueEvents | None:
    """What follows first if nobody does anything, and when."""
    return earliest(*(rule(state) for rule in _RULES.get(state.phase, ())))


def next_deadline(state: State) -> float | None:
    """When a `Tick` would next change something (s of the run's clock); None while only events can."""
    reaction = next_reaction(state)
    return None if reaction is None else reaction.due
