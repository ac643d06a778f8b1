"""The probes of one run: called from this process, those written in Python in a child that the first one starts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from runner.actuators.probe import ProbeCaller
from runner.actuators.probe_calls import DEFAULT_TIMEOUT, ProbePlan, ProbeResult
from runner.actuators.python_probe import ProbeChild
from runner.clock import Clock
from runner.specs.probe_spec import ProbeSpec


class RunProber:
    """A `Prober` on the real target."""

    def __init__(self, plan: ProbePlan) -> None:
        self._plan = plan
        self._child: ProbeChild | None = None
        self._caller = ProbeCaller(
            plan.clock,
            env=plan.env,
            variables=plan.variables,
            secrets=plan.secrets,
            redaction=plan.redaction,
            python=self._call_python,
        )

    @property
    def clock(self) -> Clock:
        return self._plan.clock

    async def ready(self, probe: ProbeSpec) -> None:
        await self._caller.ready(probe)

    async def call(self, probe: ProbeSpec, *, default: float = DEFAULT_TIMEOUT, most: float = math.inf) -> ProbeResult:
        return await self._caller.call(probe, default=default, most=most)

    async def close(self) -> None:
        await self._caller.close()
        if self._child is not None:
            await self._child.stop()

    async def _call_python(self, request: dict[str, Any]) -> Mapping[str, Any]:
        plan = self._plan
        if self._child is None:
            self._child = ProbeChild.spawn()
            await self._child.attach(
                origin=plan.clock.origin, env=plan.python_env, redaction=plan.redaction, log=plan.log
            )
        return await self._child.call(request)
