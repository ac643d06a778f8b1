"""A fake of the prober: every probe holds, but those of which the test says otherwise."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from runner.actuators.probe_calls import DEFAULT_TIMEOUT, ProbePlan, ProbeResult
from runner.clock import Clock
from runner.specs.duration import format_duration
from runner.specs.probe_spec import HttpProvider, ProbeSpec, ProcessProvider, PythonProvider
from runner.specs.substitution import UndefinedVariable


@dataclass(frozen=True, kw_only=True)
class ProbeAnswer:
    """What comes back of a probe after `lasts` seconds: whether its tolerance holds, its value, and why it does not hold."""

    ok: bool = True
    value: Any = None
    why: str = ""
    lasts: float = 0.0


#: What each probe answers, by `asked_of`; a function is given the time of the call in seconds. The others hold.
Answers = Mapping[str, ProbeAnswer | Callable[[float], ProbeAnswer]]


def asked_of(probe: ProbeSpec) -> str:
    """What a probe asks: a URL, `host:port`, a command with its arguments, or `module.function`."""
    match probe.provider:
        case HttpProvider(url=url):
            return url
        case ProcessProvider(path=path, arguments=arguments):
            given = arguments if isinstance(arguments, str) else " ".join(map(str, arguments or ()))
            return f"{path} {given}".strip()
        case PythonProvider(module=module, func=func):
            return f"{module}.{func}"
        case tcp:
            return f"{tcp.host}:{tcp.port}"


class FakeProber:
    """A `Prober` that asks nobody. It fills in variables, keeps time limits and redacts, as the real one does."""

    def __init__(self, plan: ProbePlan, answers: Answers | None = None) -> None:
        self.plan = plan
        plan.redaction.learn(plan.secrets.values())
        self.answers = answers if answers is not None else {}
        #: What was asked, in order, as `asked_of` says it.
        self.asked: list[str] = []
        self.closed = False

    @property
    def clock(self) -> Clock:
        return self.plan.clock

    async def ready(self, probe: ProbeSpec) -> None:  # noqa: ARG002  nothing to prepare
        return

    async def call(self, probe: ProbeSpec, *, default: float = DEFAULT_TIMEOUT, most: float = math.inf) -> ProbeResult:
        sent, redaction = self.clock.now(), self.plan.redaction
        try:
            asked = asked_of(probe.resolved({**self.plan.variables, **self.plan.secrets}))
        except UndefinedVariable as error:
            return ProbeResult(sent, 0.0, False, None, f"{error.what}; {error.meant}", answered=False)
        self.asked.append(asked)
        given = self.answers.get(asked, ProbeAnswer())
        answer = given(sent) if callable(given) else given
        limit = min(default, most)
        await asyncio.sleep(min(answer.lasts, limit))
        duration = round(self.clock.now() - sent, 6)
        if answer.lasts > limit:
            why = f"no answer within {format_duration(limit)}"
            return ProbeResult(sent, duration, False, None, why, answered=False)
        why = "" if answer.ok else redaction.text(answer.why or "it does not hold")
        return ProbeResult(sent, duration, answer.ok, redaction.value(answer.value), why)

    async def close(self) -> None:
        self.closed = True
