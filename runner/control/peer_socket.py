"""How the processes of one run talk: whole JSON messages over a SEQPACKET pair, which no reader can tear.

Sends never block: a frozen or dead peer must not hold up the living one, and a lost beat is what the other side's
lease is for. Imported by the guardian before anything else, so it stays light.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any

#: Seconds between beats, both ways between guardian and conductor.
BEAT = 0.2
#: Seconds without a beat after which the other side counts as hung.
LEASE = 1.0

#: Bytes of a run's secrets as JSON, declared ones and those learnt later: together they fit into the pipe of the undo
#: worker (64 kB) in one piece, so that the guardian can hand them over without waiting for anybody.
MOST_SECRET = 40 * 1024
MOST_LEARNT = 16 * 1024

_LARGEST = 256 * 1024


class PeerSocket:
    """One end. `receive` returns what is there without waiting; `closed` once the peer has gone."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self.closed = False

    @classmethod
    def pair(cls) -> tuple[PeerSocket, PeerSocket]:
        """Two ends, neither inherited over an exec."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST)
        return cls(ours), cls(theirs)

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: dict[str, Any]) -> bool:
        """Whether it went out; False when the peer is gone or reads nothing, or could not take so much in one piece."""
        data = json.dumps(message).encode()
        try:
            return len(data) <= _LARGEST and self._socket.send(data) > 0
        except OSError:
            return False

    def receive(self) -> list[dict[str, Any]]:
        """Every message that has arrived, oldest first."""
        messages: list[dict[str, Any]] = []
        while True:
            try:
                data = self._socket.recv(_LARGEST)
            except BlockingIOError:
                return messages
            except ConnectionResetError:
                # A peer that left with unread beats: the kernel says so once, before it hands out its last words.
                continue
            except OSError:
                data = b""
            if not data:
                self.closed = True
                return messages
            messages.append(json.loads(data))

    def close(self) -> None:
        self._socket.close()


def say(descriptor: int, message: dict[str, Any]) -> None:
    """Write one JSON line to a pipe whose reader may be gone."""
    try:
        os.write(descriptor, json.dumps(message).encode() + b"\n")
    except OSError:
        return
