"""The command server of a run: what comes in over its socket is taken, or refused in a line; nothing that comes in breaks it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from conductor_kit import Play, conducting

from runner.control.client import ask
from runner.control.server import CommandServer
from runner.engine import events as ev
from runner.engine.command_lookup import BY_WORD
from runner.engine.plan import Ask, Step
from runner.errors import InputError

_LOOK = Step(id="look", name="Look")
_WHICH = Step(id="which", name="Which?", choose={"left": "look", "right": "look"})
_TELL = Step(id="tell", name="Tell", ask=(Ask(name="REGION", prompt="?"), Ask(name="WORD", prompt="?", secret=True)))


@pytest.fixture
def socket() -> Iterator[Path]:
    # The folders of tests have longer names than a socket may.
    with tempfile.TemporaryDirectory(prefix="gd-") as folder:
        yield Path(folder) / "r1.sock"


@contextlib.asynccontextmanager
async def _open(folder: Path, socket: Path, *steps: Step) -> AsyncIterator[Play]:
    async with conducting(folder / "run", *(steps or (_LOOK,))) as play:
        server = CommandServer(play.run, play.conductor, socket)
        await server.open()
        play.begin()
        await play.live()
        try:
            yield play
        finally:
            await server.close()


async def _ask(socket: Path, **message: Any) -> dict[str, Any]:
    return await asyncio.to_thread(ask, socket, message)


async def _line(socket: Path, *lines: bytes) -> list[bytes]:
    """The answers to raw lines on one connection, until it ends or each has its answer."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    answers = []
    for line in lines:
        writer.write(line + b"\n")
        answers.append(await asyncio.wait_for(reader.readline(), 20))
    writer.close()
    return answers


def test_a_command_is_taken_and_stands_in_the_story_with_its_name_and_role(tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket) as play:
            assert await _ask(socket, command="join", person="ana", by="ana", role="facilitator") == {"ok": True}
            assert await _ask(socket, command="note", text="hello", by="ana") == {"ok": True}
            note = next(recorded for recorded in play.story if isinstance(recorded.event, ev.NoteWritten))
            assert note.by == "ana"

    asyncio.run(scenario())


def test_the_kernel_says_who_speaks_whatever_the_message_says(tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket) as play:
            answer = await _ask(socket, command="join", person="ana", by="ana", uid=4711)
            assert not answer["ok"]
            assert await _ask(socket, command="join", person="ana", by="ana", role="facilitator") == {"ok": True}
            joined = play.of(ev.PersonJoined)[0]
            assert (joined.uid, joined.role) == (os.getuid(), "facilitator")
            assert await _ask(socket, command="note", text="x") == {"ok": True}
            assert play.story[-1].by == str(os.getuid())

    asyncio.run(scenario())


def test_what_is_not_possible_is_refused_with_a_reason_and_told(tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket, _WHICH, _LOOK) as play:
            answer = await _ask(socket, command="choose", label="up", by="ana")
            assert not answer["ok"]
            assert "'up' is no choice" in answer["why"]
            assert play.of(ev.CommandRefused)[0].command == "choose"
            assert play.conductor.state.current == "which"

    asyncio.run(scenario())


def test_an_observer_watches(tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket) as play:
            assert "observer" in (await _ask(socket, command="complete", role="observer"))["why"]
            assert (await _ask(socket, command="note", text="x", role="observer"))["ok"]
            assert play.conductor.state.current == "look"

    asyncio.run(scenario())


_DEEP = b"[" * 30_000
_BAD = [
    (b"", "not a JSON object"),
    (b"{", "not a JSON object"),
    (b"[]", "not a JSON object"),
    (b'"abort"', "not a JSON object"),
    (b"\xff\xfe", "not a JSON object"),
    (_DEEP, "not a JSON object"),
    (b"{}", "'' is not a command"),
    (b'{"command": null}', "'None' is not a command"),
    (b'{"command": "abrt"}', "did you mean 'abort'?"),
    (b'{"command": "complete", "role": "system"}', "'system' is not a role"),
    (b'{"command": "complete", "role": ["observer"]}', "is not a role"),
    (b'{"command": "milestone"}', "milestone lacks name; write it as: milestone name="),
    (b'{"command": "milestone", "name": 5}', "milestone: name=5 is not possible"),
    (b'{"command": "confirm", "yes": "no"}', "confirm: yes='no' is not possible"),
    (b'{"command": "abort", "reason": "bored", "why": "x"}', "real-incident|unsafe|logistics|stuck"),
    (b'{"command": "complete", "stpe": "x"}', "complete takes no 'stpe'"),
]


def test_nonsense_is_answered_and_the_connection_lives_on(tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket) as play:
            before = len(play.story)
            answers = await _line(socket, *(line for line, _ in _BAD), b'{"command": "note", "text": "still here"}')
            for (line, words), answer in zip(_BAD, answers, strict=False):
                said = json.loads(answer)
                assert not said["ok"], line
                assert words in said["why"], line
            assert json.loads(answers[-1]) == {"ok": True}
            assert len(play.story) == before + 2

    asyncio.run(scenario())


@pytest.mark.parametrize("command", ["observed", "tick", "pass-preflight", "stop"])
def test_the_systems_own_commands_are_nobodys(command: str, tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket):
            answer = await _ask(socket, command=command, cause="broken", why="x")
            assert "is not a command" in answer["why"]

    assert command not in BY_WORD
    asyncio.run(scenario())


def test_a_line_without_end_is_refused_and_others_are_served(tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket):
            _, silent = await asyncio.open_unix_connection(str(socket))
            reader, endless = await asyncio.open_unix_connection(str(socket))
            endless.write(b"x" * 200_000)
            said = json.loads(await asyncio.wait_for(reader.readline(), 20))
            assert "a line holds at most" in said["why"]
            gone, torn = await asyncio.open_unix_connection(str(socket))
            torn.write(b'{"command": "wri')
            torn.close()
            assert gone is not None
            assert (await _ask(socket, command="note", text="x"))["ok"]
            silent.close()
            endless.close()

    asyncio.run(scenario())


def test_a_secret_answer_is_kept_in_memory_only(tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket, _TELL) as play:
            assert (await _ask(socket, command="answer", name="REGION", value="eu", by="ana"))["ok"]
            assert (await _ask(socket, command="answer", name="WORD", value="open-sesame", by="ana"))["ok"]
            assert (await _ask(socket, command="note", text="it is open-sesame", by="ana"))["ok"]
            assert play.run.secret_answers == {"WORD": "open-sesame"}
            assert [answer.value for answer in play.of(ev.StepAnswered)] == ["eu", ""]
            assert b"open-sesame" not in (play.run.folder / "transcript.jsonl").read_bytes()

    asyncio.run(scenario())


def test_a_secret_answer_that_the_guardian_could_not_keep_is_refused(tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket, _TELL) as play:
            await _ask(socket, command="answer", name="REGION", value="eu", by="ana")
            answer = await _ask(socket, command="answer", name="WORD", value="x" * 5000, by="ana")
            assert answer["why"] == "WORD: a secret answer takes at most 4,096 bytes"
            assert play.run.secret_answers == {}
            assert (await _ask(socket, command="answer", name="WORD", value="x" * 4000, by="ana"))["ok"]

    asyncio.run(scenario())


@pytest.mark.parametrize(("learnt", "ends"), [(["x" * 9000], ""), (["x" * 9000, "y" * 9000], "more than 16,384 bytes")])
def test_a_run_ends_when_it_learns_more_than_the_guardian_can_keep(
    learnt: list[str], ends: str, tmp_path: Path, socket: Path
) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket) as play:
            play.run.redaction.tell(play.conductor.hide)
            for secret in learnt:
                play.run.protect(secret)
            decided = play.of(ev.EndDecided)
            assert [ends in end.why for end in decided] == [True] * bool(ends)

    asyncio.run(scenario())


def test_a_run_ends_when_the_guardian_does_not_hear_what_became_secret(tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket) as play:
            while play.conductor.link.send({"beat": "x" * 1000}):
                pass
            play.conductor.hide(["x" * 2000])
            assert "does not take in" in play.of(ev.EndDecided)[0].why

    asyncio.run(scenario())


def test_the_socket_is_the_owners_alone_and_is_taken_away(tmp_path: Path, socket: Path) -> None:
    async def scenario() -> None:
        async with _open(tmp_path, socket):
            assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert not socket.exists()

    asyncio.run(scenario())


def test_nobody_listens(socket: Path) -> None:
    with pytest.raises(InputError, match="does not answer"):
        ask(socket, {"command": "complete"})
