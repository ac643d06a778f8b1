"""The undo worker on its own: a transcript with an open fault goes in, the fault is gone, and the story says how."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.clock import SystemClock
from runner.engine import events as ev
from runner.engine.plan import Check, Experiment, RunPlan, Target
from runner.engine.plan_json import plan_to_json
from runner.host.boot_id import boot_id
from runner.transcript.reader import read, verify
from runner.transcript.run_folder import TRANSCRIPT_LOCK as LOCK_FILE
from runner.transcript.writer import Entry, TranscriptWriter
from runner.undo.recovery import secrets_again, why_left
from runner.undo.undo_process import UndoProcess


def _action(name: str, shell: str) -> dict[str, Any]:
    return {
        "type": "action",
        "name": name,
        "provider": {"type": "process", "path": "sh", "arguments": ["-c", shell]},
    }


def _experiment(slug: str, *rollbacks: str, check: str = "", deadline: float = 5.0) -> Experiment:
    document = {
        "title": slug,
        "description": slug,
        "method": [_action("break it", "true")],
        "rollbacks": [_action(f"undo {number}", shell) for number, shell in enumerate(rollbacks, 1)],
    }
    provider = {"type": "process", "path": "sh", "arguments": ["-c", check]}
    probe = {"type": "probe", "name": f"{slug} is gone", "provider": provider, "tolerance": 0}
    return Experiment(
        slug=slug,
        document=document,
        document_hash="",
        actions=1,
        rollbacks=len(rollbacks),
        undo_deadline=deadline,
        undone_when=(Check(name=f"{slug} is gone", probe=probe),) if check else (),
    )


def _open_run(
    folder: Path,
    *experiments: Experiment,
    injected: Sequence[str] | None = None,
    cwd: str = "",
    kind: str = "local",
    **more: Any,
) -> None:
    """A run that died with these faults in."""
    clock = SystemClock()
    plan = RunPlan(
        name="Files",
        slug="files",
        target=Target(name=kind, kind=kind, environment="sandbox"),
        experiments=experiments,
        **more,
    )
    writer = TranscriptWriter.create(folder, clock, redact=lambda value: value)
    start = ev.RunStarted(
        run="r1", plan=plan_to_json(plan), attended=False, boot_id=boot_id(), origin=clock.origin, cwd=cwd
    )
    writer.append(Entry(start, "conductor"))
    for slug in [each.slug for each in experiments] if injected is None else injected:
        intent = ev.FaultIntended(experiment=slug, index=0, name="break it", document_hash="")
        writer.append(Entry(intent, "conductor"))
    writer.close()


def _go_on(folder: Path, *events: ev.Event) -> None:
    """What else is in the transcript of that run."""
    writer = TranscriptWriter.open(folder, SystemClock(), redact=lambda value: value)
    writer.append(*(Entry(event, "chaos") for event in events))
    writer.close()


def _undo(folder: Path, secrets: dict[str, str] | None = None) -> int:
    worker = UndoProcess.stand_by(folder)
    worker.go(secrets or {})
    return worker.wait()


def _events(folder: Path, kind: type[ev.Event]) -> list[Any]:
    return [recorded.event for recorded in read(folder / "transcript.jsonl") if isinstance(recorded.event, kind)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_what_is_open_is_undone_and_told(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    _open_run(folder, _experiment("files", f"rm {marker}", check=f"test ! -e {marker}"))
    assert _undo(folder) == 0
    assert not marker.exists()
    assert [event.status for event in _events(folder, ev.RollbackEnded)] == ["succeeded"]
    assert [event.experiment for event in _events(folder, ev.FaultUndone)] == ["files"]
    assert _events(folder, ev.UndoEnded) == [ev.UndoEnded()]
    assert verify(folder / "transcript.jsonl") == []


def test_variables_that_were_let_through_are_as_they_were_at_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PROFILE", "another by now")
    seen = tmp_path / "seen"
    look = f"echo $SHOP_PROFILE $SHOP_TOKEN >{seen}"
    passed = {"passed": {"SHOP_PROFILE": "staging"}, "passed_secrets": ("SHOP_TOKEN",)}
    _open_run(folder, _experiment("files", look), env=("SHOP_*",), **passed)
    assert _undo(folder, {"SHOP_TOKEN": "tokentoken"}) == 0
    assert seen.read_text() == "staging tokentoken\n"


def test_a_second_time_does_nothing(folder: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    _open_run(folder, _experiment("files", f"echo once >>{count}"))
    assert [_undo(folder), _undo(folder)] == [0, 0]
    assert count.read_text() == "once\n"


def test_two_at_once_undo_once(folder: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    _open_run(folder, _experiment("files", f"sleep 0.3; echo once >>{count}"))
    workers = [UndoProcess.stand_by(folder) for _ in range(2)]
    for worker in workers:
        worker.go({})
    assert [worker.wait() for worker in workers] == [0, 0]
    assert count.read_text() == "once\n"


def test_without_the_word_it_goes_home(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    _open_run(folder, _experiment("files", f"rm {marker}"))
    worker = UndoProcess.stand_by(folder)
    worker.dismiss()
    assert not worker.alive()
    assert marker.exists()
    assert _events(folder, ev.UndoStarted) == []


def test_what_was_never_injected_is_left_alone(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    _open_run(folder, _experiment("files", f"rm {marker}"), injected=())
    assert _undo(folder) == 0
    assert marker.exists()


def test_a_method_that_has_begun_is_undone_without_any_action(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    _open_run(folder, _experiment("files", f"rm {marker}"), injected=())
    _go_on(folder, ev.MethodBegun(experiment="files", document_hash=""))
    assert _undo(folder) == 0
    assert not marker.exists()
    assert [event.how for event in _events(folder, ev.FaultUndone)] == ["rollbacks"]


def _learned(made: str, **more: Any) -> ev.ConfigurationChanged:
    return ev.ConfigurationChanged(experiment="files", configuration={"made": made}, **more)


def _begun(made: str) -> ev.MethodBegun:
    return ev.MethodBegun(experiment="files", document_hash="", configuration={"made": made})


def _intended(made: str) -> ev.FaultIntended:
    return ev.FaultIntended(
        experiment="files", index=0, name="break it", document_hash="", configuration={"made": made}
    )


@pytest.mark.parametrize(
    "story",
    [
        (_begun("last"),),
        (_intended("first"), _learned("last")),
        (_begun("first"), _learned("second"), _intended("last")),
        (_intended("first"), _learned("second"), _intended("third"), _learned("last")),
    ],
)
def test_rollbacks_get_what_was_learned_last(story: tuple[ev.Event, ...], folder: Path, tmp_path: Path) -> None:
    said = tmp_path / "said"
    _open_run(folder, _experiment("files", f"echo ${{made}} >{said}"), injected=())
    _go_on(folder, *story)
    assert _undo(folder) == 0
    assert said.read_text() == "last\n"


@pytest.mark.parametrize(
    ("kind", "no_undo", "check", "how"),
    [
        ("local", "", "", ""),
        ("local", "It expires.", "", "heals"),
        ("local", "It expires.", "true", "heals"),
        # Nobody knows whether the check can tell: it was not asked with the fault in.
        ("local", "", "true", ""),
        ("http", "", "", ""),
        ("sandbox", "", "", "discarded"),
        ("sandbox", "It expires.", "", "heals"),
    ],
)
def test_what_nothing_undid_is_not_called_undone(kind: str, no_undo: str, check: str, how: str, folder: Path) -> None:
    experiment = replace(_experiment("files", check=check), no_undo=no_undo)
    _open_run(folder, experiment, kind=kind)
    assert _undo(folder) == (0 if how else 6)
    assert [event.how for event in _events(folder, ev.FaultUndone)] == ([how] if how else [])
    assert [event.why[:17] for event in _events(folder, ev.UndoFailed)] == ([] if how else ["nothing undid it:"])


def test_rollbacks_that_a_control_added_run_too(folder: Path, tmp_path: Path) -> None:
    said = tmp_path / "said"
    planned = _experiment("files", f"echo planned >>{said}")
    added = {
        **planned.document,
        "rollbacks": [*planned.document["rollbacks"], _action("added", f"echo added >>{said}")],
    }
    _open_run(folder, planned)
    _go_on(folder, _learned("x", document=added))
    assert _undo(folder) == 0
    assert said.read_text().split() == ["planned", "added"]


def test_a_rollback_that_needs_what_could_not_be_written_down_fails_by_its_name(folder: Path, tmp_path: Path) -> None:
    said = tmp_path / "said"
    _open_run(folder, _experiment("files", f"echo ${{made}} >{said}"))
    _go_on(folder, _learned("/tmp/[redacted]", withheld=("made",)))
    assert _undo(folder) == 6
    assert not said.exists()
    assert "made" in _events(folder, ev.UndoFailed)[0].why


@pytest.mark.parametrize("told", [True, False])
def test_it_works_where_the_run_worked_or_where_it_stands(
    told: bool, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for each in (here, there):
        each.mkdir()
        (each / "flag").touch()
    monkeypatch.chdir(here)
    _open_run(folder, _experiment("files", "rm flag", check="test ! -e flag"), cwd=str(there) if told else "")
    assert _undo(folder) == 0
    # A transcript of an older release does not say where.
    assert ((here / "flag").exists(), (there / "flag").exists()) == ((True, False) if told else (False, True))


def test_where_the_run_worked_is_gone_nothing_is_undone_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there"
    (tmp_path / "flag").touch()
    monkeypatch.chdir(tmp_path)
    _open_run(folder, _experiment("files", "rm -f flag"), _experiment("more", "rm -f flag"), cwd=str(there))
    assert _undo(folder) == 6
    assert (tmp_path / "flag").exists()
    assert [event.experiment for event in _events(folder, ev.UndoFailed)] == ["more", "files"]
    assert f"{there}, the folder in which the run worked, cannot be entered" in _events(folder, ev.UndoFailed)[0].why
    assert [why.partition(":")[0] for why in why_left(folder)] == ["more", "files"]
    there.mkdir()
    (there / "flag").touch()
    assert _undo(folder) == 0
    assert not (there / "flag").exists()
    assert why_left(folder) == ()


def test_a_fault_whose_first_line_is_damaged_is_not_called_undone(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    _open_run(folder, _experiment("files", f"rm {marker}"))
    path = folder / "transcript.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"kind":"run-started"', b'"kind":"run-st', 1))
    assert _undo(folder) == 6
    assert marker.exists()


def test_the_latest_fault_is_undone_first_and_each_rollback_in_its_order(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = _experiment("first", f"echo first-1 >>{log}", f"echo first-2 >>{log}")
    second = _experiment("second", f"echo second-1 >>{log}")
    _open_run(folder, first, second)
    assert _undo(folder) == 0
    assert log.read_text().split() == ["second-1", "first-1", "first-2"]


def test_a_slow_rollback_that_somebody_kills_is_run_again(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    # The first takes long enough for another process to stand ready.
    once = f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; sleep 0.6; kill -9 $$; }}; rm {marker}"
    _open_run(folder, _experiment("files", once))
    assert _undo(folder) == 0
    assert not marker.exists()
    assert [event.status for event in _events(folder, ev.RollbackEnded)] == ["failed", "succeeded"]


def test_a_rollback_that_fails_does_not_stop_the_next(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    _open_run(folder, _experiment("files", "echo no way >&2; exit 3", f"rm {marker}"))
    assert _undo(folder) == 6
    assert not marker.exists()
    assert [event.attempt for event in _events(folder, ev.RollbackEnded) if event.index == 0] == [1, 2, 3]
    left = _events(folder, ev.UndoFailed)[0]
    assert (left.experiment, left.why) == ("files", "rollback 'undo 1': it exited with 3: no way")


def test_one_that_works_at_the_second_try_is_enough(folder: Path, tmp_path: Path) -> None:
    tried = tmp_path / "tried"
    _open_run(folder, _experiment("files", f"test -e {tried} || {{ touch {tried}; exit 1; }}"))
    assert _undo(folder) == 0
    assert [event.status for event in _events(folder, ev.RollbackEnded)] == ["failed", "succeeded"]


def test_one_that_hangs_is_ended_at_its_deadline(folder: Path) -> None:
    _open_run(folder, _experiment("files", "sleep 60", deadline=0.5))
    assert _undo(folder) == 6
    assert "not done within 0.5 s" in _events(folder, ev.UndoFailed)[0].why


def test_what_was_left_can_be_undone_later(folder: Path, tmp_path: Path) -> None:
    marker, cure = tmp_path / "marker", tmp_path / "cure"
    marker.touch()
    _open_run(folder, _experiment("files", f"test -e {cure} && rm {marker}", check=f"test ! -e {marker}", deadline=4.0))
    assert _undo(folder) == 6
    cure.touch()
    assert _undo(folder) == 0
    assert not marker.exists()


def test_the_check_outranks_the_rollback(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    _open_run(folder, _experiment("files", "true", check=f"test ! -e {marker}", deadline=0.5))
    assert _undo(folder) == 6
    assert "files is gone" in _events(folder, ev.UndoFailed)[0].why


def test_it_undoes_where_nothing_can_be_written(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    _open_run(folder, _experiment("files", f"rm {marker}"))
    # A lock that cannot be taken: nobody can add to this story.
    (folder / LOCK_FILE).unlink()
    (folder / LOCK_FILE).mkdir()
    assert _undo(folder) == 0
    assert not marker.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGTSTP])
def test_no_signal_stops_it(number: signal.Signals, folder: Path, tmp_path: Path) -> None:
    begun, marker = tmp_path / "begun", tmp_path / "marker"
    marker.touch()
    _open_run(folder, _experiment("files", f"touch {begun}; sleep 0.3; rm {marker}"))
    worker = UndoProcess.stand_by(folder)
    worker.go({})
    _wait_for(begun)
    os.kill(worker.pid, number)
    assert worker.wait() == 0
    assert not marker.exists()


def test_one_killed_in_the_middle_is_followed_by_another(folder: Path, tmp_path: Path) -> None:
    begun, marker = tmp_path / "begun", tmp_path / "marker"
    marker.touch()
    slow = f"test -e {begun} || {{ touch {begun}; sleep 60; }}; rm {marker}"
    _open_run(folder, _experiment("files", slow))
    worker = UndoProcess.stand_by(folder)
    worker.go({})
    _wait_for(begun)
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    assert _undo(folder) == 0
    assert not marker.exists()
    assert verify(folder / "transcript.jsonl") == []


def test_secrets_come_over_its_input_and_stand_nowhere(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = f'printf %s "$TOKEN" >{out}; echo "got $TOKEN"'
    _open_run(folder, _experiment("files", said))
    worker = UndoProcess.stand_by(folder)
    begun = Path(f"/proc/{worker.pid}")
    assert b"open-sesame" not in (begun / "environ").read_bytes() + (begun / "cmdline").read_bytes()
    worker.go({"TOKEN": "open-sesame"})
    assert worker.wait() == 0
    assert out.read_text() == "open-sesame"
    for path in folder.iterdir():
        assert b"open-sesame" not in path.read_bytes()


def _wait_for(path: Path) -> None:
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_secrets_are_read_again_from_where_the_run_worked(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there"
    (there / "secrets").mkdir(parents=True)
    (there / "secrets" / "token").write_text("open-sesame\n")
    monkeypatch.chdir(tmp_path)
    _open_run(folder, _experiment("files", "true"), cwd=str(there), secret_sources={"TOKEN": {"file": "secrets/token"}})
    lacking: list[str] = []
    assert secrets_again(folder, lacking.append) == {"TOKEN": "open-sesame"}
    assert lacking == []
