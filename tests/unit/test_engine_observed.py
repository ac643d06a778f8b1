"""A run whose load ends by itself, or never asks what it was to; and who it is that notices."""

from __future__ import annotations

import pytest

from runner.engine import events as e
from runner.engine.commands import Complete, Milestone, Role
from runner.engine.plan import Indicator, Step, Verify
from runner.scoring.score import score
from runner.testing import Drive, sample_plan

LOOK = Step(id="look", name="Look", milestone="detected")
INDICATOR = "checkouts succeed"
OVER = e.LoadEnded(why="the load shape ended")


def test_a_load_that_ends_before_the_fault_refuses_the_run() -> None:
    drive = Drive(sample_plan(LOOK)).warm_up().observe(OVER)
    assert drive.state.end is not None
    assert (drive.state.end.cause, drive.state.end.reason) == ("refused", "load")
    assert drive.state.end.why == "the load ended before the fault: the load shape ended"


def test_a_load_on_which_nothing_rests_may_end_before_the_fault() -> None:
    front = Indicator(name="front", source="probe", at_least=1.0)
    drive = Drive(sample_plan(LOOK, indicators=(front,))).warm_up().observe(OVER).wait(30)
    assert drive.state.phase == "live"


@pytest.mark.parametrize("health", [0.5, 1.0])
def test_a_run_does_not_wait_for_what_it_can_no_longer_see(health: float) -> None:
    drive = Drive(sample_plan(LOOK)).start()
    drive.health[INDICATOR] = health
    drive.wait(5).observe(OVER).wait(5)
    assert drive.state.end is None
    drive.say(Complete())
    assert drive.state.end is not None
    assert (drive.state.end.cause, drive.state.end.why) == (
        "complete",
        "the load ended (the load shape ended): nothing more can be measured",
    )
    card = score(drive.log)
    assert card.ending == "inconclusive"
    assert card.unobserved[0].indicator == INDICATOR


def test_a_recovery_that_was_seen_is_kept_though_the_rest_was_not_observed() -> None:
    drive = Drive(sample_plan(LOOK)).start()
    drive.health[INDICATOR] = 0.5
    drive.wait(5)
    drive.health[INDICATOR] = 1.0
    drive.wait(8).observe(OVER).wait(20).say(Complete())
    assert drive.state.end is not None
    assert drive.state.end.why == "recovered"
    assert score(drive.log).ending == "inconclusive"


def sampled(*names: str) -> e.LoadSampled:
    return e.LoadSampled(since=0.0, until=0.5, users=4, requests={name: {"n": 5, "failures": 0} for name in names})


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ((), "was not measured: the load has made no request"),
        (
            ("GET /index.html", "POST /cart"),
            "was not measured: the load has made no request called 'GET /idx.html', but GET /index.html, POST /cart",
        ),
        (("GET /idx.html",), "nothing was measured at"),
    ],
)
def test_a_request_that_is_never_sent_is_named_with_those_that_are(names: tuple[str, ...], why: str) -> None:
    index = Indicator(name="index", source="load", request="GET /idx.html", at_least=0.99)
    drive = Drive(sample_plan(LOOK, indicators=(index,)))
    drive.health["index"] = None
    drive.warm_up().observe(sampled(*names)).wait_for(e.EndDecided)
    [ended] = drive[e.EndDecided]
    assert ended.cause == "refused"
    assert ended.why.startswith(f"steady state not met: index {why}")


# -- who noticed -------------------------------------------------------------------------------------------------------


def roles(drive: Drive) -> list[str]:
    return [event.role for event in drive[e.MilestoneReached]]


@pytest.mark.parametrize("role", ["facilitator", "participant"])
def test_a_milestone_says_who_said_it(role: Role) -> None:
    said = Drive(sample_plan(LOOK)).start().join("bo", role=role).say(Milestone(name="detected"), by="bo")
    assert roles(said) == [role]
    done = Drive(sample_plan(LOOK)).start().join("bo", role=role).say(Complete(), by="bo")
    assert roles(done) == [role]
    visitor = Drive(sample_plan(LOOK)).start().say(Complete(), by="bo", role=role)
    assert roles(visitor) == [role]


def test_a_step_that_is_verified_first_was_still_done_by_somebody() -> None:
    step = Step(id="look", name="Look", milestone="detected", verify=Verify(indicator=INDICATOR, within=30.0))
    drive = Drive(sample_plan(step)).start().join("bo", role="facilitator").say(Complete(), by="bo").wait(5)
    assert roles(drive) == ["facilitator"]


def test_a_step_that_nobody_did_is_nobodys_notice() -> None:
    step = Step(id="look", name="Look", milestone="detected", unattended="done")
    assert roles(Drive(sample_plan(step), attended=False).start().wait(1)) == ["system"]


def test_a_participant_notices_after_a_facilitator_has_told() -> None:
    drive = Drive(sample_plan(LOOK)).start().join("zoe").join("bo", role="participant", uid=1001)
    drive.say(Milestone(name="detected"), by="zoe")
    assert "said by zoe" in drive.refused(Milestone(name="detected"), by="zoe")
    drive.say(Milestone(name="detected"), by="bo", uid=1001)
    assert roles(drive) == ["facilitator", "participant"]
    assert drive.state.milestones["detected"].by == "bo"
    assert "said by bo" in drive.refused(Milestone(name="detected"), by="bo", uid=1001)
    assert roles(drive.say(Complete(), by="bo", uid=1001)) == ["facilitator", "participant"]
