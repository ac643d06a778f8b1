"""The child's end of the private socket: JSON objects, one a line, both ways."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Any

from runner.actuators.journal import plain
from runner.actuators.lines import Lines
from runner.gist import exception_gist
from runner.redact import Redacts

#: How a child ends when it can no longer be controlled: at once, before anything else is done.
UNCONTROLLED = 70

#: Seconds.
BEAT = 0.2

_LONGEST_OUTPUT = 4096

Message = dict[str, Any]


class Wire:
    """Sends from any thread, receives on one."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._lock = threading.Lock()
        self._received = Lines()
        self._waiting: deque[bytes] = deque()

    def send(self, message: Message) -> None:
        """Raises OSError when nobody is at the other end."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._socket.sendall(line)

    def receive(self, timeout: float | None = None) -> Message | None:
        """The next message, or None after `timeout` seconds. Raises EOFError at the end, ValueError for nonsense."""
        while not self._waiting:
            if timeout is not None and not select.select([self._socket], [], [], timeout)[0]:
                return None
            data = self._socket.recv(1 << 16)
            if not data:
                raise EOFError("the other end is gone")
            self._waiting += self._received.take(data)
        message = json.loads(self._waiting.popleft())
        if not isinstance(message, dict):
            raise ValueError("a message must be an object")  # noqa: TRY004  one error for every kind of nonsense
        return message


class Orders:
    """What the parent says, kept apart by kind, so that an early word never takes another's place.

    Its thread also sends the beats. When the parent is gone or talks nonsense the process ends on the spot: an action
    that nobody decided must not run.
    """

    def __init__(self, wire: Wire, kinds: Iterable[str]) -> None:
        self._wire = wire
        self._queues: dict[str, SimpleQueue[Message]] = {kind: SimpleQueue() for kind in kinds}
        # "go" and "refuse" answer the same question.
        if "go" in self._queues:
            self._queues["refuse"] = self._queues["go"]
        self._learn: Callable[[list[str]], None] = lambda _: None

    def start(self) -> None:
        threading.Thread(target=self._run, name="orders", daemon=True).start()

    def hide(self, learn: Callable[[list[str]], None]) -> None:
        """From here on `learn` is told, on the thread of the orders, what has become a secret meanwhile."""
        self._learn = learn

    def wait(self, kind: str) -> Message:
        """Block until such an order has come."""
        return self._queues[kind].get()

    def _run(self) -> None:
        try:
            while True:
                message = self._wire.receive(BEAT)
                if message is None:
                    self._wire.send({"kind": "beat"})
                elif message["do"] == "hide":
                    self._learn(message["secrets"])
                else:
                    self._queues[message["do"]].put(message)
        except BaseException:
            os._exit(UNCONTROLLED)


def take_signals(handler: Callable[[int, Any], None]) -> None:
    """Handle what a shell or a terminal may send. Handlers, unlike an ignored or blocked signal, are not inherited by
    the commands an activity starts.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def work_in(folder: str) -> None:
    """Take relative paths from there on as the run does; '' leaves them as they are. Raises OSError."""
    if folder:
        os.chdir(folder)


def take_environment(variables: dict[str, str]) -> None:
    """What a process started with `variables` would see, module path included."""
    before = os.environ.get("PYTHONPATH", "")
    os.environ.update(variables)
    after = os.environ.get("PYTHONPATH", "")
    if after != before:
        fresh = [folder for folder in after.split(os.pathsep) if folder and folder not in sys.path]
        sys.path[:0] = fresh


class _RedactedLines(logging.Formatter):
    def __init__(self, redactor: Redacts) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(super().format(record))


def log_to_stderr(redactor: Redacts) -> None:
    """Keep what the toolkit tells of its work, without the secrets."""
    handler = logging.StreamHandler()
    handler.setFormatter(_RedactedLines(redactor))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("chaostoolkit").setLevel(logging.INFO)


def leaves(value: Any) -> Iterator[str]:
    """Every string and number inside a secret, as text."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def shown(value: Any, redactor: Redacts) -> Any:
    """An activity's output as it may be passed on: JSON, redacted, at most 4 kB; a longer one is cut and becomes text."""
    safe = redactor.value(plain(value))
    text = json.dumps(safe, ensure_ascii=False)
    if len(text.encode("utf-8", "replace")) <= _LONGEST_OUTPUT:
        return safe
    cut = text.encode("utf-8", "replace")[: _LONGEST_OUTPUT - 64].decode("utf-8", "ignore")
    return f"{cut} … ({len(text)} characters)"


def one_line(error: BaseException, redactor: Redacts) -> str:
    """What went wrong, for a person: no traceback, no line break, no secret."""
    # Masked before a space is touched: a secret may hold several in a row.
    text = " ".join(redactor.text(str(error)).split())
    kind = type(error).__name__
    # The toolkit's own exceptions are whole sentences; of the others the kind is half the message.
    return text if text and type(error).__module__.startswith("chaoslib") else f"{kind}: {text}" if text else kind


def gist(exception: Any, redactor: Redacts) -> str:
    """What an exception says, and where it was raised, of what the toolkit keeps: a list of lines, or nothing; without the
    secrets. '' of nothing.
    """
    lines = exception if isinstance(exception, list) else [str(exception or "")]
    # Masked as a whole: a secret may hold a line end.
    return exception_gist(redactor.text("".join(str(line) for line in lines)))
