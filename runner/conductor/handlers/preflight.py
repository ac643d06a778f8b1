"""What must hold before anything changes: the target stands and is the declared one, the needs hold, the parts load."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.conductor.context import RunContext
from runner.conductor.handlers.experiments import ExperimentsHandler
from runner.conductor.handlers.load_run import LoadHandler
from runner.engine import events as ev
from runner.engine.commands import PassPreflight
from runner.engine.plan import Check
from runner.errors import GamedayError, Refused
from runner.guard.policies import judge_load
from runner.guard.refusal import placed
from runner.planning.calls import asked_calls
from runner.specs.substitution import UndefinedVariable, substitute
from runner.targets.registry import driver_of

if TYPE_CHECKING:
    from runner.actuators.probe_calls import ProbeResult
    from runner.specs.probe_spec import ProbeSpec

#: Seconds an experiment gets to load; a module that hangs on import must not hold the run up for ever.
_LOADED_WITHIN = 60.0


class PreflightHandler:
    """Has the others make themselves ready, too: the load begins to import, the experiments are loaded."""

    def __init__(self, run: RunContext, experiments: ExperimentsHandler, load: LoadHandler) -> None:
        self._run = run
        self._experiments = experiments
        self._load = load
        self._driver = driver_of(run.plan.target.kind)

    def act(self, recorded: ev.Recorded) -> None:
        if isinstance(recorded.event, ev.PhaseEntered) and recorded.event.phase == "preflight":
            self._run.spawn(self._check(), "preflight")

    async def close(self) -> None:
        if self._run.prober_or_none is not None:
            await self._run.prober_or_none.close()

    async def _check(self) -> None:
        self._load.prepare()
        try:
            await self._find_target()
            self._judge_load()
        except GamedayError as error:
            self._run.stop("refused", f"target {self._run.plan.target.name}: {error}")
            return
        self._run.found = True
        await self._experiments.load()
        if await self._all_hold(self._needs()) and await self._all_loaded():
            self._run.conductor.submit(PassPreflight())

    async def _find_target(self) -> None:
        target = self._run.plan.target
        if self._driver.started_as:
            await self._start_target()
        else:
            self._run.url, self._run.vars = target.url, {**target.vars, **self._driver.found_variables(target)}
        self._run.observe(ev.TargetReady(url=self._run.url, vars=self._run.vars))

    def _judge_load(self) -> None:
        """Its host may have waited for the target's address. Raises Refused."""
        load = self._run.plan.load
        if load is not None and load.host:
            host = str(substitute(load.host, self._run.variables()))
            refusals = placed(judge_load(self._run.plan, host), self._run.where)
            if refusals:
                raise Refused(str(refusals[0]))

    async def _start_target(self) -> None:
        driver = self._driver
        started = await self._run.ports.start_target(driver.kind, self._run.folder)
        self._run.started_target = started
        self._run.url, self._run.vars = started.url, dict(started.vars)
        self._run.spare(started.pid)
        self._run.observe(ev.ProcessStarted(role=driver.started_as, pid=started.pid, start_time=started.pid_start))

    def _needs(self) -> Iterable[Check]:
        plan = self._run.plan
        yield from (Check(name=each.name, probe=each.probe) for each in self._driver.identity_checks(plan.target))
        yield from plan.needs
        # An `undone-when` that does not hold now is an older fault still in, or a check that can never hold.
        yield from plan.undone_when
        for experiment in plan.experiments:
            for check in experiment.undone_when:
                # What speaks of a configuration that a probe has yet to resolve cannot be asked so early.
                with contextlib.suppress(UndefinedVariable):
                    probe = self._run.check_probe(check.probe, experiment)
                    yield replace(check, probe=probe.as_document())

    async def _all_hold(self, checks: Iterable[Check]) -> bool:
        results = await asyncio.gather(*(self._holds(check) for check in checks))
        return all(results)

    async def _holds(self, check: Check) -> bool:
        from runner.specs.probe_spec import ProbeSpec

        result = await self._asked(ProbeSpec.model_validate(check.probe))
        why = "" if result.ok else f"{result.why or 'it does not hold'} ({self._where(check)})"
        self._run.observe(ev.NeedChecked(name=check.name, met=result.ok, why=why), by="probe")
        return result.ok

    async def _asked(self, probe: ProbeSpec) -> ProbeResult:
        from runner.actuators.probe_calls import hold_until
        from runner.specs.probe_spec import PythonProvider

        if isinstance(probe.provider, PythonProvider):
            # Its first call imports what it needs, and that takes what it takes.
            result = await self._run.prober.call(probe)
            if result.ok:
                return result
        return await hold_until(
            self._run.prober,
            probe,
            within=self._driver.settles_within,
            every=0.25,
            clock=self._run.clock,
        )

    def _where(self, check: Check) -> str:
        """Where the check is written, for whoever has to mend it or the target."""
        asked = [call for call in asked_calls(self._run.plan) if call.name == check.name]
        # Two may have one name; of those that were resolved before only the name is left.
        found = next((call for call in asked if call.probe is check.probe), asked[0])
        return self._run.where(found.file, found.at)

    async def _all_loaded(self) -> bool:
        """Wait until every experiment has loaded; one that cannot ends the run through its own event."""
        until = self._run.clock.now() + _LOADED_WITHIN
        while True:
            state = self._run.state
            if state.ending:
                return False
            if self._run.clock.now() > until:
                slow = [slug for slug, view in state.experiments.items() if view.status == "waiting"]
                self._run.stop(
                    "refused", f"{', '.join(slug for slug in slow)} did not load within {_LOADED_WITHIN:g} s"
                )
                return False
            if all(view.status != "waiting" for view in state.experiments.values()):
                return True
            await asyncio.sleep(0.005)
