"""Process 1 of a cage: it starts, signals and reaps at its owner's word, one JSON line each way.

Run as `python -I -S cage_init.py CONTROL TTY`: the descriptor of a socket to the owner, and one of a terminal or -1.
When the owner goes, this process ends, and with process 1 the kernel ends everything else in the cage.

    {"do": "run", "argv", "env", "cwd", "out", "tty"} → {"pid"}
    {"do": "kill", "pids", "signal"}                  → {"hit": the pids that were there}
    {"do": "kill-all"}                                → {}
    {"do": "ended", "pid"}                            → {"code": exit code, negative for a signal; null while it lives}
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import sys
import termios
from typing import Any

_LONGEST_LOOK = 0.2


class Init:
    """`tty` is -1 in a cage without a terminal."""

    def __init__(self, control: socket.socket, tty: int) -> None:
        self._control = control
        self._tty = tty
        self._codes: dict[int, int] = {}

    def serve(self) -> None:
        """Until the owner goes."""
        rest = b""
        self._say({"ready": True})
        while True:
            ready = select.select([self._control], [], [], _LONGEST_LOOK)[0]
            self._reap()
            if not ready:
                continue
            data = self._control.recv(1 << 16)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._say(self._obey(json.loads(line)))

    def _obey(self, order: dict[str, Any]) -> dict[str, Any]:
        match order["do"]:
            case "run":
                return {"pid": self._run(order)}
            case "kill":
                return {"hit": [pid for pid in order["pids"] if _kill(pid, order["signal"])]}
            case "kill-all":
                # One system call, for every process but this one: nobody sees anybody else die first.
                _kill(-1, signal.SIGKILL)
                return {}
            case "ended":
                self._reap()
                return {"code": self._codes.get(order["pid"])}
        raise ValueError(order)

    def _run(self, order: dict[str, Any]) -> int:
        pid = os.fork()
        if not pid:
            try:
                self._become(order)
            finally:
                os._exit(127)
        return pid

    def _become(self, order: dict[str, Any]) -> None:
        os.setsid()
        if order["tty"]:
            fcntl.ioctl(self._tty, termios.TIOCSCTTY, 0)
            streams = [self._tty] * 3
        else:
            out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            streams = [os.open(os.devnull, os.O_RDONLY), out, out]
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 64)
        # Python ignores the first, nohup or a shell's background the others; what is ignored stays so over an exec.
        for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(order["cwd"])
        os.execvpe(order["argv"][0], order["argv"], order["env"])

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._codes[pid] = os.waitstatus_to_exitcode(status)

    def _say(self, message: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")


def _kill(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    Init(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])).serve()
