"""A plan as JSON and back."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runner.engine.plan import Ask, Check, Experiment, Load, RunPlan, Step, Target, Verify
from runner.engine.plan_json import plan_from_json, plan_to_json
from runner.planning.compile import compile_named
from runner.specs.catalogue import Catalogue

_EVERYTHING = Path(__file__).parent / "fixtures" / "everything"


def _round(plan: RunPlan) -> RunPlan:
    return plan_from_json(json.loads(json.dumps(plan_to_json(plan), allow_nan=False)))


def test_a_real_plan_comes_back_as_it_was() -> None:
    plan = compile_named(Catalogue(_EVERYTHING), "payment-gateway-outage")
    assert _round(plan) == plan


_words = st.text(max_size=6)
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
            ),
            max_size=2,
        ).map(tuple),
        experiments=st.lists(st.builds(Experiment, slug=_words, document=_maps, document_hash=_words), max_size=2).map(
            tuple
        ),
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
