from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from transcript_samples import STORY, create, entries, notes, reopen, unredacted, write

from runner.clock import Stamp, SystemClock
from runner.engine.events import ActivityEnded, NoteWritten, PhaseEntered, Recorded, TailTorn
from runner.errors import InputError, TranscriptError
from runner.redact import Redactor
from runner.transcript.codec import MAX_LINE
from runner.transcript.reader import Follower, read, verify
from runner.transcript.run_folder import TRANSCRIPT as FILE
from runner.transcript.run_folder import TRANSCRIPT_LOCK as LOCK_FILE
from runner.transcript.space import AHEAD
from runner.transcript.writer import Entry, TranscriptWriter

SPAWN = multiprocessing.get_context("spawn")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- beginning ---------------------------------------------------------------------------------------------------------


def test_a_run_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "run"
    create(folder)

    assert (mode(folder), mode(folder / FILE), mode(folder / LOCK_FILE)) == (0o700, 0o600, 0o600)


def test_a_group_may_read_but_not_hold_the_lock(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    TranscriptWriter.create(folder, SystemClock(), redact=unredacted, group=os.getgid())

    assert (mode(folder), mode(folder / FILE), mode(folder / LOCK_FILE)) == (0o2750, 0o640, 0o600)
    assert {(folder / name).stat().st_gid for name in ("", FILE)} == {os.getgid()}


def test_space_is_set_aside_without_showing_in_the_size(tmp_path: Path) -> None:
    create(tmp_path / "run", reserve=2 << 20)

    status = (tmp_path / "run" / FILE).stat()
    assert status.st_size == 0
    assert status.st_blocks * 512 >= 2 << 20


def test_a_second_run_does_not_write_over_the_first(tmp_path: Path) -> None:
    before = write(tmp_path / "run").read_bytes()

    with pytest.raises(InputError, match="a transcript is here already; choose another folder for runs"):
        create(tmp_path / "run")
    assert (tmp_path / "run" / FILE).read_bytes() == before


def test_a_folder_that_cannot_be_made_is_one_clear_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InputError, match="file/run: cannot keep a run here: Not a directory"):
        create(tmp_path / "file" / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_a_failed_beginning_made_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.transcript.space._reserve", fails_with(errno.ENOSPC))

    with pytest.raises(InputError, match="No space left on device"):
        create(tmp_path / "runs" / "run")
    assert list(tmp_path.iterdir()) == []


def test_there_is_no_opening_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match=r"transcript\.jsonl: cannot be opened: No such file"):
        reopen(tmp_path)


# -- appending ---------------------------------------------------------------------------------------------------------


def test_what_append_returns_is_what_every_reader_sees(tmp_path: Path) -> None:
    writer = create(tmp_path / "run")
    returned = [recorded for entry in entries(STORY) for recorded in writer.append(entry)]

    assert returned == list(read(tmp_path / "run"))
    assert [recorded.seq for recorded in returned] == list(range(1, len(STORY) + 1))
    assert writer.append() == []


def test_a_childs_stamp_is_kept_and_others_are_stamped_now(tmp_path: Path) -> None:
    clock = SystemClock()
    writer = TranscriptWriter.create(tmp_path / "run", clock, redact=unredacted)
    stamp = Stamp(at="2026-11-20T17:40:00.000000Z", t=-3.25)
    before = clock.now()

    stamped, fresh = writer.append(Entry(PhaseEntered(phase="live"), "chaos", stamp), *entries(notes(1)))

    assert stamped == Recorded(1, stamp.at, stamp.t, "chaos", PhaseEntered(phase="live"))
    assert before <= fresh.t <= clock.now()


def test_secrets_never_reach_the_disk_nor_the_views(tmp_path: Path) -> None:
    secret = "hunter2-hunter2"
    writer = TranscriptWriter.create(tmp_path / "run", SystemClock(), redact=Redactor([secret]).value)
    output = {"headers": [{"Authorization": f"Bearer {secret}"}], "n": 3}
    event = ActivityEnded(experiment="e", index=0, name=f"call {secret}", type="action", status="ok", output=output)

    returned = writer.append(Entry(event, secret))

    assert secret not in repr(returned)
    assert returned == list(read(tmp_path / "run"))
    assert not [path for path in (tmp_path / "run").iterdir() if secret.encode() in path.read_bytes()]


def test_a_malformed_event_is_refused_and_the_writer_lives_on(tmp_path: Path) -> None:
    writer = create(tmp_path / "run")
    wrong: Any = 3
    for event in (PhaseEntered(phase=wrong), NoteWritten(text="x" * MAX_LINE)):
        with pytest.raises(TranscriptError, match=r"transcript\.jsonl: "):
            writer.append(*entries([*notes(1), event]))

    assert (tmp_path / "run" / FILE).read_bytes() == b""
    assert [recorded.seq for recorded in writer.append(*entries(notes(1)))] == [1]


def test_on_disk_before_the_lock_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = create(tmp_path / "run")
    done: list[str] = []
    monkeypatch.setattr("fcntl.flock", lambda _, what: done.append("unlock" if what == fcntl.LOCK_UN else "lock"))
    monkeypatch.setattr("os.fdatasync", lambda _: done.append("sync"))
    real_write = os.write
    monkeypatch.setattr("os.write", lambda fd, data: (done.append("write"), real_write(fd, data))[1])

    writer.append(*entries(notes(2)))
    assert done == ["lock", "write", "sync", "unlock"]
    done.clear()
    writer.append(*entries(notes(2)), durable=False)
    assert done == ["lock", "write", "unlock"]
    done.clear()
    writer.sync()
    writer.sync()
    assert done == ["sync"]


# -- several writers ---------------------------------------------------------------------------------------------------


def append_many(folder: Path, name: str, count: int) -> None:
    writer = reopen(folder, patience=60.0)
    for number in range(count):
        writer.append(Entry(NoteWritten(text=f"{name} {number}"), name), durable=number % 10 == 0)


def test_several_processes_write_one_chain(tmp_path: Path) -> None:
    create(tmp_path / "run").close()
    names = ["guardian", "conductor", "undo", "recover"]
    processes = [SPAWN.Process(target=append_many, args=(tmp_path / "run", name, 200)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    events = list(read(tmp_path / "run"))
    assert verify(tmp_path / "run") == []
    assert [recorded.seq for recorded in events] == list(range(1, 801))
    for name in names:
        own = [recorded.event for recorded in events if recorded.by == name]
        assert own == [NoteWritten(text=f"{name} {number}") for number in range(200)]


def test_two_writers_take_turns(tmp_path: Path) -> None:
    first = create(tmp_path / "run")
    second = reopen(tmp_path / "run")
    for number in range(1, 20, 3):
        assert [recorded.seq for recorded in first.append(*entries(notes(1)))] == [number]
        assert [recorded.seq for recorded in second.append(*entries(notes(2)))] == [number + 1, number + 2]

    assert verify(tmp_path / "run") == []


def test_the_threads_of_a_process_may_share_a_writer(tmp_path: Path) -> None:
    writer = create(tmp_path / "run")

    def append() -> None:
        for _ in range(50):
            writer.append(*entries(notes(1)), durable=False)

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert verify(tmp_path / "run") == []
    assert len(list(read(tmp_path / "run"))) == 200


def test_a_frozen_holder_of_the_lock_does_not_hang_the_others(tmp_path: Path) -> None:
    create(tmp_path / "run")
    writer = reopen(tmp_path / "run", patience=0.05)
    with (tmp_path / "run" / LOCK_FILE).open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(TranscriptError, match=r"another process has kept it locked for 0\.05 s"):
            writer.append(*entries(notes(1)))

    assert [recorded.seq for recorded in writer.append(*entries(notes(1)))] == [1]


def test_a_forked_child_cannot_share_its_parents_lock(tmp_path: Path) -> None:
    writer = create(tmp_path / "run")
    child = os.fork()
    if child == 0:
        try:
            writer.append(*entries(notes(1)))
        except TranscriptError as refusal:
            os._exit(7 if "open it again" in str(refusal) else 1)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert (tmp_path / "run" / FILE).read_bytes() == b""


# -- torn tails --------------------------------------------------------------------------------------------------------


def test_a_tail_torn_while_this_writer_lives_is_moved_aside_too(tmp_path: Path) -> None:
    writer = create(tmp_path / "run")
    writer.append(*entries(notes(2)))
    for number in (1, 2):
        with (tmp_path / "run" / FILE).open("ab") as file:
            file.write(b'{"seq":9,"torn":')
        assert [recorded.event for recorded in writer.append(*entries(notes(1)))] == notes(1)
        torn = tmp_path / "run" / f"transcript.torn-{number}"
        assert torn.read_bytes() == b'{"seq":9,"torn":'
        assert mode(torn) == 0o600
        status = (tmp_path / "run" / FILE).stat()
        assert status.st_blocks * 512 >= status.st_size + AHEAD

    assert [recorded.event for recorded in read(tmp_path / "run") if isinstance(recorded.event, TailTorn)] == [
        TailTorn(file="transcript.torn-1", bytes=16),
        TailTorn(file="transcript.torn-2", bytes=16),
    ]
    assert verify(tmp_path / "run") == []


@pytest.mark.parametrize(
    "torn",
    [b"\0" * 5000, b"garbage\n", b"garbage\n{}\n[1,2]\n", b'\0\0\0\n{"seq":4}\n', b"\xff" * 3_000_000],
    ids=["zeros", "last line", "last lines", "a line behind zeros", "long"],
)
def test_what_a_power_cut_leaves_is_moved_aside(tmp_path: Path, torn: bytes) -> None:
    path = write(tmp_path / "run", notes(3))
    with path.open("ab") as file:
        file.write(torn)

    [recorded] = reopen(path.parent).append(*entries(notes(1)))

    assert recorded.seq == 5
    assert (path.parent / "transcript.torn-1").read_bytes() == torn
    assert verify(path) == []


def test_a_complete_line_with_a_wrong_hash_is_evidence_and_stays(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(3))
    edited = path.read_bytes().replace(b"note 2", b"note 8")
    path.write_bytes(edited)

    [recorded] = reopen(path.parent).append(*entries(notes(1)))

    assert recorded.seq == 4
    assert path.read_bytes().startswith(edited)
    assert [problem.line for problem in verify(path)] == [2]


def test_what_follows_a_torn_tail_on_a_full_disk_is_still_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "run", notes(1))
    with path.open("ab") as file:
        file.write(b"torn")
    monkeypatch.setattr("runner.transcript.writer.open", fails_with(errno.ENOSPC), raising=False)

    reopen(path.parent).append(*entries(notes(1)))

    assert [recorded.event for recorded in read(path)] == [*notes(1), TailTorn(file="", bytes=4), *notes(1)]


# -- bad days ----------------------------------------------------------------------------------------------------------


def fails_with(number: int) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["os.fdatasync", "os.write", "os.fstat"])
def test_a_failure_is_never_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    writer = create(tmp_path / "run")
    writer.append(*entries(notes(1)))
    with monkeypatch.context() as patched:
        patched.setattr(call, fails_with(errno.EIO))
        with pytest.raises(TranscriptError, match="cannot be written: Input/output error"):
            writer.append(*entries(notes(1)))

    for again in (lambda: writer.append(*entries(notes(1))), writer.sync):
        with pytest.raises(TranscriptError, match="nothing more is written: Input/output error"):
            again()
    reopen(tmp_path / "run").append(*entries(notes(1)))
    assert verify(tmp_path / "run") == []


def test_a_failed_lazy_sync_is_the_end_of_the_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = create(tmp_path / "run")
    writer.append(*entries(notes(1)), durable=False)
    monkeypatch.setattr("os.fdatasync", fails_with(errno.EIO))
    with pytest.raises(TranscriptError, match="cannot be written"):
        writer.sync()

    with pytest.raises(TranscriptError, match="nothing more is written"):
        writer.append(*entries(notes(1)), durable=False)


def test_a_closed_writer_says_so(tmp_path: Path) -> None:
    writer = create(tmp_path / "run")
    writer.close()
    writer.close()

    with pytest.raises(TranscriptError, match="it is closed"):
        writer.append(*entries(notes(1)))


def test_lines_taken_away_by_another_hand_stop_the_writer(tmp_path: Path) -> None:
    writer = create(tmp_path / "run")
    writer.append(*entries(notes(3)))
    path = tmp_path / "run" / FILE
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    with pytest.raises(TranscriptError, match="lines that were there are gone"):
        writer.append(*entries(notes(1)))


def append_up_to_a_size_limit(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    writer = reopen(folder)
    follower = Follower(folder)
    while True:
        try:
            writer.append(*entries(notes(200)))
        except TranscriptError:
            break
        follower.poll()
    follower.poll()
    assert (folder / FILE).stat().st_size <= 300_000


def test_a_write_that_stops_half_way_leaves_whole_lines(tmp_path: Path) -> None:
    create(tmp_path / "run").close()
    process = SPAWN.Process(target=append_up_to_a_size_limit, args=(tmp_path / "run",))
    process.start()
    process.join()

    assert process.exitcode == 0
    path = tmp_path / "run" / FILE
    assert 290_000 < path.stat().st_size <= 300_000
    assert path.read_bytes().endswith(b'"}\n')
    assert verify(path) == []
    reopen(path.parent).append(*entries(notes(1)))
    assert verify(path) == []
    assert not any(isinstance(recorded.event, TailTorn) for recorded in read(path))


def test_the_last_reserve_can_be_written_and_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = create(tmp_path / "run")
    monkeypatch.setattr("runner.transcript.space._reserve", fails_with(errno.ENOSPC))
    page = NoteWritten(text="x" * 50_000)
    told = 0
    while not writer.space_low:
        writer.append(*entries([page]))
        told += 1
        assert told < 30
    writer.append(*entries(notes(1)))

    assert told * 50_000 > (1 << 20) - (256 << 10) - 100_000
    assert len(list(read(tmp_path / "run"))) == told + 1


def test_a_file_system_that_cannot_reserve_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unable:
        def fallocate(self, *_: int) -> int:
            import ctypes

            ctypes.set_errno(errno.EOPNOTSUPP)
            return -1

    monkeypatch.setattr("runner.transcript.space._libc", Unable())
    writer = create(tmp_path / "run")
    writer.append(*entries(notes(2)))

    assert not writer.space_low


FULL_DISK = r"""
import os, sys
from pathlib import Path
from transcript_samples import create, entries, notes, reopen
from runner.engine.events import NoteWritten
from runner.errors import InputError, TranscriptError
from runner.transcript.run_folder import TRANSCRIPT as FILE
from runner.transcript.reader import read, verify

disk = Path(sys.argv[1])
assert os.statvfs(disk).f_blocks * os.statvfs(disk).f_frsize == 3 << 20
run = disk / "run"
writer = create(run)
writer.append(*entries(notes(1)))

def fill(path):
    with path.open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(b"x" * 4096)
        except OSError:
            pass

fill(disk / "ballast")
assert not writer.space_low
try:
    create(disk / "other")
    sys.exit("a run began on a full disk")
except InputError as refusal:
    assert "No space left" in str(refusal), refusal
assert not (disk / "other").exists()

page = NoteWritten(text="x" * 8000)
told = 1
while not writer.space_low:
    writer.append(*entries([page]))
    told += 1
assert told * 8000 > 500_000, told
undo = reopen(run)
for _ in range(25):
    undo.append(*entries([page]))
    told += 1
try:
    while True:
        writer.append(*entries([page] * 3))
        told += 3
except TranscriptError as failure:
    assert "No space left" in str(failure), failure
try:
    writer.append(*entries([page]))
    sys.exit("a failed write was tried again")
except TranscriptError as failure:
    assert "nothing more is written" in str(failure), failure
assert verify(run) == [], verify(run)
assert told <= len(list(read(run))) < told + 3

(disk / "ballast").unlink()
reopen(run).append(*entries(notes(1)))
assert verify(run) == [], verify(run)
print("told to the end")
"""


def private_mount() -> list[str]:
    """The command that gives what follows it a mount namespace of its own, where mounts vanish with the process."""
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]


def test_a_full_disk_does_not_end_the_transcript(tmp_path: Path) -> None:
    mount_point = tmp_path / "disk"
    mount_point.mkdir()
    script = 'mount -t tmpfs -o size=3m small "$1" || exit 77; exec "$2" -c "$3" "$1"'
    ended = subprocess.run(
        [*private_mount(), "sh", "-c", script, "sh", str(mount_point), sys.executable, FULL_DISK],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )

    if ended.returncode in (1, 77) and any(word in ended.stderr for word in ("not permitted", "permission denied")):
        # No mounting in this container: the two tests before the last, which need none, stand alone.
        return
    assert (ended.stdout, ended.stderr) == ("told to the end\n", "")
    assert list(mount_point.iterdir()) == []
