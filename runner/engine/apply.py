"""All reducers together: a state and the next line of a transcript make the next state.

It is total. Whatever a transcript holds, of an older release or a newer one, in whatever order, it is taken for a
fact; what the state has no place for is passed over.
"""

from __future__ import annotations

from runner.engine import events as e
from runner.engine.reducers import faults, run_state, samples, step_states
from runner.engine.reducers.reducer_table import Reducer
from runner.engine.state import State

_REDUCERS: dict[type[e.Event], Reducer] = {
    **faults.reduces.table,
    **run_state.reduces.table,
    **samples.reduces.table,
    **step_states.reduces.table,
}


def apply(state: State, recorded: e.Recorded) -> State:
    """The state after this line."""
    reduce = _REDUCERS.get(type(recorded.event))
    if reduce is not None:
        state = reduce(state, recorded.event, recorded)
    return state.but(
        seq=recorded.seq,
        t=max(state.t, recorded.t),
        episodes=state.episodes.fold(recorded),
    )
