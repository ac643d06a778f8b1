"""A run that was opened to a group: who gets in, what they see, and what is written down of who did what."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from file_fault import DRILL, Repo, until

from runner.control.client import ask
from runner.control.socket_path import shared_sockets

#: Accounts that nobody has; `_GROUP` is one that every system has.
_ANA, _STRANGER = 54321, 54322
_GROUP = "users"
_ASKS = """\
name: Files
steps:
  - {id: look, name: Look}
  - {id: fix, name: Fix, approve: {by: boss}, run: "true"}
  - {id: wait, name: Wait}
"""

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="speaks from several accounts")


@dataclass(frozen=True)
class Shared:
    """A repository whose drill names a group; `place` is a folder that everybody gets to."""

    repo: Repo
    place: Path

    @property
    def env(self) -> dict[str, str]:
        return {"GAMEDAY_SOCKETS": str(self.place)}

    @property
    def folder(self) -> Path:
        return next((self.place / "runs").iterdir())

    @property
    def socket(self) -> Path:
        return next(self.place.glob("gameday-*/*.sock"))

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = (self.folder / "transcript.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["kind"] == kind]


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shared]:
    with Repo.make(tmp_path) as repo, tempfile.TemporaryDirectory(prefix="gd-") as name:
        place = Path(name)
        place.chmod(0o755)
        monkeypatch.setenv("GAMEDAY_SOCKETS", name)
        repo.write("drills/files/drill.yaml", f"{DRILL}group: {_GROUP}\n")
        repo.write("runbooks/files.yaml", _ASKS)
        yield Shared(repo, place)


def _as(uid: int, groups: list[int], work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """What `work` gives in a process of that account; {"error": …} when it raises."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.setgroups(groups)
            os.setgid(groups[0] if groups else uid)
            os.setuid(uid)
            said = dict(work())
        except BaseException as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    answer: dict[str, Any] = json.loads(data)
    return answer


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_members_take_part_and_strangers_do_not(shared: Shared) -> None:
    going = shared.repo.start(
        "files", "--attended", "--name", "olga", "--runs-dir", str(shared.place / "runs"), fault=False
    )
    until(lambda: list(shared.place.glob("gameday-*/*.sock")) and shared.events("method-ended"), going.said)
    gid = shared.folder.stat().st_gid
    socket = shared.socket

    assert (_mode(socket), _mode(socket.parent), _mode(shared.folder)) == (0o660, 0o2750, 0o2750)
    assert {path.stat().st_gid for path in (socket, socket.parent, shared.folder)} == {gid}
    transcript = shared.folder / "transcript.jsonl"
    assert (_mode(transcript), transcript.stat().st_gid) == (0o640, gid)
    _readable_by_members_alone(transcript, socket, gid)

    def member(**message: Any) -> dict[str, Any]:
        return _as(_ANA, [gid], lambda: ask(socket, {"by": "ana", **message}))

    assert shared.repo.gameday("tell", "join", "person=olga", "--name", "olga", env=shared.env).code == 0
    assert member(command="join", person="ana", role="observer") == {"ok": True}
    assert "an observer watches" in member(command="complete", role="facilitator")["why"]
    assert member(command="join", person="ana", role="participant") == {"ok": True}
    assert "the facilitator does that" in member(command="inject", experiment="files")["why"]
    # The runbook begins when somebody notices.
    assert member(command="milestone", name="detected") == {"ok": True}
    assert "another account" in member(command="complete", by="olga")["why"]
    # olga does the first step, so she holds the second: no name of hers approves it while ana is there.
    assert shared.repo.gameday("tell", "complete", "--name", "olga", env=shared.env).code == 0
    for name in ("olga", "somebody"):
        said = shared.repo.gameday("tell", "approve", "--name", name, env=shared.env)
        assert "ana" in said.err, name
    assert member(command="approve") == {"ok": True}
    assert shared.events("step-approved")[0]["waived"] == ""
    # Whoever sees that it has to stop may stop it.
    assert member(command="abort", reason="unsafe", why="enough") == {"ok": True}
    # The debrief waits for those who are there.
    assert member(command="leave", person="ana") == {"ok": True}
    assert shared.repo.gameday("tell", "leave", "person=olga", "--name", "olga", env=shared.env).code == 0
    assert going.ended() == 4

    _each_is_on_record(shared)
    _closed_to_others(shared.folder, gid)
    assert shared.repo.leftovers() == []
    assert not list(shared.place.glob("gameday-*/*.sock"))


def _readable_by_members_alone(transcript: Path, socket: Path, gid: int) -> None:
    assert _as(_ANA, [gid], lambda: {"found": [str(path) for path in shared_sockets()]}) == {"found": [str(socket)]}
    assert _as(_ANA, [gid], lambda: {"n": transcript.read_text().count("run-started")})["n"] >= 1
    assert "Permission" in _as(_ANA, [gid], lambda: {"n": transcript.write_text("x")})["error"]
    stranger = _as(_STRANGER, [], lambda: ask(socket, {"command": "note", "text": "x"}))
    assert "the run does not answer" in stranger["error"]
    assert "Permission" in _as(_STRANGER, [], lambda: {"n": transcript.read_text()})["error"]


def _each_is_on_record(shared: Shared) -> None:
    """Who gave which command in which role, and who was refused one."""
    given = [(event["command"], event["by"], event["uid"], event["role"]) for event in shared.events("command-given")]
    assert given == [
        ("join", "olga", 0, "participant"),
        ("join", "ana", _ANA, "observer"),
        ("join", "ana", _ANA, "participant"),
        ("milestone", "ana", _ANA, "participant"),
        ("complete", "olga", 0, "participant"),
        ("approve", "ana", _ANA, "participant"),
        ("abort", "ana", _ANA, "participant"),
        ("leave", "ana", _ANA, "participant"),
        ("leave", "olga", 0, "participant"),
    ]
    refused = [(event["command"], event["by"], event["uid"]) for event in shared.events("command-refused")]
    assert refused == [
        ("complete", "ana", _ANA),
        ("inject", "ana", _ANA),
        ("complete", "olga", _ANA),
        ("approve", "olga", 0),
        ("approve", "somebody", 0),
    ]


def _closed_to_others(folder: Path, gid: int) -> None:
    for path in folder.rglob("*"):
        assert _mode(path) & 0o027 == 0, path
        assert path.stat().st_gid == gid, path


def test_a_group_that_there_is_not(shared: Shared) -> None:
    shared.repo.write("drills/files/drill.yaml", f"{DRILL}group: no-such-group\n")
    said = shared.repo.gameday("run", "files", "--attended", env=shared.env)
    assert "drills/files/drill.yaml:8:8: there is no group 'no-such-group' on this machine" in said.err
    _nothing(shared, said.code)


def test_a_group_that_could_not_see_the_run(shared: Shared) -> None:
    (shared.place / "closed").mkdir(mode=0o700)
    said = shared.repo.gameday(
        "run", "files", "--attended", "--runs-dir", str(shared.place / "closed" / "runs"), env=shared.env
    )
    assert "drills/files/drill.yaml:8:8: members of the group 'users' could not see the run" in said.err
    assert "closed is closed to them; choose another place with --runs-dir" in said.err
    assert not list((shared.place / "closed" / "runs").iterdir())
    _nothing(shared, said.code)


def test_a_folder_for_the_socket_that_others_may_write_in(shared: Shared) -> None:
    shared.place.chmod(0o777)
    said = shared.repo.gameday("run", "files", "--attended", "--runs-dir", str(shared.place / "runs"), env=shared.env)
    assert f"others may write in {shared.place}" in said.err
    assert not list((shared.place / "runs").iterdir())
    _nothing(shared, said.code)


def _nothing(shared: Shared, code: int) -> None:
    assert code == 2
    assert shared.repo.leftovers() == []
    assert shared.repo.run_folders == []
