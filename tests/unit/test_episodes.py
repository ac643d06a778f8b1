"""Impact, mitigation and recovery, as the measures define them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_runs import CHECKOUTS, SampleRun, bucket, experiment, plan

from runner.engine import events as ev
from runner.engine.episodes import Episode, EpisodeFold, Episodes, news
from runner.engine.plan import Indicator, RunPlan
from runner.specs.injection_moment import Between, OnCommand

ONE = plan(indicators=(CHECKOUTS,))


def folded(sample: SampleRun) -> Episodes:
    value = Episodes.empty(sample.plan)
    for recorded in sample.records():
        value = value.fold(recorded)
    return value


def folding(sample: SampleRun) -> EpisodeFold:
    """What the fold itself knows, besides the episodes."""
    fold = EpisodeFold(sample.plan)
    for recorded in sample.records():
        fold.add(recorded)
    return fold


def broken(text: str, drill: RunPlan = ONE, *, at: float = 10.0, since: int = 10) -> SampleRun:
    """Ten good seconds, then the fault, then these."""
    return SampleRun(drill).live().seconds(0, "." * since).inject(at).seconds(since, text)


def fault(text: str, drill: RunPlan = ONE, *, at: float = 10.0, since: int = 10) -> Episodes:
    """The episodes of ten good seconds, then the fault, then these."""
    return folded(broken(text, drill, at=at, since=since))


def broken_by(episodes: Episodes) -> str:
    """The indicator that showed the impact of the latest episode."""
    assert episodes.current
    assert episodes.current.impact
    return episodes.current.impact.indicator


def moments(episode: Episode) -> tuple[float | None, float | None]:
    """Impact and recovery (s)."""
    impact, recovered = episode.impact, episode.recovered
    return impact.t if impact else None, recovered.t if recovered else None


# -- impact ------------------------------------------------------------------------------------------------------------


def test_two_bad_seconds_are_an_impact_dated_by_the_first_bad_request() -> None:
    told = fault("..xx")
    assert (told.injected, told.impact, told.recovered) == (10.0, 12.2, None)
    assert broken_by(told) == "checkouts"


@pytest.mark.parametrize("text", ["x.x.x.", "......", "x", "..x"])
def test_isolated_bad_seconds_are_noise(text: str) -> None:
    assert fault(text).impact is None


def test_an_impact_known_late_keeps_its_date() -> None:
    assert fault("x.xxx").impact == 12.2


def test_a_second_with_no_observation_begins_at_its_edge() -> None:
    assert fault("..ee").impact == 12.0


def test_what_was_bad_before_the_fault_does_not_count() -> None:
    before = folded(SampleRun(ONE).live().seconds(0, "......xxxx").inject(9.9))
    assert before.impact is None


def test_a_second_that_straddles_the_fault_counts_from_the_fault() -> None:
    assert fault("xx", at=10.5).impact == 10.5
    assert fault("ee", at=10.5).impact == 10.5
    assert fault("xx", at=10.1).impact == 10.2


def test_a_second_whose_bad_requests_all_ended_before_the_fault_does_not_count() -> None:
    assert fault("xx", at=10.9).impact is None
    assert fault("xxx", at=10.9).impact == 11.2


def test_a_silence_that_ended_before_the_fault_does_not_count() -> None:
    sample = (
        SampleRun(ONE).live().seconds(0, "........ee").at(11.5, ev.NoteWritten(text="the word is late")).inject(12.0)
    )
    assert folded(sample.seconds(12, "....")).impact is None


def test_a_fault_told_after_its_second_still_owns_it() -> None:
    sample = SampleRun(ONE).live().seconds(0, "." * 10).seconds(10, "xx")
    sample.at(20.0, ev.NoteWritten(text="the pipe was slow"))
    value = Episodes.empty(ONE)
    for recorded in sample.records():
        value = value.fold(recorded)
    late = ev.ActivityStarted(experiment="errors", index=0, name="break it", type="action")
    value = value.fold(ev.Recorded(99, "", 10.1, "chaos", late))
    value = value.fold(ev.Recorded(100, "", 21.0, "judge", bucket("checkouts", 12.0, "x")))
    assert value.impact == 10.2


def test_probes_of_a_method_are_no_injection() -> None:
    sample = SampleRun(ONE).live().at(6.0, ev.ActivityStarted(experiment="errors", index=0, name="look", type="probe"))
    assert folded(sample.seconds(6, "xxx")).injected is None


def test_the_earliest_breach_of_all_indicators_is_the_impact() -> None:
    sample = SampleRun().live().seconds(0, "." * 10).inject(10.0)
    sample.seconds(10, "..xxx", "checkouts")
    for place, sort in enumerate(".xxxx"):
        # Its answers are late by their timeout: the breach that began first is known last.
        sample.at(14.0 + place, bucket("front", 10.0 + place, sort))
    assert (folded(sample).impact, broken_by(folded(sample))) == (11.2, "front")


def test_an_indicator_that_did_not_hold_in_the_baseline_has_no_say() -> None:
    sample = SampleRun().at(5.0, ev.BaselineTaken(met=True, since=0.0, held=("front",)))
    sample.inject(10.0).seconds(10, "xxxxxxxx", "checkouts").seconds(10, "..xx....", "front")
    told = folded(sample)
    assert (broken_by(told), told.impact, told.recovered) == ("front", 12.2, 13.8)


def test_seconds_without_users_break_a_row() -> None:
    sample = SampleRun(ONE).live().inject(10.0).seconds(10, "x").seconds(12, "x")
    assert folded(sample).impact is None


def test_the_seconds_of_a_slow_probe_follow_one_another() -> None:
    slow = plan(indicators=(Indicator(name="front", source="probe", at_least=1.0, every=5.0),))
    sample = SampleRun(slow).live().inject(10.0).seconds(10, "x").seconds(15, "x")
    assert folded(sample).impact == 10.2


def test_an_impact_is_known_to_the_time_between_two_observations() -> None:
    rate = plan(indicators=(Indicator(name="rate", source="load", metric="rate", at_least=5.0),))
    for drill, text, resolution in ((ONE, "xx", 0.1), (ONE, "ee", 1.0), (rate, "xx", 1.0)):
        impact = fault(text, drill).episodes[0].impact
        assert impact
        assert impact.resolution == resolution


# -- recovery ----------------------------------------------------------------------------------------------------------


def test_recovery_begins_with_the_last_bad_request_and_is_known_after_hold() -> None:
    assert fault("xx..").recovered is None
    told = fault("xx...")
    assert told.recovered == 11.8


def test_while_it_holds_but_not_long_enough_it_is_only_held() -> None:
    told = fault("xx..")
    assert (told.held_since, told.recovered) == (11.8, None)


def test_any_bad_second_restarts_the_search() -> None:
    assert fault("xx..x..").recovered is None
    assert fault("xx..x...").recovered == 14.8


def test_after_an_empty_second_the_first_observation_ends_the_outage() -> None:
    assert fault("xxe....").recovered == 13.05


def test_all_indicators_have_to_hold() -> None:
    sample = SampleRun().live().inject(10.0).seconds(10, "xx.........", "checkouts").seconds(10, "....xx.....", "front")
    assert folded(sample).recovered == 15.8


def test_an_indicator_that_fell_silent_holds_nothing() -> None:
    sample = SampleRun().live().inject(10.0).seconds(10, "xx........", "checkouts").seconds(10, "...", "front")
    assert folded(sample).recovered is None


def test_one_bad_second_after_a_recovery_is_noise() -> None:
    told = fault("xx....x.....x.")
    assert (told.recovered, told.relapses) == (11.8, 0)


def test_two_bad_seconds_take_the_recovery_back() -> None:
    relapsed = fault("xx....xx")
    assert (relapsed.recovered, relapsed.relapses) == (None, 1)
    again = fault("xx....xx...")
    assert (again.recovered, again.relapses, again.impact) == (17.8, 1, 10.2)


def test_time_out_of_tolerance_is_the_union_over_indicators() -> None:
    sample = SampleRun().live().inject(10.0).seconds(10, "xxx....x..", "checkouts").seconds(10, ".xxx...x..", "front")
    assert folding(sample).out_of_tolerance == 5.0


def test_a_long_outage_is_counted_whole() -> None:
    text = "x" * 700 + "." + "x" * 50
    assert folding(broken(text)).out_of_tolerance == 750.0


# -- mitigation --------------------------------------------------------------------------------------------------------


def test_mitigated_is_the_first_held_window_inside_the_degraded_tolerance() -> None:
    told = fault("xxxddddddd")
    assert (told.mitigated, told.recovered) == (12.8, None)


def test_mitigation_is_the_first_such_window_even_if_it_gets_worse() -> None:
    assert fault("xxddddxx...").mitigated == 11.8


def test_a_service_that_creeps_is_not_mitigated_before_it_is_bad() -> None:
    assert fault("dddddddd").mitigated is None
    assert fault("ddddddddxx...").mitigated == 19.8


def test_a_service_that_never_left_its_degraded_tolerance_was_mitigated_from_the_start() -> None:
    told = fault("ddddd...")
    assert (told.impact, told.mitigated, told.recovered) == (10.2, 10.2, 14.8)


# -- several faults, and the end ---------------------------------------------------------------------------------------


TWO = plan(
    indicators=(CHECKOUTS,),
    experiments=(experiment("a"), experiment("b", Between(10.0, 20.0)), experiment("c", OnCommand())),
)


def test_a_fault_after_a_recovery_opens_a_second_episode() -> None:
    sample = SampleRun(TWO).live().inject(10.0, "a").seconds(10, "xx....").inject(16.0, "b").seconds(16, ".xxx.......")
    first, second = folded(sample).episodes
    assert (*moments(first), first.experiments) == (10.2, 11.8, ("a",))
    assert (*moments(second), second.experiments) == (17.2, 19.8, ("b",))


def test_a_fault_during_an_incident_belongs_to_it() -> None:
    sample = SampleRun(TWO).live().inject(10.0, "a").seconds(10, "xx..").inject(14.0, "b").seconds(14, "xx...")
    (only,) = folded(sample).episodes
    assert (*moments(only), only.experiments) == (10.2, 15.8, ("a", "b"))
    assert (only.injected, only.last_injected) == (10.0, 14.0)


def test_noise_before_a_second_fault_is_not_its_breach() -> None:
    sample = SampleRun(TWO).live().inject(10.0, "a").seconds(10, "xx...x").inject(16.3, "b").seconds(16, "x....")
    assert folded(sample).impact is None


def test_injections_to_come_hold_up_the_end_unless_on_command() -> None:
    sample = SampleRun(TWO).live()
    assert folding(sample).pending == ("a", "b")
    assert folding(sample.inject(10.0, "a")).pending == ("b",)
    assert folding(sample.at(12.0, ev.ExperimentFailed(experiment="b", why="gone"))).pending == ()


@pytest.mark.parametrize(
    "end",
    [
        ev.EndDecided(cause="aborted", reason="unsafe"),
        ev.UndoStarted(),
        ev.RollbackStarted(experiment="errors", index=0, name="mend"),
        ev.PhaseEntered(phase="undoing"),
        ev.RunClosed(ending="broken", exit_code=5),
    ],
)
def test_an_undo_is_no_recovery(end: ev.Event) -> None:
    sample = SampleRun(ONE).live().inject(10.0).seconds(10, "xxxx......")
    assert folded(sample).recovered == 13.8
    # Three good seconds are needed; the third is judged at 17.2.
    assert folded(sample.at(17.0, end)).recovered is None


def test_entering_the_warm_up_is_no_end() -> None:
    assert folded(SampleRun(ONE).live().inject(10.0).seconds(10, "xx")).ended is None


# -- news --------------------------------------------------------------------------------------------------------------


def test_news_are_told_once_and_in_order() -> None:
    sample = SampleRun(ONE).live().inject(10.0).seconds(10, "xx...xx...")
    values = list(accumulate(sample.records(), Episodes.fold, initial=Episodes.empty(ONE)))
    told = [event for before, after in pairwise(values) for event in news(before, after)]
    assert told == [
        ev.ImpactSeen(indicator="checkouts", since=10.2),
        ev.MitigationSeen(since=11.8),
        ev.RecoverySeen(since=11.8),
        ev.Relapsed(indicator="checkouts", since=15.2),
        ev.RecoverySeen(since=16.8),
    ]


def test_news_of_a_second_episode_start_afresh() -> None:
    sample = SampleRun(TWO).live().inject(10.0, "a").seconds(10, "xx....").inject(16.0, "b").seconds(16, "xx")
    values = list(accumulate(sample.records(), Episodes.fold, initial=Episodes.empty(TWO)))
    told = [event for before, after in pairwise(values) for event in news(before, after)]
    assert [event for event in told if isinstance(event, ev.ImpactSeen)] == [
        ev.ImpactSeen(indicator="checkouts", since=10.2),
        ev.ImpactSeen(indicator="checkouts", since=16.2),
    ]


def test_folding_leaves_the_old_value_as_it_was() -> None:
    records = SampleRun(ONE).live().inject(10.0).seconds(10, "xx....xx").records()
    values = list(accumulate(records, Episodes.fold, initial=Episodes.empty(ONE)))
    reprs = [repr(value) for value in values]
    again = list(accumulate(records, Episodes.fold, initial=Episodes.empty(ONE)))
    assert [repr(value) for value in again] == reprs
    assert again == values
    assert hash(again[-1]) == hash(values[-1])
    assert values[-1] != values[0]


# -- properties --------------------------------------------------------------------------------------------------------


@st.composite
def stories(draw: st.DrawFn) -> list[ev.Recorded]:
    sample = SampleRun(TWO).live()
    text = st.text(alphabet="..xde", min_size=0, max_size=25)
    sample.seconds(5, draw(text))
    for slug in draw(st.permutations(["a", "b", "c"])):
        sample.inject(draw(st.floats(5, 40)), slug)
    sample.seconds(30, draw(text))
    if draw(st.booleans()):
        sample.end(draw(st.floats(10, 60)))
    return sample.records()


@given(stories(), st.data())
def test_a_value_and_the_fold_agree_however_the_story_is_cut(
    records: Sequence[ev.Recorded], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(records)))
    value, grown = Episodes.empty(TWO), EpisodeFold(TWO)
    for recorded in records[:cut]:
        value = value.fold(recorded)
        grown.add(recorded)
    assert value == Episodes(grown)
    twin, before = grown.copy(), value
    for recorded in records[cut:]:
        value = value.fold(recorded)
        twin.add(recorded)
    assert value == Episodes(twin)
    # What they share nobody changes: the older ones are as they were.
    again = EpisodeFold(TWO)
    for recorded in records[:cut]:
        again.add(recorded)
    assert before == Episodes(grown) == Episodes(again)


@given(stories())
def test_moments_come_in_their_order(records: list[ev.Recorded]) -> None:
    value = Episodes.empty(TWO)
    for recorded in records:
        value = value.fold(recorded)
        for episode in value.episodes:
            if episode.impact is None:
                assert episode.mitigated is episode.recovered is None
                continue
            assert episode.impact.t >= episode.injected
            for moment in (episode.mitigated, episode.recovered):
                assert moment is None or moment.t >= episode.impact.t
            if episode.mitigated and episode.recovered and not episode.relapses:
                assert episode.mitigated.t <= episode.recovered.t
        for episode in value.episodes[:-1]:
            assert episode.recovered is not None
        if value.ended is not None and value.recovered is not None:
            assert value.recovered + ONE.hold <= value.ended
