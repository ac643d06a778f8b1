"""The command palette: every deed of the room by name, with why it is not possible now."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from runner.views.actions import ACTIONS, Action


class HasActions(Protocol):
    """The screen that names this provider."""

    def allowed(self) -> dict[str, str]: ...

    def action_deed(self, name: str) -> None: ...


class ActionProvider(Provider):
    """What a person may do in this run."""

    async def discover(self) -> Hits:
        for deed, why, do in self._deeds():
            yield DiscoveryHit(deed.label, do, help=why or None)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for deed, why, do in self._deeds():
            score = matcher.match(deed.label)
            if score > 0:
                yield Hit(score, matcher.highlight(deed.label), do, help=why or None)

    def _deeds(self) -> Iterator[tuple[Action, str, partial[None]]]:
        screen = cast("HasActions", self.screen)
        reasons = screen.allowed()
        for deed in ACTIONS:
            why = reasons.get(deed.rule, "")
            yield deed, f"not now: {why}" if why else "", partial(screen.action_deed, deed.name)
