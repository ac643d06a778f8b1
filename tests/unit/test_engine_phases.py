"""Preflight, warm-up and the baseline: nothing breaks before it may."""

from __future__ import annotations

import pytest

from runner.engine import events as e
from runner.engine.commands import Close, IllegalCommand, Observed, Order, PassPreflight, Stop, Tick
from runner.engine.decide import decide, next_deadline
from runner.engine.plan import Experiment, Indicator, Load, Step
from runner.engine.plan_json import plan_to_json
from runner.engine.state import State
from runner.specs.injection_moment import OnCommand
from runner.testing import Drive, sample_plan

DO = Step(id="look", name="Look")
TWO = (
    Experiment(slug="first", document={}, document_hash="", actions=1),
    Experiment(slug="second", document={}, document_hash="", actions=1, inject=OnCommand()),
)


def by_hand(**changes: object) -> Drive:
    """A drive whose experiments do nothing by themselves."""
    return Drive(sample_plan(DO, **changes), world=False)


def test_the_first_event_brings_the_plan_and_the_preflight() -> None:
    drive = by_hand().begin()
    assert drive.state.phase == "preflight"
    assert drive.state.plan == sample_plan(DO)
    assert [type(r.event) for r in drive.log] == [e.RunStarted, e.PhaseEntered]


def test_nothing_is_possible_before_the_first_event() -> None:
    with pytest.raises(IllegalCommand, match="has not started"):
        decide(State.empty(), Order(command=PassPreflight(), t=0.0))
    with pytest.raises(IllegalCommand, match="has not started"):
        decide(State.empty(), Order(command=Observed(event=e.LoadEnded()), t=0.0))


def test_a_run_starts_once() -> None:
    drive = by_hand().begin()
    with pytest.raises(IllegalCommand, match="decided, not observed"):
        drive.observe(e.RunStarted(run="r2", plan=plan_to_json(sample_plan()), attended=True))


def test_a_need_that_does_not_hold_refuses_the_run() -> None:
    drive = by_hand().begin().observe(e.NeedChecked(name="catalogue is loaded", met=False, why="499, not 500"))
    assert drive.state.end == e.EndDecided(cause="refused", reason="need", why="catalogue is loaded: 499, not 500")
    assert drive.state.phase == "undoing"


def test_load_that_began_and_then_died_is_a_failure_of_the_tool() -> None:
    drive = by_hand().begin().order(PassPreflight())
    drive.observe(e.LoadStarted(users=10)).observe(e.LoadFailed(why="it died"))
    assert drive.state.end is not None
    assert drive.state.end.cause == "broken"


def test_a_fault_of_the_locustfile_is_not_the_tools_whenever_it_comes_up() -> None:
    drive = by_hand().begin().order(PassPreflight()).observe(e.LoadStarted(users=10))
    drive.observe(e.LoadFailed(why="locustfile.py:3:9: KeyError: 'basket'", locustfile=True))
    assert drive.state.end is not None
    assert (drive.state.end.cause, drive.state.end.why) == ("refused", "load: locustfile.py:3:9: KeyError: 'basket'")


def test_needs_that_hold_change_nothing() -> None:
    drive = by_hand().begin().observe(e.NeedChecked(name="catalogue is loaded", met=True))
    assert drive.state.phase == "preflight"
    assert drive.state.needs["catalogue is loaded"].met


@pytest.mark.parametrize(
    ("event", "phase", "cause"),
    [
        (e.ExperimentFailed(experiment="gateway-errors", why="no module chaosfoo"), "preflight", "refused"),
        (e.ExperimentFailed(experiment="gateway-errors", why="it went silent"), "warm-up", "broken"),
        (e.LoadFailed(why="locustfile.py:3:1: no module named x"), "preflight", "refused"),
        (e.LoadFailed(why="locustfile.py:3:1: no module named x"), "warm-up", "refused"),
        (e.HypothesisChecked(experiment="gateway-errors", when="before", met=False), "warm-up", "refused"),
        (e.ExperimentEnded(experiment="gateway-errors", status="failed"), "warm-up", "refused"),
    ],
)
def test_what_cannot_go_on_ends_the_run(event: e.Event, phase: str, cause: str) -> None:
    drive = by_hand().begin()
    if phase == "warm-up":
        drive.order(PassPreflight())
    drive.observe(event)
    assert drive.state.end is not None
    assert drive.state.end.cause == cause
    assert drive.state.phase == "undoing"


def test_a_load_that_dies_while_it_ramps_breaks_the_run() -> None:
    drive = (
        by_hand().begin().order(PassPreflight()).observe(e.LoadStarted(users=4)).observe(e.LoadFailed(why="it died"))
    )
    assert drive.state.end == e.EndDecided(cause="broken", reason="load", why="load: it died")


def test_an_unmet_hypothesis_names_its_probe() -> None:
    probes = ({"name": "storefront answers", "met": False, "value": 503},)
    drive = by_hand().begin().order(PassPreflight())
    drive.observe(e.HypothesisChecked(experiment="gateway-errors", when="before", met=False, probes=probes))
    assert drive.state.end is not None
    assert "storefront answers: it gave 503" in drive.state.end.why


# -- arming ------------------------------------------------------------------------------------------------------------


def test_arming_waits_for_the_load_and_for_most_of_the_warm_up() -> None:
    drive = Drive(sample_plan(DO, load=Load(locustfile="l", warm_up=20.0))).warm_up()
    drive.wait_for(e.ArmingBegun)
    assert drive.when(e.ArmingBegun) == pytest.approx(12.0)


def test_a_ramp_that_never_completes_does_not_hold_up_the_arming() -> None:
    drive = by_hand(load=Load(locustfile="l", warm_up=20.0)).begin()
    drive.observe(e.ExperimentLoaded(experiment="gateway-errors")).order(PassPreflight())
    drive.wait_for(e.ArmingBegun)
    assert drive.when(e.ArmingBegun) == pytest.approx(17.0)


def test_every_experiment_arms_in_the_warm_up_whenever_it_is_injected() -> None:
    drive = Drive(sample_plan(DO, experiments=TWO)).start()
    assert [armed.experiment for armed in drive[e.ExperimentArmed]] == ["first", "second"]


def test_an_experiment_is_armed_once_it_is_loaded() -> None:
    drive = by_hand(load=None, indicators=()).begin().order(PassPreflight())
    assert not drive[e.ArmingBegun]
    drive.observe(e.ExperimentLoaded(experiment="gateway-errors"))
    assert drive[e.ArmingBegun]


def test_an_experiment_that_never_arms_ends_the_run() -> None:
    drive = by_hand(load=None, indicators=()).begin().order(PassPreflight())
    drive.observe(e.ExperimentLoaded(experiment="gateway-errors")).finish()
    assert drive.state.end is not None
    assert (drive.state.end.cause, drive.state.end.reason) == ("broken", "not-armed")


# -- the baseline ------------------------------------------------------------------------------------------------------


def test_a_run_without_load_and_indicators_is_live_once_armed() -> None:
    drive = Drive(sample_plan(DO, load=None, indicators=())).warm_up()
    assert drive.state.phase == "live"
    assert drive.when(e.BaselineTaken) == 0.0


def test_a_drill_with_nothing_but_steps_is_live_at_once() -> None:
    drive = Drive(sample_plan(DO, load=None, indicators=(), experiments=())).warm_up()
    assert drive.state.current == "look"


def test_live_begins_when_the_warm_up_is_over_and_the_steady_state_held() -> None:
    drive = Drive(sample_plan(DO)).start()
    assert drive.when(e.BaselineTaken) == pytest.approx(6.0)
    assert drive[e.BaselineTaken] == [e.BaselineTaken(met=True, since=2.0, held=("checkouts succeed",))]


def test_the_first_fault_needs_the_steady_state() -> None:
    drive = Drive(sample_plan(DO), health={"checkouts succeed": 0.6}).warm_up().finish()
    assert drive.state.end is not None
    assert drive.state.end.cause == "refused"
    assert "checkouts succeed 60 % at 16 s, not at least 99 %" in drive.state.end.why
    assert drive.when(e.EndDecided) == pytest.approx(17.0)
    assert not drive[e.InjectionOrdered]


def test_a_steady_state_that_comes_late_is_waited_for() -> None:
    drive = Drive(sample_plan(DO), health={"checkouts succeed": 0.6}).warm_up()
    drive.wait(7)
    drive.health["checkouts succeed"] = 1.0
    drive.wait_for(e.PhaseEntered).wait(6)
    assert drive.state.phase == "live"
    assert drive.when(e.BaselineTaken) == pytest.approx(13.0)


def test_a_bad_second_in_the_window_is_a_baseline_not_met() -> None:
    drive = Drive(sample_plan(DO, hold=3.0)).warm_up().wait(4)
    drive.health["checkouts succeed"] = 0.9
    drive.wait(1)
    drive.health["checkouts succeed"] = 1.0
    drive.wait_for(e.BaselineTaken)
    assert drive.when(e.BaselineTaken) == pytest.approx(9.0)


def test_seconds_before_the_ramp_is_complete_do_not_count() -> None:
    drive = by_hand().begin().order(PassPreflight()).wait(3)
    drive.observe(
        e.IndicatorJudged(indicator="checkouts succeed", since=1.0, n=1, value=0.1, ok=False, degraded_ok=False)
    )
    drive.observe(e.LoadSpawned(users=4))
    assert drive.state.indicators["checkouts succeed"].baseline == ()


def test_a_load_that_never_reaches_its_users_is_refused() -> None:
    drive = by_hand(experiments=()).begin().order(PassPreflight()).observe(e.LoadStarted(users=4)).finish()
    assert drive.state.end is not None
    assert "ramp did not complete" in drive.state.end.why


def test_a_load_that_never_starts_is_refused_with_its_locustfile() -> None:
    drive = by_hand(experiments=()).begin().order(PassPreflight()).finish()
    assert drive.state.end is not None
    assert drive.state.end.why.endswith(": the load did not start: locustfile.py is still being imported")


def test_probes_alone_are_given_time_for_a_baseline() -> None:
    probe = Indicator(name="storefront answers", source="probe", at_least=1.0)
    drive = Drive(sample_plan(DO, load=None, indicators=(probe,))).start()
    assert drive.when(e.BaselineTaken) == pytest.approx(5.0)


def test_a_short_warm_up_needs_two_seconds_only() -> None:
    drive = Drive(sample_plan(DO, load=Load(locustfile="l", warm_up=3.5))).start()
    assert drive.when(e.BaselineTaken) == pytest.approx(4.0)


def test_the_baseline_keeps_no_more_than_it_needs() -> None:
    drive = by_hand(load=Load(locustfile="l", warm_up=3000.0), experiments=()).begin().order(PassPreflight())
    drive.observe(e.LoadSpawned(users=4)).wait(200)
    assert len(drive.state.indicators["checkouts succeed"].baseline) == 120


# -- the end of it all -------------------------------------------------------------------------------------------------


def test_a_run_is_closed_in_its_debrief_and_never_again() -> None:
    drive = Drive(sample_plan(DO)).start().join("alice").order(Stop(cause="stopped", why="enough"))
    assert drive.state.phase == "debrief"
    drive.say(Close())
    closed = e.RunClosed(ending="stopped", exit_code=4)
    drive.observe(closed)
    assert drive.state.phase == "closed"
    assert drive.state.closed == closed
    assert drive.log[-1].event == closed
    for command in (Tick(), Close(), Observed(event=closed), Stop(cause="broken", why="x")):
        with pytest.raises(IllegalCommand, match="closed"):
            drive.order(command)


def test_a_run_is_not_closed_before_its_undo() -> None:
    drive = Drive(sample_plan(DO)).start()
    with pytest.raises(IllegalCommand):
        drive.observe(e.RunClosed(ending="passed", exit_code=0))
    drive.world = False
    drive.order(Stop(cause="stopped", why="enough"))
    with pytest.raises(IllegalCommand):
        drive.observe(e.RunClosed(ending="passed", exit_code=0))
    assert next_deadline(drive.state) is None
