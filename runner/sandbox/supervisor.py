"""The supervisor: starts every service, does to them what the admin address asks, and takes all with it when it ends.

It is the process manager of the sandbox: single-threaded, no event loop, so that it may fork at any time. Services
die with it (parent-death signal), and it ends with its owner (end of file on the lifeline).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import selectors
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.actuators.proc import Proc
from runner.actuators.processes import start_time
from runner.host.boot_id import boot_id
from runner.sandbox import child
from runner.sandbox.addresses import ADMIN, HOST, PORTS, SERVICES, Addresses
from runner.sandbox.info import SandboxInfo

_BACKLOG = 512
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class AdminRefusal(Exception):
    """What was asked cannot be done; `status` is what the admin address answers with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class ServiceProcess:
    """One service. `ready` is the read end of the pipe on which it says that it answers, until it has."""

    name: str
    pid: int = 0
    ready: int | None = None
    alive: bool = False
    policy: str = "never"
    asked_by: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "pid": self.pid, "state": self.state, "policy": self.policy}

    @property
    def state(self) -> str:
        """starting, running, stopped (frozen) or dead."""
        if not self.alive:
            return "dead"
        found = Proc().read(self.pid)
        if found and found.stopped:
            return "stopped"
        return "running" if self.ready is None else "starting"


class Supervisor:
    """`run` returns when the sandbox is over and every service is gone."""

    def __init__(self, folder: Path, lifeline: int | None, report: int | None) -> None:
        self._lifeline = lifeline
        self._report = report
        self._ending = False
        self._processes = {name: ServiceProcess(name) for name in SERVICES}
        # Bound but not listening: the number stays ours while the service is dead, and connections are refused.
        self._reserved = {port: _bind(0) for ports in PORTS.values() for port in ports}
        ports = {name: reserved.getsockname()[1] for name, reserved in self._reserved.items()}
        self._addresses = Addresses(ports=ports, folder=folder, supervisor=os.getpid())
        self._control, self._admin_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._wakeup_end = socket.socketpair()

    def run(self) -> None:
        try:
            self._listen_for_signals()
            for process in self._processes.values():
                self._start(process)
            while not self._ending:
                for key, _ in self._selector.select():
                    key.data()
                self._reap()
        finally:
            self._end_all()

    def _listen_for_signals(self) -> None:
        for end in (self._wakeup, self._wakeup_end):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeup_end.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in _STOPPING:
            signal.signal(number, self._stop)
        self._selector.register(self._wakeup, selectors.EVENT_READ, lambda: self._wakeup.recv(4096))
        self._selector.register(self._control, selectors.EVENT_READ, self._answer)
        if self._lifeline is not None:
            self._selector.register(self._lifeline, selectors.EVENT_READ, self._owner_spoke)

    def _stop(self, *_: object) -> None:
        self._ending = True

    def _owner_spoke(self) -> None:
        if self._lifeline is not None and not os.read(self._lifeline, 4096):
            self._ending = True

    # Starting and ending

    def _start(self, process: ServiceProcess) -> None:
        """Raises `AdminRefusal` when a port cannot be had or the machine has no more processes."""
        ready, announce = os.pipe()
        sockets: dict[str, socket.socket] = {}
        try:
            sockets = {port: _listening(self._addresses.ports[port]) for port in PORTS[process.name]}
            pid = os.fork()
        except OSError as error:
            os.close(ready)
            os.close(announce)
            for listening in sockets.values():
                listening.close()
            raise AdminRefusal(500, f"{process.name} cannot be started: {error.strerror}") from error
        if pid == 0:
            control = self._admin_end if process.name == ADMIN else None
            child.live(
                process.name, self._addresses, sockets, announce, control, lambda: self._forget(ready, keep=control)
            )
        os.close(announce)
        for listening in sockets.values():
            listening.close()
        process.pid, process.ready, process.alive = pid, ready, True
        self._selector.register(ready, selectors.EVENT_READ, lambda: self._heard(process))

    def _forget(self, ready: int, keep: socket.socket | None) -> None:
        """In the child: what belongs to the supervisor must not stay open here."""
        signal.set_wakeup_fd(-1)
        self._selector.close()
        for ours in (*self._reserved.values(), self._control, self._admin_end, self._wakeup, self._wakeup_end):
            if ours is not keep:
                ours.close()
        pipes = (ready, self._lifeline, self._report, *(process.ready for process in self._processes.values()))
        for pipe in pipes:
            if pipe is not None:
                os.close(pipe)

    def _heard(self, process: ServiceProcess) -> None:
        """The service says that it answers, or its pipe closed because it ended."""
        if process.ready is None:
            return
        word = os.read(process.ready, 16)
        self._selector.unregister(process.ready)
        os.close(process.ready)
        process.ready = None
        if not word:
            self._failed_to_start(process)
            return
        self._settle(process, None)
        if all(other.alive and other.ready is None for other in self._processes.values()):
            self._tell_owner()

    def _failed_to_start(self, process: ServiceProcess) -> None:
        self._settle(process, AdminRefusal(500, f"{process.name} ended before it was ready"))
        if self._report is not None:
            self._say({"error": f"{process.name} ended before it was ready", "service": process.name})
            self._ending = True

    def _tell_owner(self) -> None:
        if self._report is None:
            return
        info = self._info()
        (self._addresses.folder / "sandbox.json").write_text(info.to_json() + "\n")
        self._say({"info": info.to_json()})

    def _say(self, report: dict[str, str]) -> None:
        if self._report is not None:
            try:
                os.write(self._report, json.dumps(report).encode() + b"\n")
            except OSError:
                self._ending = True  # Nobody waits for this sandbox any more.
            os.close(self._report)
            self._report = None

    def _info(self) -> SandboxInfo:
        return SandboxInfo(
            url=self._addresses.url("storefront"),
            admin=self._addresses.url(ADMIN),
            proxy=self._addresses.url("proxy"),
            monitor=self._addresses.url("monitor"),
            folder=self._addresses.folder,
            pid=os.getpid(),
            pid_start=start_time(os.getpid()) or 0,
            boot_id=boot_id(),
            services={process.name: process.pid for process in self._processes.values()},
        )

    def _reap(self) -> None:
        for process in self._processes.values():
            if not process.alive or os.waitpid(process.pid, os.WNOHANG)[0] == 0:
                continue
            self._lose(process)

    def _lose(self, process: ServiceProcess) -> None:
        """It has ended, not on the way to a restart."""
        was_ready = process.ready is None
        self._bury(process)
        if process.name == ADMIN:
            self._ending = True  # Nobody could undo anything any more.
        elif process.policy == "always" and was_ready:
            # One that ends before it is ready would only do so again, many times a second.
            with contextlib.suppress(AdminRefusal):
                self._start(process)

    def _bury(self, process: ServiceProcess) -> None:
        process.alive = False
        if process.ready is not None:
            self._heard(process)

    def _kill(self, process: ServiceProcess) -> None:
        """On return its port refuses connections."""
        os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)

    def _end_all(self) -> None:
        signal.set_wakeup_fd(-1)
        for process in self._processes.values():
            if process.alive:
                os.kill(process.pid, signal.SIGKILL)
        for process in self._processes.values():
            if process.alive:
                os.waitpid(process.pid, 0)

    # What the admin address asks

    def _answer(self) -> None:
        packet = self._control.recv(1 << 16)
        asked = json.loads(packet)
        process: ServiceProcess | None = None
        try:
            if asked["verb"] == "list":
                self._reply(asked["number"], [process.as_json() for process in self._processes.values()])
                return
            process = self._known(asked["name"])
            if self._act(process, asked):
                self._reply(asked["number"], process.as_json())
        except AdminRefusal as refusal:
            if process:
                process.asked_by = None
            self._refuse(asked["number"], refusal)

    def _act(self, process: ServiceProcess, asked: dict[str, Any]) -> bool:
        """True when the answer can be given now; a start is answered when the service is ready."""
        verb = asked["verb"]
        if verb == "show":
            return True
        if process.name == ADMIN:
            raise AdminRefusal(409, f"{ADMIN} is what you are talking to; it ends with the sandbox")
        if verb == "policy":
            self._set_policy(process, asked["argument"])
        elif verb in ("restart", "start"):
            return self._bring_up(process, asked["number"], anew=verb == "restart")
        else:
            self._signal(process, verb)
        return True

    def _set_policy(self, process: ServiceProcess, policy: str) -> None:
        if policy not in ("always", "never"):
            raise AdminRefusal(400, f"{policy!r} is no restart policy: always or never")
        process.policy = policy
        if policy == "always" and not process.alive:
            self._start(process)

    def _bring_up(self, process: ServiceProcess, number: int, *, anew: bool) -> bool:
        if process.asked_by is not None:
            raise AdminRefusal(409, f"{process.name} is being started")
        if process.alive and not anew:
            return True
        if process.alive:
            self._kill(process)
            self._bury(process)
        process.asked_by = number
        self._start(process)
        return False

    def _signal(self, process: ServiceProcess, verb: str) -> None:
        if not process.alive:
            raise AdminRefusal(409, f"{process.name} is dead")
        match verb:
            case "kill":
                self._kill(process)
                self._lose(process)
            case "freeze":
                os.kill(process.pid, signal.SIGSTOP)
            case "thaw":
                os.kill(process.pid, signal.SIGCONT)
            case _:
                raise AdminRefusal(404, f"{verb!r} is nothing that can be done to a process")

    def _known(self, name: str) -> ServiceProcess:
        if process := self._processes.get(name):
            return process
        raise AdminRefusal(404, f"no process is called {name!r}; there are {', '.join(self._processes)}")

    def _settle(self, process: ServiceProcess, refusal: AdminRefusal | None) -> None:
        """Answers who asked for the start, if anyone did."""
        number, process.asked_by = process.asked_by, None
        if number is None:
            return
        if refusal:
            self._refuse(number, refusal)
        else:
            self._reply(number, process.as_json())

    def _reply(self, number: int, result: object) -> None:
        self._control.send(json.dumps({"number": number, "status": 200, "result": result}).encode())

    def _refuse(self, number: int, refusal: AdminRefusal) -> None:
        answer = {"number": number, "status": refusal.status, "error": str(refusal)}
        self._control.send(json.dumps(answer).encode())


def _bind(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


def _listening(port: int) -> socket.socket:
    bound = _bind(port)
    bound.listen(_BACKLOG)
    return bound


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m runner.sandbox.supervisor")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--lifeline", type=int)
    parser.add_argument("--report", type=int)
    options = parser.parse_args()
    child.load()
    Supervisor(options.folder, options.lifeline, options.report).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
