"""Giving a run a command from another process. Light: the command line waits for nothing but the answer."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.errors import InputError

_PIECE = 64 * 1024


def ask(path: Path, message: Mapping[str, Any], *, timeout: float = 5.0) -> dict[str, Any]:
    """Send one command to a run's socket and wait for its answer. Raises InputError when nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout)
        try:
            client.connect(str(path))
            client.sendall(json.dumps(dict(message)).encode() + b"\n")
            data = bytearray()
            while not data.endswith(b"\n") and (piece := client.recv(_PIECE)):
                data += piece
        except OSError as error:
            raise InputError(f"the run does not answer at {path}: {error.strerror or error}") from error
    if not data:
        raise InputError("the run ended before it answered")
    answer: dict[str, Any] = json.loads(data)
    return answer
