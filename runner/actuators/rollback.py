"""One rollback in a process of its own, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from runner.actuators.processes import thaw
from runner.actuators.shim_process import Message, ShimProcess
from runner.actuators.spawn import Spawned
from runner.lazy_dataclass import lazy_dataclass
from runner.redact import Redaction, Redactor

_EXIT_WITHIN = 0.5
#: Seconds between two looks whether somebody froze it.
_LOOK = 0.5


@lazy_dataclass(frozen=True, kw_only=True)
class Known:
    """An experiment as its method, or its last rollback, left it, redacted; `withheld` names values that stand nowhere."""

    document: Mapping[str, Any]
    configuration: Mapping[str, Any]
    withheld: tuple[str, ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class RollbackOrder:
    """What is undone, and with what.

    `experiment` and `configuration` as the method left them; a rollback that needs a value that is `withheld` fails.
    It works in the folder `cwd`, or where it was spawned. `secrets` resolved, in the toolkit's groups, or None to read
    them again from where the experiment says; `redact` are the values to mask. `runs` are the journal entries of the rollbacks before it. Without `controls` none of the
    experiment's controls is called, nor those of the toolkit's `settings`.
    """

    experiment: Mapping[str, Any]
    index: int
    configuration: Mapping[str, Any]
    withheld: Sequence[str] = ()
    origin: int
    cwd: str = ""
    secrets: Mapping[str, Any] | None = None
    env: Mapping[str, str] | None = None
    redact: Sequence[str] = ()
    controls: bool = True
    runs: Sequence[Any] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@lazy_dataclass(frozen=True, kw_only=True)
class RollbackResult:
    """How it went. `status` is succeeded or failed as the toolkit sees it, timed-out, or broken (its process died).

    `failure` says why one that came back did not do its work, such as `exited with 1`, '' when it did: the toolkit calls a
    command that exits with 1, an answer of 500 and a function that gives back false a success. `killed`: by a signal.
    `started` and `t` (its end) in seconds of the run, None if it never came so far. `lacking` names the secrets that
    could not be read again. `activity` is its journal entry, redacted, None if there is none; `added` what a control put behind it. `left` is what it made of
    the experiment, None if it is as it was. `broken_controls` did not do what they were for around it; each is control,
    when, activity, why and stops, redacted.
    """

    status: str
    output: Any = None
    exception: str = ""
    failure: str = ""
    killed: bool = False
    started: float | None = None
    t: float | None = None
    duration: float | None = None
    lacking: tuple[str, ...] = ()
    activity: Mapping[str, Any] | None = None
    added: tuple[Any, ...] = ()
    left: Known | None = None
    broken_controls: tuple[Mapping[str, Any], ...] = ()

    @property
    def ok(self) -> bool:
        """True if it worked."""
        return self.status == "succeeded" and not self.failure


class RollbackChild:
    """A process ready to undo one thing. Spawn it early, run it once."""

    def __init__(self, shim: ShimProcess) -> None:
        self._shim = shim
        self._started: float | None = None
        self._result: asyncio.Future[RollbackResult] | None = None
        self._order: RollbackOrder | None = None
        self._limit: asyncio.Timeout | None = None

    @classmethod
    def spawn(cls, *, log: Path | None = None) -> RollbackChild:
        """Start it, warm and idle. Needs no event loop. Raises OSError."""
        return cls(ShimProcess.spawn("rollback", log=log, outlived=True))

    @classmethod
    def of(cls, spawned: Spawned) -> RollbackChild:
        """The child that was started, or left behind, for this."""
        return cls(ShimProcess(spawned, outlived=True))

    @property
    def pid(self) -> int:
        return self._shim.pid

    async def run(self, order: RollbackOrder, *, deadline: float, log: Path | None = None) -> RollbackResult:
        """Undo. After `deadline` seconds the process is killed with all it started; never raises for a bad rollback.

        The rollback's own pauses do not count. Until then it, and what it started, is woken when somebody froze it: nothing masks a SIGSTOP.
        """
        self._result = asyncio.get_running_loop().create_future()
        self._order = order
        self._shim.attach(self._hear, self._gone, Redaction(Redactor(order.redact)), log)
        self._shim.send(
            {
                "do": "rollback",
                "experiment": dict(order.experiment),
                "index": order.index,
                "configuration": dict(order.configuration),
                "withheld": list(order.withheld),
                "origin": order.origin,
                "cwd": order.cwd,
                "secrets": None if order.secrets is None else dict(order.secrets),
                "env": dict(order.env or {}),
                "redact": list(order.redact),
                "controls": order.controls,
                "runs": list(order.runs),
                "settings": dict(order.settings),
            }
        )
        awake = asyncio.create_task(self._keep_awake())
        try:
            async with asyncio.timeout(deadline) as self._limit:
                result = await asyncio.shield(self._result)
        except TimeoutError:
            awake.cancel()
            await self._shim.stop(0)
            return RollbackResult(
                status="timed-out", exception=f"not done within {deadline:g} s", started=self._started
            )
        awake.cancel()
        # What a rollback starts may be the very service it brings back, so only the process itself is ended.
        if not await self._shim.gone(_EXIT_WITHIN):
            self._shim.kill()
            await self._shim.gone(_EXIT_WITHIN)
        return result

    async def _keep_awake(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            await asyncio.to_thread(thaw, self.pid)

    def discard(self) -> list[int]:
        """End a spare that is not needed; needs no loop."""
        return self._shim.discard()

    def _hear(self, message: Message) -> None:
        kind = message.get("kind")
        if kind == "rollback-started":
            self._started = message["t"]
        elif kind == "pausing":
            self._put_off(float(message["seconds"]))
        elif kind == "rollback-ended":
            self._settle(
                RollbackResult(
                    status=message["status"],
                    output=message["output"],
                    exception=message.get("exception", ""),
                    failure=message["failure"],
                    killed=message["killed"],
                    started=self._started,
                    t=message["t"],
                    duration=message["duration"],
                    lacking=tuple(message["lacking"]),
                    activity=message["activity"],
                    added=tuple(message.get("added", ())),
                    left=self._left(message.get("learned")),
                    broken_controls=tuple(message["broken_controls"]),
                )
            )
        elif kind == "failed":
            self._settle(RollbackResult(status="failed", exception=message["why"], started=self._started))

    def _put_off(self, seconds: float) -> None:
        """The deadline, by a pause that the rollback makes before or after its work."""
        if self._limit is not None and not self._limit.expired() and (end := self._limit.when()) is not None:
            self._limit.reschedule(end + seconds)

    def _left(self, learned: Message | None) -> Known | None:
        if learned is None or self._order is None:
            return None
        return Known(
            document=learned["document"] or self._order.experiment,
            configuration=learned["configuration"],
            withheld=tuple(sorted({*self._order.withheld, *learned["withheld"]})),
        )

    def _gone(self, code: int) -> None:
        words = f": {self._shim.tail[-1]}" if self._shim.tail else ""
        self._settle(
            RollbackResult(
                status="broken",
                exception=f"its process ended with {code} before it was done{words}",
                started=self._started,
            )
        )

    def _settle(self, result: RollbackResult) -> None:
        if self._result and not self._result.done():
            self._result.set_result(result)
