"""What is measured while a run goes on, on fakes and in virtual time."""

from __future__ import annotations

from pathlib import Path

from handlers_kit import check, fault, plan, play, probe_of

from runner.engine import events as ev
from runner.engine.plan import Indicator
from runner.testing import FakePorts, FakeRun, ProbeAnswer

URL = "http://127.0.0.1:8000/health"
DOWN = ProbeAnswer(ok=False, why="connection refused")
HEALTHY = Indicator(name="shop answers", source="probe", at_least=0.8, probe=probe_of(URL), every=0.2)


def test_a_probe_is_shot_at_its_rate_and_judged_by_the_second(tmp_path: Path) -> None:
    ports = FakePorts()

    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.FaultIntended)
        ports.answers[URL] = DOWN
        await run.until(lambda: any(not judged.ok for judged in run.of(ev.IndicatorJudged)), within=5)
        await run.until_phase("debrief")
        judged = [each for each in run.of(ev.IndicatorJudged) if each.n]
        assert {each.n for each in judged[1:-1]} <= {4, 5, 6}
        assert [shot for sampled in run.of(ev.ProbesSampled) for shot in sampled.shots if "refused" in shot[3]]

    play(tmp_path, plan(fault(), load=None, indicators=(HEALTHY,)), story, ports)


def test_an_alert_fires_and_is_silent_again(tmp_path: Path) -> None:
    ports = FakePorts(answers={URL: DOWN})

    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.FaultIntended)
        ports.answers[URL] = ProbeAnswer()
        fired = await run.until_seen(ev.AlertFired, within=2)
        assert (fired.alert, fired.before) == ("ShopDown", False)
        ports.answers[URL] = DOWN
        await run.until(lambda: run.transcript.recorded[-1].event.kind.startswith("alert-"), within=5)

    play(tmp_path, plan(fault(), alerts=(check("ShopDown", URL),), impact_within=20.0), story, ports)
