"""The command palette: every action of the room by its label, with why it is not possible now."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from runner.engine.availability import Availability
from runner.engine.command_lookup import actions_on
from runner.engine.command_spec import Action


class HasActions(Protocol):
    """The screen that names this provider."""

    def allowed(self) -> Availability: ...

    def action_perform(self, name: str) -> None: ...


class ActionProvider(Provider):
    """What a person may do in this run."""

    async def discover(self) -> Hits:
        for action, why, do in self._actions():
            yield DiscoveryHit(action.label, do, help=why or None)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action, why, do in self._actions():
            score = matcher.match(action.label)
            if score > 0:
                yield Hit(score, matcher.highlight(action.label), do, help=why or None)

    def _actions(self) -> Iterator[tuple[Action, str, partial[None]]]:
        screen = cast("HasActions", self.screen)
        may = screen.allowed()
        for action in actions_on("room"):
            why = may.why_not(action.name)
            yield action, f"not now: {why}" if why else "", partial(screen.action_perform, action.name)
