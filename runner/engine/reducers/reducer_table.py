"""Where the reducers of one subject enter themselves, each at its own definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from runner.engine.events import Event, Recorded
from runner.engine.state import State

#: A state, an event and the line it stands in → the next state.
Reducer = Callable[[State, Any, Recorded], State]
_Reducer = TypeVar("_Reducer", bound=Reducer)


class ReducerTable:
    """Kind of event → its reducer. `@reduces(Kind)` above a function enters it; raises ValueError for a second one."""

    def __init__(self) -> None:
        self.table: dict[type[Event], Reducer] = {}

    def __call__(self, kind: type[Event]) -> Callable[[_Reducer], _Reducer]:
        def enter(reducer: _Reducer) -> _Reducer:
            if kind in self.table:
                raise ValueError(f"{kind.__name__} is reduced twice")
            self.table[kind] = reducer
            return reducer

        return enter
