"""Probes written in Python, called in a child: an indicator, a `verify` or an `undone-when` may be any function."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.actuators.shim_process import Message, ShimProcess
from runner.redact import Redaction, Redactor


class ProbeChild:
    """One long-lived child for all of a run's Python probes; calls may overlap."""

    def __init__(self, shim: ShimProcess) -> None:
        self._shim = shim
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[Message]] = {}

    @classmethod
    def spawn(cls, *, log: Path | None = None) -> ProbeChild:
        """Start it. Needs no event loop. Raises OSError."""
        return cls(ShimProcess.spawn("probe", log=log))

    @property
    def pid(self) -> int:
        return self._shim.pid

    @property
    def alive(self) -> bool:
        return self._shim.alive

    async def attach(
        self,
        *,
        origin: int,
        env: Mapping[str, str] | None = None,
        redaction: Redaction | None = None,
        log: Path | None = None,
    ) -> None:
        """Listen in the running loop. `origin` is the run clock's; `redaction` knows the values to mask."""
        redaction = redaction or Redaction(Redactor())
        self._shim.attach(self._hear, self._gone, redaction, log)
        redact = sorted(redaction.known.secrets)
        self._shim.send({"do": "load", "origin": origin, "env": dict(env or {}), "redact": redact})
        redaction.tell(lambda secrets: self._shim.send({"do": "hide", "secrets": secrets}))

    async def call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """`{"probe": {name, provider, tolerance}, "configuration"?, "secrets"?}` to `{"ok", "value", "error", "t",
        "duration"}`; `error` is None when ok, `t` is when it was called. Never raises for a bad probe; waits as long as
        the probe does, so bound it from outside: a cancelled call is forgotten.
        """
        if not self.alive:
            return _no_answer("the probe child is gone")
        self._last_id += 1
        number = self._last_id
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._shim.send({**request, "id": number})
        try:
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def stop(self, grace: float = 0.1) -> list[int]:
        """End it and all that came out of it. Returns the pids that would not die."""
        return await self._shim.stop(grace)

    def discard(self) -> list[int]:
        """End a spare that was never attached; needs no loop."""
        return self._shim.discard()

    def _hear(self, message: Message) -> None:
        if message.pop("kind", None) != "answer":
            return
        waiting = self._waiting.get(message.pop("id"))
        if waiting and not waiting.done():
            waiting.set_result(message)

    def _gone(self, code: int) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(_no_answer(f"the probe child ended with {code}"))


def _no_answer(why: str) -> dict[str, Any]:
    return {"ok": False, "value": None, "error": why, "t": None, "duration": None}
