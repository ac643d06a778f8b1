"""A service's view of the flags, at most a fifth of a second old."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runner.sandbox.flags import FLAGS, FlagSettings
from runner.sandbox.service import Service, ServiceUnreachable, TooSlow

#: Seconds between two looks.
PACE = 0.15


class FlagWatch:
    """`settings` are the last known ones; the defaults until `refresh` has succeeded once."""

    def __init__(self, service: Service, changed: Callable[[FlagSettings], None]) -> None:
        self._service = service
        self._changed = changed
        self._url = service.post.addresses.url("admin") + "/flags"
        self.settings = FlagSettings.of({name: flag.default for name, flag in FLAGS.items()})

    async def refresh(self) -> None:
        """Keeps what it has when the flag service does not answer."""
        try:
            reply = await self._service.call("GET", self._url, timeout=1.0)
        except (ServiceUnreachable, TooSlow):
            return
        if reply.status == 200 and (settings := FlagSettings.of(reply.json())) != self.settings:
            self.settings = settings
            self._changed(settings)

    async def follow(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(PACE)
            await self.refresh()
