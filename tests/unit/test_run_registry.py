"""What is open on this machine, and which run a user means."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from runner.actuators.processes import start_time
from runner.clock import parse_iso
from runner.errors import InputError, Refused
from runner.host.boot_id import boot_id
from runner.host.halt_file import halted, lift_halt, write_halt
from runner.host.run_registry import OpenRun, Registry, find_run, run_folders, runs_dir
from runner.host.state_folder import state_dir
from runner.transcript.run_folder import new_run_id


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))


def _open(run: str, folder: Path, *, pid: int = 0, target: str = "local", exclusive: bool = True) -> OpenRun:
    pid = pid or os.getpid()
    return OpenRun(
        run=run,
        folder=str(folder),
        target=target,
        exclusive=exclusive,
        pid=pid,
        start_time=start_time(pid) or 0,
        boot_id=boot_id(),
        socket=str(folder / "s"),
    )


def _begun(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "transcript.jsonl").write_text("{}\n")
    return folder


def _dead(run: str, folder: Path) -> OpenRun:
    return OpenRun(**{**vars(_open(run, folder)), "start_time": 1})


# -- records -----------------------------------------------------------------------------------------------------------


def test_a_run_is_recorded_until_it_is_forgotten(tmp_path: Path) -> None:
    run = _open("r1", tmp_path)
    Registry().record(run)
    assert Registry().open_runs() == [run]
    assert run.alive
    Registry().forget("r1")
    Registry().forget("r1")
    assert Registry().open_runs() == []


def test_a_target_belongs_to_one_run_at_a_time(tmp_path: Path) -> None:
    Registry().record(_open("r1", tmp_path))
    with pytest.raises(Refused, match=rf"taken by run r1 \(guardian pid {os.getpid()}\).*gameday abort r1"):
        Registry().record(_open("r2", tmp_path))
    Registry().record(_open("r3", tmp_path, target="other"))
    Registry().record(_open("r4", tmp_path, exclusive=False))
    assert [run.run for run in Registry().open_runs()] == ["r1", "r3", "r4"]


def test_of_many_at_once_one_gets_the_target(tmp_path: Path) -> None:
    refused: list[str] = []

    def want(number: int) -> None:
        try:
            Registry().record(_open(f"r{number}", tmp_path))
        except Refused as why:
            refused.append(str(why))

    threads = [threading.Thread(target=want, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    assert len(Registry().open_runs()) == 1


def test_a_dead_run_with_a_transcript_keeps_its_target(tmp_path: Path) -> None:
    Registry().record(_dead("r1", _begun(tmp_path / "r1")))
    assert not Registry().open_runs()[0].alive
    with pytest.raises(Refused, match=r"run r1 on target local \(guardian pid \d+\) did not close"):
        Registry().record(_open("r2", tmp_path))


def test_a_dead_run_without_a_first_line_has_done_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "r1"
    empty.mkdir()
    (empty / "transcript.jsonl").touch()
    Registry().record(_dead("r1", empty))
    Registry().record(_dead("r2", tmp_path / "gone"))
    Registry().record(_open("r3", tmp_path))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"run": "r1"}', '{"pid": 1, "more": 2}'])
def test_a_damaged_record_is_passed_over(content: str, tmp_path: Path) -> None:
    Registry().record(_open("r1", tmp_path))
    (state_dir() / "open" / "bad.json").write_text(content)
    assert [run.run for run in Registry().open_runs()] == ["r1"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"run": "r1"}'])
def test_a_damaged_record_is_named_and_keeps_targets_from_others(content: str, tmp_path: Path) -> None:
    Registry()
    bad = state_dir() / "open" / "bad.json"
    bad.write_text(content)
    [problem] = Registry().damaged()
    assert str(problem).startswith(f"{bad}: the record of an open run is damaged")
    assert "gameday recover --accept bad --why" in str(problem)
    with pytest.raises(Refused, match=r"bad\.json.*nobody knows whose target"):
        Registry().record(_open("r1", tmp_path))
    Registry().record(_open("r2", tmp_path, exclusive=False))
    assert not Registry().discard_damaged("r2")
    assert Registry().discard_damaged("bad")
    Registry().record(_open("r1", tmp_path))


def test_a_record_of_a_later_release_is_read(tmp_path: Path) -> None:
    run = _open("r1", tmp_path)
    Registry().record(run)
    path = state_dir() / "open" / "r1.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "later": 1}))
    assert Registry().open_runs() == [run]


def test_records_are_on_disk_before_anyone_acts_on_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    sync = os.fsync

    def noting(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    Registry().record(_open("r1", tmp_path))
    assert synced == ["r1.new", "open"]
    Registry().forget("r1")
    assert synced == ["r1.new", "open", "open"]
    assert [path.name for path in (state_dir() / "open").iterdir()] == []


def test_while_it_is_halted_nothing_is_recorded(tmp_path: Path) -> None:
    Registry()
    write_halt("ana", "the shop is down", ["/runs/r0"])
    write_halt("bo", "me too", ["/runs/r1"])
    with pytest.raises(Refused, match=r"halted by ana at 20.*Z: the shop is down; .*gameday resume --why"):
        Registry().record(_open("r1", tmp_path, exclusive=False))
    assert [*halted().runs] == ["/runs/r0", "/runs/r1"]  # type: ignore[union-attr]
    lift_halt()
    assert halted() is None
    Registry().record(_open("r1", tmp_path))


def test_a_pid_of_another_boot_or_another_process_is_not_it(tmp_path: Path) -> None:
    run = _open("r1", tmp_path)
    assert not OpenRun(**{**vars(run), "boot_id": "another"}).alive
    assert not OpenRun(**{**vars(run), "start_time": run.start_time + 1}).alive


def test_the_records_are_their_owners_alone(tmp_path: Path) -> None:
    Registry().record(_open("r1", tmp_path))
    modes = {path.stat().st_mode & 0o077 for path in (state_dir() / "open").iterdir()}
    assert modes == {0}


# -- places ------------------------------------------------------------------------------------------------------------


def test_where_runs_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAMEDAY_RUNS_DIR", raising=False)
    assert runs_dir(None, tmp_path) == tmp_path / "runs"
    monkeypatch.setenv("GAMEDAY_RUNS_DIR", "/elsewhere")
    assert runs_dir(None, tmp_path) == Path("/elsewhere")
    assert runs_dir("/chosen", tmp_path) == Path("/chosen")


def test_a_state_folder_that_cannot_be_made_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(InputError, match="set XDG_STATE_HOME"):
        Registry()


# -- which run ---------------------------------------------------------------------------------------------------------


def test_ids_sort_by_time_and_differ() -> None:
    moment = parse_iso("2026-11-20T17:40:03.000000Z")
    one, two = (new_run_id("outage", moment) for _ in range(2))
    assert one.startswith("20261120-174003-outage-")
    assert one != two


def _runs(tmp_path: Path, *names: str) -> Path:
    runs = tmp_path / "runs"
    for age, name in enumerate(names):
        folder = _begun(runs / name)
        os.utime(folder / "transcript.jsonl", (age, age))
    return runs


def test_a_run_is_found_by_prefix_last_word_or_as_the_latest(tmp_path: Path) -> None:
    runs = _runs(tmp_path, "20261120-1-a-7f3a", "20261121-1-b-0c1d")
    (runs / "notes").mkdir()
    assert find_run(runs, "20261120").name == "20261120-1-a-7f3a"
    assert find_run(runs, "0c1d").name == "20261121-1-b-0c1d"
    assert find_run(runs, None).name == "20261121-1-b-0c1d"
    assert [folder.name for folder in run_folders(runs)] == ["20261120-1-a-7f3a", "20261121-1-b-0c1d"]


def test_an_exact_name_is_not_ambiguous(tmp_path: Path) -> None:
    runs = _runs(tmp_path, "r1", "r10")
    assert find_run(runs, "r1").name == "r1"


@pytest.mark.parametrize(
    ("wanted", "words"), [("2026", "'2026' fits 2 runs: 2026-a, 2026-b"), ("x", "no run begins with 'x'.*gameday runs")]
)
def test_what_fits_none_or_several_is_said(wanted: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        find_run(_runs(tmp_path, "2026-a", "2026-b"), wanted)


def test_a_run_elsewhere_is_found_while_it_is_open(tmp_path: Path) -> None:
    elsewhere = _begun(tmp_path / "elsewhere" / "r9")
    assert find_run(tmp_path / "runs", "r9", extra=[elsewhere]) == elsewhere
    with pytest.raises(InputError, match="no runs in"):
        find_run(tmp_path / "runs", "r9")
