"""The wires between the processes of a run: whole messages, nobody held up, and the last word of one that is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.control.peer_socket import PeerSocket, say
from runner.supervision.launch import NotStarted, RunHandle, Started


def test_messages_arrive_whole_and_in_order() -> None:
    ours, theirs = PeerSocket.pair()
    sent = [{"n": number, "text": "x" * 5000} for number in range(5)]
    assert all(ours.send(message) for message in sent)
    assert theirs.receive() == sent
    assert theirs.receive() == []
    assert not theirs.closed


def test_a_peer_that_reads_nothing_holds_nobody_up() -> None:
    ours, theirs = PeerSocket.pair()
    taken = sum(ours.send({"beat": "x" * 1000}) for _ in range(5000))
    assert 0 < taken < 5000
    assert len(theirs.receive()) == taken


@pytest.mark.parametrize("size", [256 * 1024, 300 * 1024, 1 << 20])
def test_what_is_too_long_for_one_piece_is_not_sent_in_part(size: int) -> None:
    ours, theirs = PeerSocket.pair()
    assert not ours.send({"text": "x" * size})
    assert ours.send({"text": "y"})
    assert theirs.receive() == [{"text": "y"}]


def test_the_last_word_of_one_that_left_beats_unread_is_heard() -> None:
    ours, theirs = PeerSocket.pair()
    ours.send({"beat": 1})
    theirs.send({"closed": 3})
    # The kernel now says "reset" before it hands out what was sent.
    theirs.close()
    assert ours.receive() == [{"closed": 3}]
    assert ours.closed
    assert not ours.send({"beat": 1})


def _front(*lines: dict[str, object]) -> RunHandle:
    reader, writer = os.pipe()
    for line in lines:
        say(writer, line)
    os.close(writer)
    return RunHandle(os.getpid(), reader, -1)


def test_the_first_word_about_the_start_counts() -> None:
    outcome = _front({"exit": 2, "lines": ["no"]}, {"exit": 5, "lines": ["it broke"]}).outcome()
    assert outcome == NotStarted(exit_code=2, lines=["no"])


def test_a_start_is_announced_with_its_folder() -> None:
    outcome = _front({"run": "r1", "folder": "/runs/r1", "socket": "/s"}).outcome()
    assert outcome == Started(run="r1", folder=Path("/runs/r1"), socket="/s")


def test_a_word_to_nobody_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    say(writer, {"do": "abort"})
    os.close(writer)
