"""The plan as text: whoever reads it knows what will be touched, by what it is undone, and what nobody can see into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hostile_events import EVIL, acts

from runner.engine.plan import Ask, Check, Experiment, Indicator, Load, RunPlan, Step, StopRule, Target, Verify
from runner.guard.policies import Refusal, judge_plan
from runner.planning.compile import compile_named
from runner.specs.catalogue import Catalogue
from runner.specs.injection_moment import AtStep, Between, OnCommand
from runner.testing import sample_plan
from runner.views.plan_text import plan_text

_EVERYTHING = Path(__file__).parent / "fixtures" / "everything"


def _words(plan: RunPlan, *refusals: Refusal) -> list[str]:
    return [" ".join(line.split()) for line in plan_text(plan, refusals).splitlines()]


def test_a_drill_with_everything() -> None:
    plan = compile_named(Catalogue(_EVERYTHING), "payment-gateway-outage")
    text = plan_text(plan, judge_plan(plan, attended=True))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "Payment gateway outage (drills/payment-gateway-outage/drill.yaml)"
    assert any(line.startswith("staging http, staging, https://checkout.staging.example.com") for line in lines)
    assert "may touch *.staging.example.com" in lines
    assert any(line.startswith("users 40, 20 a second") for line in lines)
    for activity in plan.experiments[0].document["method"]:
        assert any(str(activity.get("name", activity.get("ref"))) in line for line in lines)
    for activity in plan.experiments[0].document["rollbacks"]:
        assert any(line.startswith("undoes") and str(activity.get("name")) in line for line in lines)
    assert "asks proxy-answers" in lines
    assert "does say: sh -c 'echo ${TARGET_URL}'" in lines
    for step in plan.steps:
        assert any(step.name in line for line in lines)
    for what in plan.opaque:
        assert any(what in line for line in lines)
    assert lines[-1] == f"plan {plan.plan_hash[:16]}"


def test_every_probe_is_shown_as_it_will_be_sent_and_no_header_that_may_be_a_password() -> None:
    def asks(path: str) -> dict[str, Any]:
        headers = {"Authorization": "Bearer ${TOKEN}", "Host": "shop.stage"}
        return {"provider": {"type": "http", "url": f"${{target.url}}{path}", "headers": headers}, "tolerance": 200}

    plan = sample_plan(
        Step(id="a", name="Same", verify=Verify(probe=asks("/verify"))),
        target=Target(name="stage", kind="http", environment="staging", url="http://stage"),
        needs=(Check(name="Same", probe=asks("/need")),),
        alerts=(Check(name="Same", probe=asks("/alert")),),
        indicators=(Indicator(name="Same", source="probe", at_least=1.0, probe=asks("/up")),),
        experiments=(
            Experiment(
                slug="x",
                document={
                    "configuration": {"c": {"type": "probe", "name": "first", "provider": asks("/c")["provider"]}},
                    "steady-state-hypothesis": {"title": "h", "probes": [{"name": "before", **asks("/h")}]},
                },
                document_hash="",
                undone_when=(Check(name="Same", probe=asks("/undone")),),
            ),
        ),
    )
    lines = _words(plan)
    sent = "(headers: Authorization, Host: shop.stage)"
    for line in (
        f"needs Same: GET http://stage/need {sent}, expecting 200",
        f"alert Same: GET http://stage/alert {sent}, expecting 200",
        f"asks Same: GET http://stage/up {sent}, expecting 200",
        f"undone when Same: GET http://stage/undone {sent}, expecting 200",
        f"verified by GET http://stage/verify {sent}, expecting 200",
        f"asks first: GET ${{target.url}}/c {sent}",
        f"asks before: GET ${{target.url}}/h {sent}",
    ):
        assert line in lines


def test_a_fault_that_nothing_undoes_stands_out() -> None:
    action = {"type": "action", "name": "break it", "provider": {"type": "process", "path": "kill", "arguments": "1"}}
    lasting = Experiment(slug="x", document={"method": [action]}, document_hash="", actions=1)
    lines = _words(sample_plan(experiments=(lasting,)))
    assert "does break it: kill 1" in lines
    assert "no undo NOTHING undoes this fault" in lines
    healing = Experiment(slug="x", document={"method": [action]}, document_hash="", actions=1, no_undo="It heals.")
    assert "no undo It heals." in _words(sample_plan(experiments=(healing,)))


@pytest.mark.parametrize(
    ("pauses", "line"),
    [
        ({"before": 30, "after": 90}, "waits 30.0 s before it and 1:30.0 after it"),
        ({"after": "${settle}"}, "waits ${settle} s after it"),
        ({"before": 0}, None),
        (None, None),
    ],
)
def test_an_undo_that_waits_is_known_beforehand(pauses: Any, line: str | None) -> None:
    action = {"type": "action", "name": "mend", "provider": {"type": "process", "path": "true"}, "pauses": pauses}
    mends = Experiment(slug="x", document={"rollbacks": [action]}, document_hash="", rollbacks=1)
    lines = _words(sample_plan(experiments=(mends,)))
    assert [each for each in lines if each.startswith("waits")] == ([line] if line else [])


def test_moments_metrics_and_bounds_are_in_words() -> None:
    plan = sample_plan(
        Step(id="a", name="Fix it", run="one\ntwo"),
        Step(id="b", name="Which?", choose={"x": "a"}),
        Step(id="c", name="Tell", anytime=True),
        experiments=(
            Experiment(slug="one", document={}, document_hash="", inject=AtStep("a")),
            Experiment(slug="two", document={}, document_hash="", inject=Between(60.0, 480.0)),
            Experiment(slug="three", document={}, document_hash="", inject=OnCommand()),
        ),
        indicators=(
            Indicator(name="fast", source="load", metric="p95", request="GET /", at_most=0.4),
            Indicator(name="busy", source="load", metric="rate", at_least=5.0),
            Indicator(name="up", source="probe", at_least=0.99),
        ),
        stop_when=(StopRule(indicator="up", below=0.95, lasting=10.0),),
        undone_when=(Check(name="no toxic is left", probe={}),),
        time_to_recover=300.0,
    )
    lines = _words(plan)
    for line in (
        "experiment one (when step a begins)",
        "experiment two (at a random moment between 1:00.0 and 8:00.0)",
        "experiment three (on command)",
        "undone when no toxic is left",
        "fast: p95 of GET / at most 400 ms",
        "busy: rate of all requests at least 5 a second",
        "up: success-ratio of probes at least 99 %",
        "stops when up is below 95 % for 10.0 s",
        "1. command Fix it",
        "$ two",
        "2. decision Which?",
        "3. anytime Tell",
        "objective time to recover at most 5:00.0",
    ):
        assert line in lines


def test_what_the_guard_says_is_the_last_word() -> None:
    refusal = Refusal(rule="hosts", what="it is elsewhere", where="a.yaml", cure="allow it")
    lines = _words(sample_plan(), refusal)
    assert lines[-3:-1] == ["the guard refuses:", "a.yaml: it is elsewhere; allow it [hosts]"]
    assert any("the guard has no objection so far" in line for line in _words(sample_plan()))


def test_nothing_in_a_plan_acts_on_the_terminal_or_forges_a_line() -> None:
    action = {"type": EVIL, "name": EVIL, "provider": {"type": "process", "path": EVIL, "arguments": EVIL}}
    call = {"name": EVIL, "provider": {"type": "python", "module": EVIL, "func": EVIL, "arguments": {EVIL: EVIL}}}
    plan = sample_plan(
        Step(id="a", name=EVIL, run=EVIL, ask=(Ask(name=EVIL, prompt=EVIL),)),
        name=EVIL,
        file=EVIL,
        target=Target(name=EVIL, kind="http", environment="staging", url=EVIL, allow={"hosts": [EVIL], EVIL: [EVIL]}),
        load=Load(locustfile=EVIL, host=EVIL),
        experiments=(
            Experiment(slug=EVIL, document={"method": [action, call], "rollbacks": [action]}, document_hash=""),
        ),
        indicators=(Indicator(name=EVIL, source="load", metric="p95", request=EVIL, at_most=1.0),),
        stop_when=(StopRule(indicator=EVIL, below=1.0, lasting=1.0),),
        undone_when=(Check(name=EVIL, probe={}),),
        runbook=EVIL,
        runbook_file=EVIL,
        opaque=(EVIL,),
        warnings=(EVIL,),
    )
    text = plan_text(plan, (Refusal(rule=EVIL, what=EVIL, where=EVIL, cure=EVIL),))
    assert acts(text) == []
    assert not [line for line in text.splitlines() if line.startswith("+99")]
