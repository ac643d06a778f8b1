"""A PID namespace around one trial, seen and held from outside: what runs in it cannot leave it, and dies with it.

Needs root (or CAP_SYS_ADMIN) and util-linux. Whatever orphan, daemon or double setsid comes out of a trial is a
descendant of the cage's process 1, is seen in the cage's own /proc, and is killed by the kernel when the cage closes.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_INIT = Path(__file__).with_name("cage_init.py")
_START = 20.0
_LOOK = 0.02
#: Bytes of a command line, or of a line of the process table.
_LONGEST = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Process:
    """One living process of a cage, by the pid it has in there."""

    pid: int
    parent: int
    state: str
    command: str

    def __str__(self) -> str:
        return f"{self.pid} ← {self.parent} [{self.state}] {self.command}"


class NotPermitted(Exception):
    """This machine or this user may not make namespaces."""


class Cage:
    """`net`: with a network of its own; `tty`: with a terminal that can be typed at and closed."""

    def __init__(self, *, net: bool = False, tty: bool = False) -> None:
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        self._control = ours
        self._rest = b""
        self.master, slave = os.openpty() if tty else (-1, -1)
        self._screen: list[bytes] = []
        self._hung_up = threading.Event()
        self._drainer = threading.Thread(target=self._drain, args=(self.master,), daemon=True)
        with theirs:
            self._unshare = _unshare(theirs, slave, net=net)
        if tty:
            os.close(slave)
            self._drainer.start()
        self._control.settimeout(_START)
        try:
            self._hear()
            self.init = _only_child(self._unshare.pid)
        except (OSError, NotPermitted):
            self.close()
            why = (self._unshare.stderr.read() if self._unshare.stderr else b"").decode(errors="replace").strip()
            raise NotPermitted(why or "unshare did not come up") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- acting --------------------------------------------------------------------------------------------------------

    def run(self, argv: Sequence[str], *, cwd: Path, out: Path, env: Mapping[str, str], tty: bool = False) -> int:
        """Start a command in a session of its own, at the terminal when `tty`; its pid."""
        order = {"do": "run", "argv": list(argv), "cwd": str(cwd), "out": str(out), "env": dict(env), "tty": tty}
        return int(self._ask(order)["pid"])

    def kill(self, pids: Sequence[int], number: int) -> list[int]:
        """Send a signal; the pids that were there."""
        return list(self._ask({"do": "kill", "pids": list(pids), "signal": int(number)})["hit"])

    def kill_all(self) -> None:
        """SIGKILL to every process at once."""
        self._ask({"do": "kill-all"})

    def code(self, pid: int) -> int | None:
        """How a command that `run` started ended; None while it lives."""
        code = self._ask({"do": "ended", "pid": pid})["code"]
        return None if code is None else int(code)

    def call(
        self, argv: Sequence[str], *, cwd: Path, out: Path, env: Mapping[str, str], within: float = 30.0
    ) -> int | None:
        """Run a command to its end; its exit code, None when it was not over `within` seconds and was killed."""
        pid = self.run(argv, cwd=cwd, out=out, env=env)
        deadline = time.monotonic() + within
        while (code := self.code(pid)) is None and time.monotonic() < deadline:
            time.sleep(_LOOK)
        if code is None:
            self.kill([pid], 9)
        return code

    def type(self, keys: bytes) -> None:
        """Press keys at the terminal."""
        os.write(self.master, keys)

    def hang_up(self) -> None:
        """Close the terminal."""
        master, self.master = self.master, -1
        if master >= 0:
            # Whoever still reads from it keeps it open.
            self._hung_up.set()
            self._drainer.join()
            os.close(master)

    # -- seeing --------------------------------------------------------------------------------------------------------

    def path(self, path: Path) -> Path:
        """The same path as it is seen inside, mounts of the cage included."""
        return Path(f"/proc/{self.init}/root{path}")

    def processes(self) -> list[Process]:
        """Everything that lives in here but process 1; what is dead and not yet reaped does not count."""
        found = []
        for pid, fields in self._living():
            with contextlib.suppress(OSError):
                command = _contents(f"{self._proc}/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
                found.append(Process(pid=pid, parent=int(fields[1]), state=fields[0].decode(), command=command))
        return found

    def empty(self) -> bool:
        """Whether nothing lives in here any more."""
        return next(self._living(), None) is None

    @property
    def _proc(self) -> str:
        return f"/proc/{self.init}/root/proc"

    def _living(self) -> Iterator[tuple[int, list[bytes]]]:
        """The pid of each, and the fields of its `stat` behind the name."""
        # A Path for each would cost more than reading it, and many cages are looked into at once.
        for entry in os.listdir(self._proc):  # noqa: PTH208
            if entry.isdigit() and entry != "1":
                with contextlib.suppress(OSError):
                    fields = _contents(f"{self._proc}/{entry}/stat").rpartition(b")")[2].split()
                    if fields[0] not in (b"Z", b"X"):
                        yield int(entry), fields

    @property
    def screen(self) -> str:
        """What was shown at the terminal."""
        return b"".join(self._screen).decode(errors="replace")

    # -- the wire ------------------------------------------------------------------------------------------------------

    def _ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._control.sendall(json.dumps(order).encode() + b"\n")
            return self._hear()

    def _hear(self) -> dict[str, Any]:
        while b"\n" not in self._rest:
            data = self._control.recv(1 << 16)
            if not data:
                raise NotPermitted("the cage is gone")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def _drain(self, master: int) -> None:
        """A terminal that nobody reads from would hold up who writes to it."""
        with contextlib.suppress(OSError):
            while not self._hung_up.is_set():
                if select.select([master], [], [], _LOOK)[0]:
                    self._screen.append(os.read(master, 1 << 16))

    def close(self) -> None:
        """End everything in here."""
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._unshare.wait(5)
        self._unshare.kill()
        self._unshare.wait()
        self.hang_up()


def _contents(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, _LONGEST)
    finally:
        os.close(handle)


def _unshare(control: socket.socket, tty: int, *, net: bool) -> subprocess.Popen[bytes]:
    options = ["--pid", "--fork", "--kill-child", "--mount-proc", *(["--net"] if net else [])]
    if shutil.which("unshare") is None:
        raise NotPermitted("there is no unshare (util-linux)")
    return subprocess.Popen(
        ["unshare", *options, "--", sys.executable, "-I", "-S", str(_INIT), str(control.fileno()), str(tty)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=[control.fileno(), *([tty] if tty >= 0 else [])],
        start_new_session=True,
    )


def _only_child(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    if len(children) != 1:
        raise NotPermitted("unshare has no child")
    return int(children[0])


def why_not() -> str:
    """Why this machine does not let us make cages, or look into them; '' when it does."""
    missing = [tool for tool in ("ip", "tc", "nsenter", "setsid") if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (iproute2, util-linux)"
    try:
        Cage(net=True).close()
    except (NotPermitted, OSError) as why:
        return str(why)
    return ""
