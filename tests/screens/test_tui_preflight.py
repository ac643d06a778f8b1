"""The preflight: what would happen and what the guard says, before anything does; and the one word that begins it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hostile_events import EVIL, acts

from runner.engine.plan import Experiment, RunPlan, Step, Target
from runner.guard.policies import judge_plan
from runner.guard.refusal import Refusal
from runner.planning.compile import compile_named
from runner.specs.catalogue import Catalogue
from runner.testing import sample_plan
from runner.views.tui.preflight_app import Preflight
from runner.views.tui.screens.preflight_screen import Go, Judge
from runner.views.tui.widgets.panel import Panel

_EVERYTHING = Path(__file__).parents[1] / "unit" / "fixtures" / "everything"
_SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)])
_PRODUCTION = Target(name="shop", file="drills/targets.yaml", kind="http", environment="production")
_WRONG = (
    Refusal(rule="undo", what="nothing undoes it", where="experiments/e.yaml:7:3", cure="give it rollbacks"),
    Refusal(rule="hosts", what="elsewhere is not the target", where="drills/d/drill.yaml:9:11"),
)


def _allows(_consent: str) -> tuple[Refusal, ...]:
    return ()


def _refuses(_consent: str) -> tuple[Refusal, ...]:
    return _WRONG


def _guard(plan: RunPlan) -> Judge:
    return lambda consent: judge_plan(plan, attended=True, consent=consent)


def _production() -> RunPlan:
    return sample_plan(target=_PRODUCTION, allow_production=True, experiments=(), load=None, indicators=())


class Seen:
    """What stood on the screen, panel by panel, and how it was left."""

    result: Go | None = None
    running = True

    def __init__(self) -> None:
        self.panels: dict[str, str] = {}
        self.toasts: list[str] = []
        self.footer = ""

    def look(self, app: Preflight) -> None:
        for panel in app.screen.query(Panel):
            self.panels[panel.id or ""] = str(panel.render())
        self.footer = " ".join(each[1].description for each in app.screen.active_bindings.values() if each[1].show)
        self.toasts = [each.message for each in app._notifications]


def _play(app: Preflight, *keys: str, size: tuple[int, int] = (80, 24)) -> Seen:
    seen = Seen()

    async def play() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            seen.look(app)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
                if app.is_running:
                    seen.look(app)
            seen.running = app._exit is False
        seen.result = app.return_value

    asyncio.run(play())
    return seen


# -- what is shown -----------------------------------------------------------------------------------------------------


@_SIZES
def test_the_plan_is_there_from_its_target_to_its_objectives(size: tuple[int, int]) -> None:
    plan = compile_named(Catalogue(_EVERYTHING), "payment-gateway-outage")
    seen = _play(Preflight(plan, _allows), size=size)
    text = " ".join(seen.panels["plan"].split())
    for word in ("staging http, staging", "does say", "undoes", "steady state, held", "objective time to recover"):
        assert word in text
    for step in plan.steps:
        assert step.name in text
    head = seen.panels["preflight-head"]
    assert f"plan {plan.plan_hash[:16]}" in head
    assert "Payment gateway outage" in head
    assert "40 users" in head
    assert "at most 15:00.0" in head


@_SIZES
def test_nothing_is_cut_off_at_the_edge(size: tuple[int, int]) -> None:
    plan = compile_named(Catalogue(_EVERYTHING), "payment-gateway-outage")
    lines = _play(Preflight(plan, _allows), size=size).panels["plan"].split("\n")
    assert max(map(len, lines)) <= size[0] - 6
    assert any(line.startswith(" " * 18) and line.strip() for line in lines)


def test_all_of_it_can_be_scrolled_to() -> None:
    plan = compile_named(Catalogue(_EVERYTHING), "payment-gateway-outage")

    async def scroll() -> tuple[float, float, float]:
        app = Preflight(plan, _allows)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            scroll = app.screen.query_one("#plan-scroll")
            await pilot.press("down", "down")
            await pilot.pause()
            little = scroll.scroll_y
            for _ in range(20):
                await pilot.press("space")
            await pilot.pause()
            return little, scroll.scroll_y, scroll.max_scroll_y

    little, end, most = asyncio.run(scroll())
    assert little == 2
    assert end == most > 20


def test_so_can_every_one_of_many_reasons() -> None:
    many = tuple(Refusal(rule="r", what=f"reason {number}", where="x") for number in range(30))

    async def scroll() -> tuple[float, float]:
        app = Preflight(sample_plan(), lambda _: many)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await pilot.press("tab", "end")
            await pilot.pause(0.5)
            verdict = app.screen.query_one("#verdict")
            assert app.screen.query_one("#plan-scroll").size.height >= 4
            return verdict.scroll_target_y, verdict.max_scroll_y

    end, most = asyncio.run(scroll())
    assert end == most > 10


def test_a_resize_wraps_it_again() -> None:
    plan = compile_named(Catalogue(_EVERYTHING), "payment-gateway-outage")

    async def resize() -> tuple[int, int]:
        app = Preflight(plan, _allows)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            wide = str(app.screen.query_one("#plan", Panel).render()).count("\n")
            await pilot.resize_terminal(80, 24)
            await pilot.pause()
            return wide, str(app.screen.query_one("#plan", Panel).render()).count("\n")

    wide, narrow = asyncio.run(resize())
    assert narrow > wide


# -- the word ----------------------------------------------------------------------------------------------------------


def test_enter_begins_this_plan_and_no_other() -> None:
    plan = compile_named(Catalogue(_EVERYTHING), "payment-gateway-outage")
    seen = _play(Preflight(plan, _allows), "enter")
    assert seen.result == Go(consent="", plan_hash=plan.plan_hash)
    assert "no objection" in seen.panels["verdict-text"]


@pytest.mark.parametrize("key", ["q", "escape"])
@pytest.mark.parametrize("judge", [_allows, _refuses])
def test_leaving_starts_nothing(key: str, judge: Judge) -> None:
    seen = _play(Preflight(sample_plan(), judge), key)
    assert (seen.running, seen.result) == (False, None)


@_SIZES
def test_what_is_refused_names_rule_value_and_line_and_cannot_begin(size: tuple[int, int]) -> None:
    seen = _play(Preflight(sample_plan(), _refuses), "enter", "enter", size=size)
    text = seen.panels["verdict-text"]
    assert "refused, for 2 reasons" in text
    for refusal in _WRONG:
        for word in (refusal.where, f"[{refusal.rule}]", refusal.what, refusal.cure):
            assert word in text
    assert (seen.running, seen.result) == (True, None)
    assert "Begin" not in seen.footer
    assert any("the guard refuses" in toast for toast in seen.toasts)


def test_production_begins_only_when_its_name_is_typed() -> None:
    plan = _production()
    seen = _play(Preflight(plan, _guard(plan)), "enter", *"shop", "enter")
    assert seen.result == Go(consent="shop", plan_hash=plan.plan_hash)


@pytest.mark.parametrize("typed", ["shopp", "SHOP", "yes"])
def test_another_word_is_no_consent(typed: str) -> None:
    plan = _production()
    seen = _play(Preflight(plan, _guard(plan)), "enter", *typed, "enter")
    assert (seen.running, seen.result) == (True, None)
    assert any("is not its name" in toast for toast in seen.toasts)


@pytest.mark.parametrize("keys", [("enter", "enter", "enter"), ("enter", *"shop", "escape")])
def test_without_a_word_nothing_begins(keys: Iterable[str]) -> None:
    plan = _production()
    seen = _play(Preflight(plan, _guard(plan)), *keys)
    assert (seen.running, seen.result) == (True, None)
    assert "Begin" in seen.footer or "Never mind" in seen.footer


def test_a_consent_that_was_given_is_not_asked_for_again() -> None:
    plan = _production()
    seen = _play(Preflight(plan, _guard(plan), "shop"), "enter")
    assert seen.result == Go(consent="shop", plan_hash=plan.plan_hash)


def test_production_that_is_refused_anyway_is_not_asked_for() -> None:
    plan = replace(_production(), allow_production=False)
    seen = _play(Preflight(plan, _guard(plan)), "enter", *"shop", "enter")
    assert (seen.running, seen.result) == (True, None)
    assert "allow-production: true" in seen.panels["verdict-text"]


def test_what_only_the_consent_cures_is_not_named_beside_what_must_be_mended() -> None:
    def judge(consent: str) -> tuple[Refusal, ...]:
        asked = () if consent == "shop" else (Refusal(rule="production", what="nobody consented", where="x"),)
        return (*asked, *_WRONG)

    text = _play(Preflight(_production(), judge)).panels["verdict-text"]
    assert "refused, for 2 reasons" in text
    assert "nobody consented" not in text


# -- text from files ---------------------------------------------------------------------------------------------------


@_SIZES
def test_what_files_say_neither_acts_nor_crashes(size: tuple[int, int]) -> None:
    evil: dict[str, Any] = {"type": "process", "path": EVIL, "arguments": EVIL}
    document = {"method": [{"type": "action", "name": EVIL, "provider": evil}], "rollbacks": []}
    plan = sample_plan(
        Step(id="a", name=EVIL, run=EVIL),
        name=EVIL,
        file=EVIL,
        target=Target(name=EVIL, kind="http", environment="staging", url=EVIL, allow={EVIL: [EVIL]}),
        experiments=(Experiment(slug=EVIL, document=document, document_hash="", actions=1),),
        warnings=(EVIL,),
        opaque=(EVIL,),
        runbook=EVIL,
    )
    evils = (Refusal(rule=EVIL, what=EVIL, where=EVIL, cure=EVIL),)
    seen = _play(Preflight(plan, lambda _: evils), "down", "enter", size=size)
    for text in seen.panels.values():
        assert acts(text) == []
    assert "[/nope]" in seen.panels["plan"]
    assert "[@click=app.quit]" in seen.panels["verdict-text"]
    assert seen.running


def test_a_click_on_markup_from_a_file_does_nothing() -> None:
    async def click() -> bool:
        plan = sample_plan(name="[@click=app.exit]leave[/]" * 3)
        app = Preflight(plan, _allows)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            for x in range(1, 60, 5):
                await pilot.click("#preflight-head", offset=(x, 0))
            await pilot.pause()
            return app.is_running and not app._exit

    assert asyncio.run(click())
