"""What an hour of samples leaves in the conductor's memory.

The conductor's own loop and the hand that watches, on an event loop whose clock does not wait: an hour of load windows
and of probes passes in a minute, through the same code and onto the same disk.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from figures import Row, python

from runner.actuators.load_reports import RequestWindow
from runner.actuators.probe_calls import ProbeResult
from runner.conductor.adapters import ProcessPorts
from runner.conductor.context import RunContext
from runner.conductor.handlers.indicators import IndicatorsHandler
from runner.conductor.loop import Conductor
from runner.control.peer_socket import PeerSocket
from runner.engine import events as ev
from runner.engine.commands import PassPreflight
from runner.engine.plan import Experiment, Indicator, Load, RunPlan, Step, Target
from runner.engine.plan_json import plan_to_json
from runner.redact import Redaction, Redactor
from runner.specs.injection_moment import OnCommand
from runner.testing import ManualClock
from runner.transcript.writer import TranscriptWriter

MOST = 80.0
#: What may be added between the first quarter and the end and still be called flat, in MB.
FLAT = 4.0

_HOUR = 3600
_WINDOW = 0.5
_NAMES = ("GET /catalogue", "GET /", "POST /checkout")
_PROBE = {"provider": {"type": "http", "url": "http://127.0.0.1:1/health"}, "tolerance": 200}


def rows(*, quick: bool) -> list[Row]:
    """Measured in a process of its own, which prints what it weighs at each quarter."""
    seconds = _HOUR // 4 if quick else _HOUR
    here = str(Path(__file__).parent)
    code = "import sys; sys.path.insert(0, sys.argv[1]); import memory; memory.main(int(sys.argv[2]))"
    weights: list[float] = json.loads(python(code, here, str(seconds)))
    most, grown = max(weights), weights[-1] - weights[0]
    samples = f"{seconds // 60} min of samples"
    return [
        Row(
            what=f"conductor's memory after {samples}",
            value=f"{most:.0f} MB",
            reach=f"≤ {MOST:g} MB",
            met=most <= MOST,
        ),
        Row(
            what=f"… added between the first quarter and the end of {samples}",
            ours=" ".join(f"{weight:.1f}" for weight in weights),
            value=f"{grown:+.1f} MB",
            reach=f"flat (≤ {FLAT:g} MB)",
            met=grown <= FLAT,
        ),
    ]


class _Impatient(selectors.DefaultSelector):
    """Waits for nothing: the time it was to wait has passed at once."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is not None and timeout > 0:
            # The clock counts whole microseconds: less would be no step at all.
            self._clock.advance(max(timeout, 1e-6))
        return ready


class _Loop(asyncio.SelectorEventLoop):
    """Tells the time of a manual clock, which goes on whenever there is nothing to do."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(_Impatient(clock))
        self._manual = clock

    def time(self) -> float:
        return self._manual.now()


class _Caller:
    """A target that always answers, without a network."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock

    async def ready(self, _probe: object) -> None:
        return

    async def call(self, _probe: object, **_limits: float) -> ProbeResult:
        sent = self.clock.now()
        await asyncio.sleep(0.002)
        return ProbeResult(sent, 0.002, True, {"status": 200}, "")


def main(seconds: int) -> None:
    """Print, as JSON, the megabytes in use at each quarter."""
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        weights = runner.run(_live(Path(folder), clock, seconds))
    json.dump(weights, sys.stdout)


async def _live(folder: Path, clock: ManualClock, seconds: int) -> list[float]:
    plan = _plan(seconds)
    ours, _theirs = PeerSocket.pair()
    redaction = Redaction(Redactor(()))
    writer = TranscriptWriter.create(folder, clock, redact=redaction.value)
    conductor = Conductor(writer=writer, clock=clock, link=ours)
    run = RunContext(
        run="bench",
        folder=folder,
        root=folder,
        plan=plan,
        clock=clock,
        redaction=redaction,
        secrets={},
        conductor=conductor,
        ports=ProcessPorts(ours, conductor.undone),
        prober_or_none=_Caller(clock),  # type: ignore[arg-type]  # all that a sampler uses of one
    )
    watch = IndicatorsHandler(run)
    conductor.handlers.append(watch)
    looping = asyncio.create_task(conductor.run())
    _begin(conductor, plan)
    weights = []
    for quarter in range(1, 5):
        await _load(conductor, watch, clock, until=seconds * quarter / 4)
        weights.append(_resident())
    if conductor.state.end is not None or conductor.state.phase != "live":
        raise RuntimeError(f"the run did not stay live: {conductor.state.phase}, {conductor.state.end}")
    await watch.close()
    conductor.finish()
    await looping
    await run.finish_tasks()
    return weights


def _plan(seconds: int) -> RunPlan:
    return RunPlan(
        name="A long hour",
        slug="bench",
        target=Target(name="local", kind="local", environment="sandbox"),
        steps=(Step(id="wait", name="Wait"),),
        experiments=(Experiment(slug="later", document={}, document_hash="", inject=OnCommand(), actions=1),),
        load=Load(locustfile="locustfile.py", users=40, warm_up=6.0),
        indicators=(
            Indicator(name="checkouts succeed", source="load", request=_NAMES[-1], at_least=0.99),
            Indicator(name="checkout p95", source="load", metric="p95", request=_NAMES[-1], at_most=0.4),
            Indicator(name="storefront answers", source="probe", at_least=1.0, probe=_PROBE, every=0.2),
        ),
        time_box=2.0 * seconds,
    )


def _begin(conductor: Conductor, plan: RunPlan) -> None:
    conductor.observe(ev.RunStarted(run="bench", plan=plan_to_json(plan), attended=True))
    conductor.observe(ev.ExperimentLoaded(experiment="later"))
    conductor.submit(PassPreflight())
    conductor.observe(ev.LoadStarted(users=40))
    conductor.observe(ev.LoadSpawned(users=40))


async def _load(conductor: Conductor, watch: IndicatorsHandler, clock: ManualClock, *, until: float) -> None:
    while clock.now() < until:
        await asyncio.sleep(_WINDOW)
        now = clock.now()
        if conductor.state.experiments["later"].status == "arming":
            conductor.observe(ev.ExperimentArmed(experiment="later"))
        windows = {name: _window(now) for name in _NAMES}
        figures = {name: _written(window) for name, window in windows.items()}
        conductor.observe(ev.LoadSampled(since=now - _WINDOW, until=now, users=40, requests=figures), by="load")
        watch.requests(now, 40, windows)


def _window(now: float) -> RequestWindow:
    spread = tuple((milliseconds, 4) for milliseconds in range(10, 60, 2))
    return RequestWindow(
        n=100,
        failures=0,
        p50=0.02,
        p95=0.05,
        p99=0.06,
        rate=200.0,
        hist=spread,
        first=now - _WINDOW + 0.01,
        last=now - 0.01,
        first_bad=None,
        last_bad=None,
        slow={},
    )


def _written(window: RequestWindow) -> Mapping[str, float | int | None]:
    return {name: getattr(window, name) for name in ("n", "failures", "rate", "p50", "p95", "p99")}


def _resident() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
