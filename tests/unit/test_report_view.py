"""The report of a run, and the patch of its runbook: what is said, that it applies, that nothing in it acts."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hostile_events import EVIL, acts
from sample_runs import SampleRun, drill, plan
from transcript_samples import create

from runner.cli.main import gameday
from runner.engine import events as ev
from runner.engine.plan import Step
from runner.scoring.score import score
from runner.scoring.scorecard import Said
from runner.specs.yaml import parse
from runner.transcript.writer import Entry
from runner.views.patch import Patch, runbook_patch
from runner.views.report import Debrief, report, write_report

RUNBOOK = """\
name: Gateway
steps:
  - id: look
    name: Look
    description: |
      At the dashboard.

      Then at the logs.

  # The backup takes every card.
  - name: Fix
    run: |
      flag gateway backup

      flag gateway primary
  - {id: tell, name: Tell people}
"""
PLACES = {"look": "runbooks/gateway.yaml:3", "fix": "runbooks/gateway.yaml:11", "tell": "runbooks/gateway.yaml:16"}


def said(step: str, text: str, t: float = 723.4, by: str = "ana") -> Said:
    return Said(t=t, by=by, text=text, step=step)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "gateway.yaml").write_text(RUNBOOK)
    return tmp_path


def apply(root: Path, patch: Patch, *how: str) -> str:
    """The runbook with the patch applied, by git or by patch."""
    assert shutil.which(how[0])
    subprocess.run(how, cwd=root, input=patch.text, text=True, check=True, capture_output=True, timeout=30)
    return (root / "runbooks" / "gateway.yaml").read_bytes().decode()


# -- the patch ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [("git", "apply"), ("patch", "-p1", "--fuzz=0")], ids=lambda how: how[0])
def test_a_proposal_becomes_a_comment_above_its_step(root: Path, how: tuple[str, ...]) -> None:
    patch = runbook_patch([said("fix", "use -b"), said("look", "which one?"), said("fix", "twice")], PLACES, root)
    assert patch.left == ()
    after = apply(root, patch, *how)
    assert "\n  # proposed by ana at +12:03: which one?\n  - id: look\n" in after
    assert "\n  # proposed by ana at +12:03: use -b\n  # proposed by ana at +12:03: twice\n  - name: Fix\n" in after
    assert parse(after.encode(), "x").value == parse(RUNBOOK.encode(), "x").value


@pytest.mark.parametrize("how", [("git", "apply"), ("patch", "-p1", "--fuzz=0")], ids=lambda how: how[0])
@pytest.mark.parametrize("text", [RUNBOOK.removesuffix("\n"), RUNBOOK.replace("\n", "\r\n")], ids=["torn", "crlf"])
def test_it_applies_whatever_the_line_ends(root: Path, how: tuple[str, ...], text: str) -> None:
    (root / "runbooks" / "gateway.yaml").write_bytes(text.encode())
    patch = runbook_patch([said("tell", "whom?"), said("look", "where?")], PLACES, root)
    more = ("--binary",) if how[0] == "patch" else ()
    after = subprocess.run(
        [*how, *more], cwd=root, input=patch.text.encode(), check=False, capture_output=True, timeout=30
    )
    assert after.returncode == 0, after.stderr
    changed = (root / "runbooks" / "gateway.yaml").read_bytes()
    assert changed.count(b"# proposed by ana") == 2
    assert parse(changed, "x").value == parse(RUNBOOK.encode(), "x").value


def test_a_step_that_moved_is_found_and_one_that_is_gone_is_named(root: Path) -> None:
    path = root / "runbooks" / "gateway.yaml"
    path.write_text("# a new first line\n" + RUNBOOK.replace("id: look", "id: see"))
    patch = runbook_patch([said("look", "x"), said("fix", "y")], PLACES, root)
    assert patch.left == ("look: runbooks/gateway.yaml has no such step any more",)
    assert "  # proposed by ana at +12:03: y\n  - name: Fix" in apply(root, patch, "git", "apply")


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("", "not known"),
        ("/etc/passwd:1", "outside the project"),
        ("runbooks/../../x.yaml:1", "outside the project"),
        ("runbooks/none.yaml:1", "there is no such file"),
        ("runbooks/list.yaml:1", "is no runbook any more"),
        ("runbooks/odd.yaml:1", "line ends that a patch does not know"),
        ("runbooks/evil.yaml:1", "a terminal would obey"),
        ("runbooks/\x1b[2J.yaml:1", "outside the project"),
    ],
)
def test_what_cannot_be_placed_is_said(root: Path, place: str, why: str) -> None:
    (root / "runbooks" / "list.yaml").write_text("- a\n")
    (root / "runbooks" / "odd.yaml").write_text("steps:\r  - id: fix\r    name: a\n")
    (root / "runbooks" / "evil.yaml").write_text("steps:\n  - id: fix\n    name: a\u202eb\n")
    patch = runbook_patch([said("fix", "x")], {"fix": place}, root)
    assert patch.text == ""
    assert len(patch.left) == 1
    assert why in patch.left[0]
    assert not acts(patch.left[0])


def test_what_people_typed_cannot_leave_its_comment(root: Path) -> None:
    patch = runbook_patch([said("fix", EVIL + "\n- id: planted\n+++ b/x", by="eve\n- x")], PLACES, root)
    assert not acts(patch.text)
    after = apply(root, patch, "git", "apply")
    assert parse(after.encode(), "x").value == parse(RUNBOOK.encode(), "x").value


# -- the report --------------------------------------------------------------------------------------------------------


def sample(**changes: object) -> SampleRun:
    told = drill(plan(steps=tuple(_placed(plan().steps)), **changes))
    told.at(16.0, ev.NoteWritten(text="odd"), ev.NoteWritten(text="buy a pager", type="action"), by="grace")
    told.at(17.0, ev.NoteWritten(text="here", type="mark"), ev.StepDisputed(step="fix", text="use -b"), by="ada")
    told.end(28.0).undo(28.5)
    return told.at(30.0, ev.NoteWritten(text="4", type="rating", about="runbook"), by="ada")


def _placed(steps: tuple[Step, ...]) -> list[Step]:
    from dataclasses import replace

    return [replace(step, where=PLACES[step.id]) for step in steps]


def text_of(told: SampleRun, patch: Patch | None = None) -> str:
    return report(Debrief(card=score(told.records()), places=PLACES, patch=patch or Patch()))


def test_it_says_what_the_run_came_to_and_why(root: Path) -> None:
    patch = runbook_patch([said("fix", "use -b")], PLACES, root)
    text = text_of(sample(), patch)
    assert text.startswith("# Gateway outage: 3 of 3 objectives met\n")
    for line in (
        "| service | met | 3 of 3 objectives met |",
        "| time to mitigate | 9.6 s | ±0.2 s | impact → every indicator inside its degraded tolerance |",
        "| Fix | succeeded | 5.0 s | 30.0 s |  |  |",
        "| break it | errors | +00:10 | undone | verified |",
        "| ErrorsHigh | +00:14 |",
        "- [ ] buy a pager (grace, +00:16)",
        "- odd (grace, +00:16)",
        "| How useful was the runbook? | 4 |",
        "- Fix at runbooks/gateway.yaml:11: use -b (ada, +00:17)",
        "+  # proposed by ana at +12:03: use -b",
    ):
        assert line in text.splitlines(), line
    # Ratings are nobody's.
    assert "ada" not in text.split("## Ratings")[1].split("##")[0]


def test_a_missed_objective_is_counted_not_shouted() -> None:
    text = text_of(sample(time_to_detect=0.5))
    assert text.startswith("# Gateway outage: 2 of 3 objectives met\n")
    assert "| missed |" in text
    assert "FAILED" not in text


def test_a_run_that_goes_on_has_a_report_too() -> None:
    text = report(Debrief(card=score(drill().records()), places={}, patch=Patch()))
    assert text.startswith("# Gateway outage: running")
    assert "| service | open |" in text


def test_nothing_in_it_acts() -> None:
    told = sample(name=EVIL, slug=EVIL)
    told.at(18.0, *(ev.NoteWritten(text=f"{EVIL} # x | y <b> `z", type=s) for s in ("note", "action")), by=EVIL)
    told.at(18.0, ev.StepDisputed(step="fix", text=EVIL), ev.Warned(text=EVIL), by=EVIL)
    text = text_of(told, Patch(text="+ ```\n+ x\n", left=(EVIL,)))
    assert not acts(text)
    prose = text.split("````diff")[0]
    # A sign that Markdown knows stands there with its backslash, or is our own.
    assert not re.search(r"(?<!\\)(<|\[(?! \])|`)", prose)
    assert "\n````diff\n+ ```\n+ x\n````\n" in text


# -- beside the transcript, and on stdout ------------------------------------------------------------------------------


def write(folder: Path, told: SampleRun) -> Path:
    writer = create(folder)
    writer.append(*(Entry(recorded.event, recorded.by) for recorded in told.records()))
    writer.close()
    return folder


def test_it_is_put_beside_the_transcript_for_its_owner_alone(root: Path) -> None:
    folder = write(root / "runs" / "r1", sample())
    write_report(folder, root)
    names = ("report.md", "runbook.patch")
    assert [stat.S_IMODE((folder / name).stat().st_mode) for name in names] == [0o600, 0o600]
    assert "Proposed changes" in (folder / "report.md").read_text()
    subprocess.run(["git", "apply", "--check", folder / "runbook.patch"], cwd=root, check=True, timeout=30)


def test_without_a_dispute_there_is_no_patch(root: Path) -> None:
    folder = write(root / "runs" / "r1", drill().end(28.0).undo(28.5))
    write_report(folder, root)
    assert not (folder / "runbook.patch").exists()


def test_show_prints_both(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write(root / "runs" / "r1", sample())
    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_STATE_HOME", str(root / "state"))
    assert gameday.main(["show", "r1", "--patch"], standalone_mode=False) == 0
    patch = capsys.readouterr()
    assert patch.out.startswith("--- a/runbooks/gateway.yaml\n+++ b/runbooks/gateway.yaml\n@@ -11,5 +11,6 @@\n")
    assert patch.err == ""
    assert gameday.main(["show", "r1", "--report"], standalone_mode=False) == 0
    assert patch.out in capsys.readouterr().out
