"""Plays an experiment through the real child, as a conductor would, and through `chaos run`, as a user would."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from runner.actuators.chaos import (
    Armed,
    Asking,
    ChaosChild,
    ChaosReport,
    ChildFailed,
    ChildGone,
    ExperimentEndedReport,
    ExperimentLoadedReport,
    ExperimentPlan,
    Learned,
    MethodEndedReport,
)
from runner.actuators.journal import merge_rollbacks
from runner.actuators.rollback import Known, RollbackChild, RollbackOrder, RollbackResult
from runner.clock import boottime_ns
from runner.redact import Redaction, Redactor

PATIENCE = 60.0

_Report = TypeVar("_Report", bound=ChaosReport)

ACTIVITIES = '''
import os, subprocess, sys, time
from chaoslib.exit import exit_gracefully
from chaoslib.exceptions import InterruptExecution


def touch(path):
    open(path, "a").close()
    return os.path.basename(path)


def fail(why="it broke"):
    raise ValueError(why)


def odd():
    return {("a", 1): {1, 2}, "when": object, "raw": b"x", "nan": float("nan")}


def keep(configuration, name, value):
    configuration[name] = value


def answer(value=True):
    return value


def flag(path):
    return os.path.exists(path)


def told(secrets=None, configuration=None, expect=None):
    return (secrets or {}).get("token") == expect


def end_process():
    raise SystemExit(3)


def leave():
    exit_gracefully()
    time.sleep(1)


def wait(seconds):
    time.sleep(seconds)
    return seconds


def shell(script):
    return subprocess.call(["sh", "-c", script])


def stubborn():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass


def read_stdin():
    import sys
    return sys.stdin.read()


def scatter(path, environment=None):
    subprocess.Popen(
        [sys.executable, "-c", f"""
import os, time
for _ in range(2):
    if os.fork():
        os._exit(0)
    os.setsid()
with open({path!r} + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename({path!r} + ".new", {path!r})
time.sleep(60)
"""], env=environment)
    time.sleep(60)
'''

CONTROLS = """
import os
from chaoslib.exceptions import InterruptExecution
from chaoslib.types import Dry


def _note(word):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(word + "\\n")


def configure_control(configuration=None, **_):
    _note("configured")


def before_experiment_control(context, **_):
    _note("before experiment")


def before_method_control(context, **_):
    _note("before method")


def after_method_control(context, **_):
    _note("after method")


def before_activity_control(context, stop_at=None, turn=None, dry=None, **_):
    _note("before " + context["name"])
    if context["name"] == dry:
        context["dry"] = Dry.ACTIONS
    if context["name"] == stop_at:
        raise InterruptExecution("enough")
    if turn and context["name"] in turn:
        context["provider"]["arguments"] = turn[context["name"]]


def after_activity_control(context, state=None, **_):
    _note("after " + context["name"])


def before_rollback_control(context, **_):
    _note("before rollbacks")


def after_rollback_control(context, **_):
    _note("after rollbacks")
"""


LEARNER = """
'''A control that learns something at each point where it is called, and puts it where only the rollbacks find it.'''


def _learn(configuration, point, value="learned"):
    configuration[point.replace(" ", "_")] = value


def configure_control(configuration, **_):
    _learn(configuration, "after say", "configured")


def before_experiment_control(context, configuration, **_):
    _learn(configuration, "before experiment")


def after_hypothesis_control(context, configuration, **_):
    _learn(configuration, "after hypothesis")


def before_method_control(context, configuration, **_):
    _learn(configuration, "before method")


def after_method_control(context, configuration, **_):
    _learn(configuration, "after method", {"one": [1, None]})
    configuration.pop("forgotten", None)


def before_activity_control(context, configuration, **_):
    _learn(configuration, "before " + context["name"])


def after_activity_control(context, configuration, experiment, state=None, **_):
    _learn(configuration, "after " + context["name"], state["output"]["stdout"].strip() if state else "no state")
    if context["name"] in ("say", "undo"):
        added = {"type": "process", "path": "echo", "arguments": ["added after " + context["name"] + " ${after_say}"]}
        experiment["rollbacks"].append({"type": "action", "name": "added", "provider": added})


def before_rollback_control(context, configuration, **_):
    _learn(configuration, "before rollback")


def after_rollback_control(context, state=None, **_):
    names = [run["activity"]["name"] for run in state]
    state.append({"activity": {"name": "seen", "type": "note"}, "output": names})


def after_experiment_control(context, configuration, **_):
    configuration.clear()
"""


def process(name: str, path: str, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """An action that runs a command."""
    provider: dict[str, Any] = {"type": "process", "path": path}
    if arguments is not None:
        provider["arguments"] = arguments
    return {"type": "action", "name": name, "provider": provider, **more}


def python(name: str, func: str, arguments: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An action that calls one of the functions in ACTIVITIES."""
    provider: dict[str, Any] = {"type": "python", "module": "acts", "func": func, "arguments": dict(arguments or {})}
    provider.update(more.pop("provider", {}))
    return {"type": "action", "name": name, "provider": provider, **more}


def http(name: str, url: str, **more: Any) -> dict[str, Any]:
    """An action that sends a request."""
    provider = {"type": "http", "url": url, "timeout": 5, **more.pop("provider", {})}
    return {"type": "action", "name": name, "provider": provider, **more}


def probe(activity: dict[str, Any], tolerance: Any = None) -> dict[str, Any]:
    """The same as a probe."""
    return {**activity, "type": "probe"} | ({} if tolerance is None else {"tolerance": tolerance})


def experiment(method: Sequence[Any], rollbacks: Sequence[Any] = (), **more: Any) -> dict[str, Any]:
    """A document; `probes` become its hypothesis, `strategy` its hypothesis strategy."""
    document: dict[str, Any] = {"title": "t", "description": "d", "method": list(method), "rollbacks": list(rollbacks)}
    if "probes" in more:
        document["steady-state-hypothesis"] = {"title": "steady", "probes": more.pop("probes")}
    if "strategy" in more:
        document["runtime"] = {"hypothesis": {"strategy": more.pop("strategy")}}
    return {**document, **more}


@dataclass
class Story:
    """What the child told and left behind."""

    reports: list[ChaosReport] = field(default_factory=list)
    rollbacks: list[RollbackResult] = field(default_factory=list)
    journal: dict[str, Any] | None = None
    journal_path: Path = Path()
    log: str = ""

    def all(self, kind: type[_Report]) -> list[_Report]:
        return [report for report in self.reports if isinstance(report, kind)]

    def one(self, kind: type[_Report]) -> _Report:
        (report,) = self.all(kind)
        return report


Handler = Callable[[ChaosChild, ChaosReport], None]


def obedient(child: ChaosChild, report: ChaosReport) -> None:
    """A conductor that says yes to everything."""
    if isinstance(report, ExperimentLoadedReport):
        child.arm()
    elif isinstance(report, Armed):
        child.inject()
    elif isinstance(report, Asking):
        child.go()
    elif isinstance(report, MethodEndedReport):
        child.release()


class Stage:
    """One child in the running loop."""

    def __init__(self, folder: Path, handler: Handler = obedient, secrets: Sequence[str] = ()) -> None:
        self.folder = folder
        self.origin = boottime_ns()
        self.story = Story(journal_path=folder / "kept.json")
        self.child = ChaosChild.spawn(log=folder / "chaos.log")
        self._handler = handler
        self._secrets = secrets
        self._news = asyncio.Event()

    async def load(
        self, document: Mapping[str, Any], *, hold: bool = False, env: Mapping[str, str], **more: Any
    ) -> None:
        await self.child.attach(self._hear, Redaction(Redactor(self._secrets)))
        self.child.load(
            ExperimentPlan(
                experiment=document,
                origin=self.origin,
                journal=self.story.journal_path,
                hold=hold,
                env=env,
                secrets=self._secrets,
                **more,
            )
        )

    def _hear(self, report: ChaosReport) -> None:
        self.story.reports.append(report)
        self._handler(self.child, report)
        self._news.set()

    async def until(self, *kinds: type[ChaosReport]) -> None:
        """Wait for a report of one of these kinds."""
        async with asyncio.timeout(PATIENCE):
            while not any(isinstance(report, kinds) for report in self.story.reports):
                self._news.clear()
                await self._news.wait()

    async def close(self) -> Story:
        await self.child.stop()
        if self.story.journal_path.exists():
            self.story.journal = json.loads(self.story.journal_path.read_text())
        self.story.log = (self.folder / "chaos.log").read_text()
        return self.story


async def play(
    document: Mapping[str, Any],
    folder: Path,
    *,
    env: Mapping[str, str],
    handler: Handler = obedient,
    secrets: Sequence[str] = (),
    hold: bool = False,
) -> Story:
    """Hypothesis, method and rollbacks, to the merged journal."""
    stage = Stage(folder, handler, secrets)
    try:
        await stage.load(document, hold=hold, env=env)
        await stage.until(ExperimentEndedReport, ChildFailed, ChildGone)
    finally:
        story = await stage.close()
    known = _known(story, document)
    index = 0
    runs: list[Any] = []
    while index < len(known.document.get("rollbacks", [])):
        order = RollbackOrder(
            experiment=known.document,
            index=index,
            configuration=known.configuration,
            withheld=known.withheld,
            runs=runs,
            origin=stage.origin,
            env=env,
            redact=secrets,
        )
        result = await run_rollback(order, deadline=PATIENCE, log=folder / "chaos.log")
        story.rollbacks.append(result)
        runs += [result.activity, *result.added]
        known = result.left or known
        index += 1
    if story.journal is not None:
        assert merge_rollbacks(story.journal_path, runs)
        story.journal = json.loads(story.journal_path.read_text())
    return story


def _known(story: Story, document: Mapping[str, Any]) -> Known:
    """The experiment as it was when its method had ended, from what was told of it."""
    learned = story.all(Learned)
    if not learned:
        return Known(document=document, configuration={})
    latest = learned[-1]
    return Known(document=latest.document or document, configuration=latest.configuration, withheld=latest.withheld)


def bystander(document: Mapping[str, Any], folder: Path, env: Mapping[str, str]) -> dict[str, Any] | None:
    """The journal of `chaos run --rollback-strategy always`, None if there is none."""
    source, journal = folder / "experiment.json", folder / "peer.json"
    source.write_text(json.dumps(document))
    command: list[str | Path] = [Path(sys.executable).with_name("chaos"), "--no-version-check"]
    command += ["--log-file", folder / "peer.log", "--settings", folder / "none.yaml", "run"]
    command += ["--rollback-strategy", "always", "--journal-path", journal, source]
    subprocess.run(
        command,
        env={**os.environ, **env},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return json.loads(journal.read_text()) if journal.exists() else None


def workshop(folder: Path, name: str) -> dict[str, str]:
    """A fresh folder for one player's state, and the environment that goes with it."""
    state = folder / name
    state.mkdir(exist_ok=True)
    (folder / "acts.py").write_text(ACTIVITIES)
    (folder / "ctrl.py").write_text(CONTROLS)
    (folder / "learner.py").write_text(LEARNER)
    return {"STATE": str(state), "NOTES": str(state / "notes"), "PYTHONPATH": str(folder)}


async def run_rollback(order: RollbackOrder, *, deadline: float, log: Path | None = None) -> RollbackResult:
    """Undo one thing in a fresh process; see `RollbackChild.run`."""
    return await RollbackChild.spawn(log=log).run(order, deadline=deadline)
