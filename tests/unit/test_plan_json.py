"""A plan as JSON and back."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import runner
from runner.engine.plan import Ask, Check, Experiment, Load, RunPlan, Step, Target, Verify
from runner.engine.plan_json import plan_from_json, plan_to_json
from runner.planning.compile import compile_named
from runner.specs.catalogue import Catalogue
from runner.specs.failure_rule import AskPeople, ContinueRunbook, GoToStep, StopRunbook
from runner.specs.injection_moment import AfterWarmUp, AtStep, Between, InjectionMoment, OnCommand

_EVERYTHING = Path(__file__).parent / "fixtures" / "everything"


def _round(plan: RunPlan) -> RunPlan:
    return plan_from_json(json.loads(json.dumps(plan_to_json(plan), allow_nan=False)))


def test_a_real_plan_comes_back_as_it_was() -> None:
    plan = compile_named(Catalogue(_EVERYTHING), "payment-gateway-outage")
    assert _round(plan) == plan


_words = st.text(max_size=6)
_seconds = st.floats(0, 1e6, allow_nan=False)
_moments = st.one_of(
    st.sampled_from([AfterWarmUp(), OnCommand()]),
    st.builds(AtStep, step=_words),
    st.builds(Between, first=_seconds, last=_seconds),
)
_rules = st.one_of(st.sampled_from([AskPeople(), StopRunbook(), ContinueRunbook()]), st.builds(GoToStep, step=_words))
_maps = st.dictionaries(_words, _words, max_size=2)


@given(
    st.builds(
        RunPlan,
        name=_words,
        slug=_words,
        target=st.builds(Target, name=_words, kind=_words, environment=_words, vars=_maps, secrets=st.just(("A", "B"))),
        steps=st.lists(
            st.builds(
                Step,
                id=_words,
                name=_words,
                choose=_maps,
                ask=st.just((Ask(name="a", prompt="b"),)),
                verify=st.none() | st.builds(Verify, probe=st.none() | _maps),
                timeout=st.none() | st.floats(0, 100),
                on_failure=_rules,
                on_timeout=st.none() | _rules,
            ),
            max_size=2,
        ).map(tuple),
        experiments=st.lists(
            st.builds(Experiment, slug=_words, document=_maps, document_hash=_words, inject=_moments), max_size=2
        ).map(tuple),
        load=st.none() | st.builds(Load, locustfile=_words),
        needs=st.just((Check(name="n", probe={"a": [1, {"b": None}]}),)),
    )
)
def test_any_plan_comes_back_as_it_was(plan: RunPlan) -> None:
    assert _round(plan) == plan


def test_an_older_and_a_newer_transcript_read() -> None:
    document = {
        "name": "x",
        "slug": "x",
        "target": {"name": "sandbox", "kind": "sandbox", "environment": "sandbox", "colour": "red"},
        "steps": [{"id": "a", "name": "A", "mood": "good"}],
        "new": {"anything": 1},
    }
    plan = plan_from_json(document)
    assert plan.steps == (Step(id="a", name="A"),)
    assert plan.target.name == "sandbox"
    assert plan.time_box == RunPlan(name="", slug="", target=plan.target).time_box


def test_even_nothing_is_a_plan() -> None:
    plan = plan_from_json({})
    assert (plan.name, plan.target.kind, plan.steps) == ("", "", ())


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (AfterWarmUp(), "after-warm-up"),
        (OnCommand(), "on-command"),
        (AtStep("fail-over"), "at-step:fail-over"),
        (Between(60.0, 480.0), "between:60:480"),
        (Between(0.5, 1234567.25), "between:0.5:1234567.25"),
    ],
)
def test_a_moment_is_a_text_on_disk(moment: InjectionMoment, text: str) -> None:
    document = {"experiments": [{"slug": "x", "inject": text}]}
    plan = plan_from_json(document)
    assert plan.experiments[0].inject == moment
    assert plan_to_json(plan)["experiments"][0]["inject"] == text


@pytest.mark.parametrize("text", ["ask", "stop", "continue", "go-to:fail-over"])
def test_a_rule_is_a_text_on_disk(text: str) -> None:
    document = {"steps": [{"id": "x", "on_failure": text, "on_timeout": text}, {"id": "y", "on_timeout": ""}]}
    steps = plan_to_json(plan_from_json(document))["steps"]
    assert [(step["on_failure"], step["on_timeout"]) for step in steps] == [(text, text), ("ask", "")]


@pytest.mark.parametrize("text", ["at-dawn", "between", "between:a:b", "", None, 7, ["after-warm-up"]])
def test_what_a_newer_release_wrote_reads(text: object) -> None:
    """Nothing of this release brings such a moment about, or ends a run for such a rule."""
    document = {"steps": [{"id": "x", "on_failure": text}], "experiments": [{"slug": "x", "inject": text}]}
    plan = plan_from_json(document)
    assert (plan.steps[0].on_failure, plan.experiments[0].inject) == (ContinueRunbook(), OnCommand())


def test_no_other_module_takes_such_a_text_apart() -> None:
    root = Path(runner.__file__).parent
    readers = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith(("at-step:", "between:", "go-to:"))
    }
    assert readers == {"specs/injection_moment.py", "specs/failure_rule.py"}
