"""Whether each `undone-when` is false while its fault is in: one that never is can prove nothing after the undo."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.conductor.context import RunContext
from runner.engine import events as ev
from runner.engine.plan import Check, Experiment

if TYPE_CHECKING:
    from runner.actuators.probe_calls import ProbeResult

#: Seconds after the first action's start at which a method still under way is looked at, and between two such looks.
_EVERY = 1.0
#: Seconds one answer may take then.
_ANSWER = 2.0
#: Seconds a check gets to be seen false once the method has ended, or the run while it goes on.
_WITHIN = 2.0


class Bites:
    """`looked` is called with an experiment whose method has ended and whose checks were all asked.

    A fault may be in only while its action lasts, so a long one is asked while it goes on; a short one once it is over.
    """

    def __init__(self, run: RunContext, looked: Callable[[str], None]) -> None:
        self._run = run
        self._looked = looked
        self._returned: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def action_started(self, slug: str) -> None:
        if slug not in self._returned:
            self._returned[slug] = asyncio.Event()
            self._tasks.append(self._run.spawn(self._look(slug), "undone-when"))

    def method_ended(self, slug: str) -> None:
        self.action_started(slug)
        self._returned[slug].set()

    async def finish(self) -> None:
        """The faults are about to go: ask what was not seen false yet for the last time."""
        for returned in self._returned.values():
            returned.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _look(self, slug: str) -> None:
        experiment = next(each for each in self._run.plan.experiments if each.slug == slug)
        open_checks = [*experiment.undone_when, *self._run.plan.undone_when]
        while open_checks and not await self._over(slug):
            open_checks = [check for check in open_checks if not await self._bites(check, experiment)]
        for check in open_checks:
            self._told(experiment, check, await self._ask(check, experiment))
        await self._returned[slug].wait()
        self._looked(slug)

    async def _over(self, slug: str) -> bool:
        """Wait until the next look is due; whether the method has ended by then."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._returned[slug].wait(), _EVERY)
        return self._returned[slug].is_set()

    async def _bites(self, check: Check, experiment: Experiment) -> bool:
        """Whether it is false now; a check that holds is not told yet, for the fault may still be on its way."""
        result = await self._run.prober.call(self._run.check_probe(check.probe, experiment), most=_ANSWER)
        if not result.ok:
            self._told(experiment, check, result)
        return not result.ok

    async def _ask(self, check: Check, experiment: Experiment) -> ProbeResult:
        from runner.actuators.probe_calls import hold_until

        return await hold_until(
            self._run.prober,
            self._run.check_probe(check.probe, experiment),
            within=_WITHIN,
            every=0.2,
            expect=False,
            clock=self._run.clock,
        )

    def _told(self, experiment: Experiment, check: Check, result: ProbeResult) -> None:
        checked = ev.UndoChecked(
            experiment=experiment.slug, name=check.name, held=result.ok, while_in=True, why=result.why
        )
        self._run.observe(checked, by="probe")
