"""Lines out of pieces: as they were, and at a cost that grows with the bytes alone."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.actuators.lines import Lines
from runner.actuators.shims.wire import Wire


@given(st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"x", b"\n"))))
def test_lines_are_what_they_would_be_at_once(pieces: list[bytes]) -> None:
    lines = Lines()
    found = [line for piece in pieces for line in lines.take(piece)]
    assert found == b"".join(pieces).split(b"\n")[:-1]


class _Counted(bytes):
    """Counts how often it is looked through, by itself or as a part of something longer."""

    looks = 0

    def split(self, *how: Any) -> list[bytes]:
        type(self).looks += 1
        return super().split(*how)

    def __radd__(self, other: bytes) -> bytes:
        raise AssertionError("a piece is put to what came before it")


def test_each_piece_of_a_long_line_is_looked_through_once_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Counted, "looks", 0)
    lines = Lines()
    for _ in range(1000):
        assert lines.take(_Counted(b"x" * 64)) == []
    assert lines.take(_Counted(b"\n")) == [b"x" * 64_000]
    assert _Counted.looks == 1001


def test_messages_that_come_together_are_received_one_by_one() -> None:
    ours, theirs = socket.socketpair()
    wire = Wire(theirs.detach())
    with ours:
        ours.sendall(b'{"a": 1}\n{"b": 2}\n{"c"')
        assert [wire.receive(1), wire.receive(1), wire.receive(0.01)] == [{"a": 1}, {"b": 2}, None]
        ours.sendall(b": 3}\n")
        assert wire.receive(1) == {"c": 3}
    with pytest.raises(EOFError):
        wire.receive(1)
