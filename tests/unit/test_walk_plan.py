"""A tabletop: a runbook alone, walked through by people; nothing is run, nothing counts as a drill."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_runs import drill
from transcript_samples import create, entries

from runner.engine import events as e
from runner.engine.commands import Abort, Answer, Approve, Choose, Command, Complete, Confirm, Fail
from runner.engine.plan import RunPlan
from runner.engine.plan_json import plan_to_json
from runner.errors import InputError
from runner.guard.policies import judge_plan
from runner.history.summary import latest_of, summarise
from runner.planning.compile import compile_walk
from runner.scoring.score import Scorecard, score, to_json
from runner.specs.catalogue import Catalogue
from runner.testing import Drive
from runner.views.plan_text import plan_text
from runner.views.prompt_text import asked
from runner.views.run_clock import read_clock

_RUNBOOK = """
name: Gateway outage
description: What to do when the gateway fails.
steps:
  - id: look
    name: Look
    milestone: detected
    target-time: 60s
    verify: {provider: {type: http, url: "http://shop.example.com/", timeout: 1}, tolerance: 500}
  - id: which
    name: Errors, or slow?
    choose: {errors: fix, slow: fix}
  - id: fix
    name: Fail over
    description: The backup takes every card.
    approve: {by: incident-commander}
    confirm: Really?
    ask: [{name: REGION, prompt: Where?}, {name: PIN, prompt: Your PIN, secret: true}]
    run: |
      curl -X PUT "$TARGET_ADMIN/gateway"
      touch ran
    secrets: [TOKEN]
    timeout: 5s
    milestone: mitigated
    verify: {indicator: checkouts succeed, for: 5s}
  - id: tell
    name: Tell people
    anytime: true
"""


#: From the first step to the last.
_TALK = (Complete(), Choose(label="errors"), Approve(), Confirm(), Answer(name="REGION", value="eu"), Complete())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "runbooks" / "payments").mkdir(parents=True)
    (tmp_path / "runbooks" / "payments" / "gateway.yaml").write_text(_RUNBOOK)
    return tmp_path


@pytest.fixture
def plan(root: Path) -> RunPlan:
    return compile_walk(Catalogue(root), "payments/gateway")


def _card(drive: Drive) -> Scorecard:
    return score(drive.log)


def _through(plan: RunPlan, *said: Command) -> Drive:
    drive = Drive(plan).start()
    for command in said:
        drive.say(command)
    return drive


def test_there_is_no_target_no_fault_and_no_load(plan: RunPlan) -> None:
    assert (plan.tabletop, plan.slug, plan.name) == (True, "walk-gateway", "Gateway outage")
    assert (plan.target.name, plan.target.kind, plan.target.url) == ("tabletop", "none", "")
    assert (plan.experiments, plan.load, plan.indicators, plan.secrets) == ((), None, (), ())
    assert (plan.runbook_file, plan.steps[2].where) == (
        "runbooks/payments/gateway.yaml",
        "runbooks/payments/gateway.yaml:13",
    )
    assert judge_plan(plan, attended=True) == ()


def test_what_a_drill_would_do_is_told_instead(plan: RunPlan) -> None:
    look, _, fix, _ = plan.steps
    assert "at most 60 s" in look.description
    assert "what its probe asks" in look.description
    assert fix.description.startswith("The backup takes every card.\n\n")
    assert "checkouts succeed, for 5 s" in fix.description
    assert [(step.verify, step.target_time, step.secrets) for step in plan.steps] == [(None, None, ())] * 4
    assert [ask.name for ask in fix.ask] == ["REGION"]


def test_no_step_is_automated_and_each_command_is_shown(plan: RunPlan) -> None:
    assert not any(step.automated for step in plan.steps)
    assert '$ curl -X PUT "$TARGET_ADMIN/gateway"' in list(asked(plan.step("fix")))
    assert "touch ran" in plan_text(plan, ())


def test_a_person_says_done_and_nothing_is_run(plan: RunPlan) -> None:
    drive = _through(plan, *_TALK[:-1])
    assert drive.step("fix").status == "ready"
    drive.say(Complete(step="tell")).say(Complete())
    assert drive[e.CommandIntended] == []
    assert drive[e.VerifyStarted] == []
    assert drive.step("fix").outcome == "succeeded"
    assert [each.cause for each in drive[e.EndDecided]] == ["complete"]


def test_it_is_judged_as_a_tabletop_and_counts_in_no_rate(plan: RunPlan) -> None:
    card = _card(_through(plan, *_TALK))
    assert (card.ending, card.exit_code, card.success) == ("passed", 0, None)
    assert card.headline == "tabletop: every critical step succeeded as written"
    assert (card.service.status, card.targets_judged) == ("not applicable", 0)
    assert to_json(card)["tabletop"] is True


def test_a_step_that_fails_in_the_talk_is_told_and_counts_in_no_rate(plan: RunPlan) -> None:
    drive = _through(plan, Complete(), Choose(label="errors"), Fail(why="nobody may"))
    card = _card(drive)
    assert (card.ending, card.exit_code, card.success) == ("failed", 1, None)
    assert card.headline == "tabletop: runbook: step fix: failed, nobody may"


def test_one_that_is_given_up_says_why(plan: RunPlan) -> None:
    card = _card(_through(plan, Abort(reason="stuck", why="no time")))
    assert (card.headline, card.success) == ("tabletop: aborted: stuck: no time", None)


def test_a_drill_is_not_taken_for_one(plan: RunPlan) -> None:
    card = score(drill().say(27.0, "resolved").end(28.0).undo(28.5).records())
    assert (card.tabletop, card.success) == (False, True)


def test_everything_is_shown_to_everybody(plan: RunPlan) -> None:
    drive = Drive(plan).start()
    assert read_clock(drive.state, 10.0, "participant").label == "tabletop: no fault"


def test_talking_for_an_hour_ends_nothing(plan: RunPlan) -> None:
    drive = Drive(plan).start()
    drive.clock.advance(2 * 3600)
    assert drive.wait(1).state.end is None


def test_a_walk_is_not_the_last_run_of_a_drill(plan: RunPlan, tmp_path: Path) -> None:
    document = plan_to_json(plan) | {"slug": "gateway"}
    for name, tabletop in (("drill", False), ("walk", True)):
        writer = create(tmp_path / name)
        started = e.RunStarted(run=name, plan=document | {"tabletop": tabletop}, attended=True)
        writer.append(*entries([started, e.RunClosed(ending="passed", exit_code=0)]))
        writer.close()
    done = [summary for name in ("walk", "drill") if (summary := summarise(tmp_path / name))]
    assert [each.tabletop for each in done] == [True, False]
    last = latest_of("gateway", done)
    assert last is not None
    assert last.run == "drill"
    assert latest_of("gateway", done[:1]) is None


def test_a_runbook_by_its_file_anywhere(root: Path, tmp_path: Path) -> None:
    assert compile_walk(Catalogue(root), str(root / "runbooks/payments/gateway.yaml")).slug == "walk-gateway"


def test_what_is_no_runbook_is_said_in_one_line(root: Path) -> None:
    (root / "drills" / "d").mkdir(parents=True)
    (root / "drills" / "d" / "drill.yaml").write_text("name: D\ntarget: sandbox\n")
    for what, why in (
        ("payments/gatewy", "there is no runbook 'payments/gatewy'; did you mean 'payments/gateway'?"),
        (str(root / "drills/d/drill.yaml"), "drills/d/drill.yaml: this is a drill; a runbook"),
    ):
        with pytest.raises(InputError) as error:
            compile_walk(Catalogue(root), what)
        assert why in str(error.value)


def test_a_wrong_runbook_names_every_mistake(root: Path) -> None:
    (root / "runbooks" / "bad.yaml").write_text(
        "name: B\nsteps:\n  - name: A\n    runn: x\n  - name: C\n    every: x\n"
    )
    with pytest.raises(InputError) as error:
        compile_walk(Catalogue(root), "bad")
    assert "runbooks/bad.yaml:4:5" in str(error.value)
    assert "runbooks/bad.yaml:6:12" in str(error.value)
