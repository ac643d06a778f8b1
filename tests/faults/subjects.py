"""What is tortured: a headless `gameday run`, and its peer `chaos run`, each seen from outside through one interface."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cage import Cage, Process
from faults import Fault
from file_fault import GAMEDAY

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
#: Seconds that nothing ends by itself.
HOLD = 60

_CATCHABLE = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})

_DRILL = """\
name: Torture
briefing: A fault appears.
target: local
runbook: torture
experiments:
  - experiment: torture
limits: {time-box: 5m}
"""
_RUNBOOK = f"""\
name: Torture
steps:
  - name: Look
    run: sleep {HOLD}
"""
LOCUSTFILE = """\
from locust import FastHttpUser, constant, task


class Shopper(FastHttpUser):
    wait_time = constant(0.02)
    network_timeout = 1
    connection_timeout = 1

    @task
    def look(self) -> None:
        self.client.get("/")
"""


@dataclass(frozen=True, kw_only=True)
class Load:
    """`url` is told about by a server outside the cage; `processes` as in a drill."""

    url: str
    users: int
    processes: int


class Subject(Protocol):
    """One thing under test in one trial."""

    name: str
    fault: Fault

    def lay_out(self) -> None:
        """Write its files."""

    def argv(self) -> list[str]:
        """The command."""

    def env(self) -> dict[str, str]:
        """Its environment."""

    def marks(self) -> list[str]:
        """How far it has come, oldest first: ready, intent, undoing, undone, ending, and more of its own."""

    def roles(self, processes: Sequence[Process]) -> dict[int, str]:
        """Who is who: pid → role."""

    def main(self, processes: Sequence[Process]) -> int | None:
        """The process that its user knows, while it lives."""

    def must_end(self, role: str, number: int) -> bool:
        """Whether the end is due when this signal hits a process of this role; else it may as well go on."""

    def goes_on(self, processes: Sequence[Process]) -> bool:
        """Whether it holds the fault knowingly: everything that would undo it lives, and no end was decided."""


def _base_env(root: Path) -> dict[str, str]:
    own = {"XDG_STATE_HOME": str(root / "state"), "XDG_RUNTIME_DIR": str(root / "rt"), "HOME": str(root)}
    return {**os.environ, **own, "PYTHONPATH": str(REPOSITORY)}


def _script_roles(processes: Sequence[Process], fault: Fault) -> dict[int, str]:
    """The commands of the experiment, and all below them."""
    roles = {}
    for process in processes:
        for name, role in (("apply", "action"), ("undo", "rollback command"), ("gone", "check")):
            if str(fault.root / name) in process.command:
                roles[process.pid] = role
    for process in sorted(processes, key=lambda each: each.pid):
        if process.pid not in roles and process.parent in roles:
            roles[process.pid] = roles[process.parent]
    return roles


_IN_COMMAND = {
    "shims.rollback": "rollback",
    "-m runner.undo ": "undo worker",
    "shims.probe": "probe",
    f"sleep {HOLD}": "step",
}


_WORDS = "run torture --headless"


def _is_shell(process: Process) -> bool:
    return process.command.startswith("sh -c")


def _forked(first: str, copy: str, known: Collection[str]) -> str:
    return copy if first in known else first


@dataclass
class Tail:
    """The lines of a file that grows, read only once."""

    path: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    _offset: int = 0

    def read(self) -> list[dict[str, Any]]:
        """All whole lines so far."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                whole = file.read().rpartition(b"\n")[0]
        except OSError:
            return self.events
        if whole:
            self._offset += len(whole) + 1
            self.events += [json.loads(line) for line in whole.split(b"\n")]
        return self.events


@dataclass
class Gameday:
    """A drill with one step that outlasts the trial; with Locust beside it when `load` is given."""

    fault: Fault
    cage: Cage
    checked: bool = False
    deadline: float = 30.0
    load: Load | None = None
    name: str = "gameday"
    _tail: Tail | None = None
    _front: int = 0

    def lay_out(self) -> None:
        root = self.fault.root
        checks = {"undone-when": [self.fault.gone()]} if self.checked else {}
        document = self.fault.experiment(extension={"undo-deadline": f"{self.deadline:g}s", **checks})
        texts = {
            "experiments/torture.yaml": json.dumps(document),
            "runbooks/torture.yaml": _RUNBOOK,
            "drills/torture/drill.yaml": _DRILL + self._load(),
            "drills/torture/locustfile.py": LOCUSTFILE,
        }
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        (root / "runs").mkdir()
        (root / "rt").mkdir(mode=0o700)

    def _load(self) -> str:
        if self.load is None:
            return ""
        load = self.load
        return (
            f"load: {{users: {load.users}, spawn-rate: 100, warm-up: 500ms, host: '{load.url}', "
            f"processes: {load.processes}}}\n"
        )

    def argv(self) -> list[str]:
        return [*GAMEDAY, "run", "torture", "--headless"]

    def env(self) -> dict[str, str]:
        return _base_env(self.fault.root)

    # -- its story, read from outside ----------------------------------------------------------------------------------

    @property
    def folder(self) -> Path | None:
        """The run's folder as it is seen from outside; None before it has a transcript."""
        found = sorted(self.cage.path(self.fault.root / "runs").glob("*/transcript.jsonl"))
        return found[0].parent if found else None

    def events(self) -> list[dict[str, Any]]:
        """The transcript so far."""
        if self._tail is None:
            folder = self.folder
            if folder is None:
                return []
            self._tail = Tail(folder / "transcript.jsonl")
        return self._tail.read()

    def marks(self) -> list[str]:
        names = {
            "run-started": "ready",
            "fault-intended": "intent",
            "end-decided": "ending",
            "undo-started": "undoing",
            "fault-undone": "undone",
            "run-closed": "closed",
        }
        return [names[event["kind"]] for event in self.events() if event["kind"] in names]

    # -- its processes -------------------------------------------------------------------------------------------------

    def roles(self, processes: Sequence[Process]) -> dict[int, str]:
        roles = _script_roles(processes, self.fault)
        known = {event["pid"]: event["role"] for event in self.events() if event["kind"] == "process-started"}
        ours = [process.pid for process in processes if _WORDS in process.command and not _is_shell(process)]
        self._front = self._front or min(ours, default=0)
        for process in processes:
            roles.setdefault(process.pid, known.get(process.pid) or self._role(process, set(known.values())))
        # The rollback's process is forked of the chaos child, and looks like it before the transcript names either.
        conductors = {process.pid for process in processes if roles[process.pid] == "conductor"}
        for process in processes:
            if roles[process.pid] == "chaos" and process.pid not in known and process.parent not in conductors:
                roles[process.pid] = "rollback"
        return roles

    def _role(self, process: Process, known: Collection[str]) -> str:
        """Of a process that the transcript does not name. One forked from another looks like it."""
        if _is_shell(process):
            return "parent"
        if process.pid == self._front:
            return "front"
        if _WORDS in process.command:
            return "guardian" if process.parent == self._front else _forked("conductor", "undo worker", known)
        if "shims.load" in process.command:
            return _forked("load", "load worker", known)
        if "shims.chaos" in process.command:
            return _forked("chaos", "rollback", known)
        return next((role for words, role in _IN_COMMAND.items() if words in process.command), "other")

    def main(self, processes: Sequence[Process]) -> int | None:
        return next((pid for pid, role in self.roles(processes).items() if role == "front"), None)

    def must_end(self, role: str, number: int) -> bool:
        if number in _CATCHABLE:
            return role in ("front", "guardian", "conductor")
        if number == signal.SIGSTOP:
            return role in ("guardian", "conductor", "chaos")
        return role in ("front", "guardian", "conductor", "chaos", "load")

    def goes_on(self, processes: Sequence[Process]) -> bool:
        roles = self.roles(processes)
        awake = {roles[process.pid] for process in processes if process.state != "T"}
        return {"guardian", "conductor"} <= awake and "ending" not in self.marks()


@dataclass
class Chaos:
    """`chaos run --rollback-strategy always` of the same experiment; a pause after the action holds the fault."""

    fault: Fault
    cage: Cage
    name: str = "chaos"

    def lay_out(self) -> None:
        (self.fault.root / "runs").mkdir()
        document = self.fault.experiment(hold=HOLD)
        (self.fault.root / "experiment.json").write_text(json.dumps(document))

    def argv(self) -> list[str]:
        # Its journal goes where the runs go, so that a full disk is full for it too.
        place = self.fault.root
        journal = ["--journal-path", str(place / "runs" / "journal.json")]
        strategy = ["--rollback-strategy", "always"]
        chaos = [str(BIN / "chaos"), "--log-file", str(place / "runs" / "chaos.log"), "--no-version-check"]
        return [*chaos, "run", *strategy, *journal, str(place / "experiment.json")]

    def env(self) -> dict[str, str]:
        return _base_env(self.fault.root)

    def marks(self) -> list[str]:
        names = {"began": "intent", "undoing": "undoing", "undone": "undone"}
        return ["ready", *(names[word] for word in self.fault.told() if word in names)]

    def roles(self, processes: Sequence[Process]) -> dict[int, str]:
        roles = _script_roles(processes, self.fault)
        for process in processes:
            if process.pid not in roles:
                roles[process.pid] = "parent" if _is_shell(process) else "chaos"
        return roles

    def main(self, processes: Sequence[Process]) -> int | None:
        return next((pid for pid, role in self.roles(processes).items() if role == "chaos"), None)

    def must_end(self, role: str, number: int) -> bool:
        return role == "chaos"

    def goes_on(self, processes: Sequence[Process]) -> bool:
        roles = self.roles(processes)
        awake = {roles[process.pid] for process in processes if process.state != "T"}
        return "chaos" in awake and "undoing" not in self.marks()


@dataclass
class Locust:
    """Bare `locust`, started by a shell that waits for it: what a pipeline does. `port` is where its workers report."""

    fault: Fault
    cage: Cage
    load: Load
    port: int
    name: str = "locust"

    def lay_out(self) -> None:
        (self.fault.root / "locustfile.py").write_text(LOCUSTFILE)

    def argv(self) -> list[str]:
        load = self.load
        users = ["-u", str(load.users), "-r", "100", "--host", load.url]
        several = ["--processes", str(load.processes)] if load.processes > 1 else []
        ports = [f"--master-bind-port={self.port}", f"--master-port={self.port}"] if several else []
        return [str(BIN / "locust"), "--headless", "-f", "locustfile.py", *users, *several, *ports]

    def env(self) -> dict[str, str]:
        return _base_env(self.fault.root)

    def marks(self) -> list[str]:
        return ["ready"]

    def roles(self, processes: Sequence[Process]) -> dict[int, str]:
        shells = {process.pid for process in processes if _is_shell(process)}
        return {
            process.pid: "parent" if process.pid in shells else "load" if process.parent in shells else "load worker"
            for process in processes
        }

    def main(self, processes: Sequence[Process]) -> int | None:
        return next((pid for pid, role in self.roles(processes).items() if role == "load"), None)

    def must_end(self, role: str, number: int) -> bool:
        return True

    def goes_on(self, processes: Sequence[Process]) -> bool:
        return False
