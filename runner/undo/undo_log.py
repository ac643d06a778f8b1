"""What the transcript of a run says is to be undone, and the way to add to it."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.actuators.command import minimal_env
from runner.actuators.rollback import Known
from runner.clock import SystemClock, resumed_origin
from runner.engine import events as ev
from runner.engine.plan import Experiment, RunPlan
from runner.engine.plan_json import plan_from_json
from runner.errors import InputError
from runner.host.boot_id import boot_id
from runner.host.tool_log import note
from runner.redact import Redaction, Redactor, with_pieces
from runner.targets.driver import TargetDriver
from runner.targets.registry import recorded_driver
from runner.transcript.codec import decode
from runner.transcript.run_folder import TRANSCRIPT
from runner.transcript.writer import Entry, TranscriptWriter

if TYPE_CHECKING:
    pass


class UndoLog:
    """What the transcript says is open, and the way to add to it."""

    def __init__(
        self, folder: Path, secrets: Mapping[str, str], hidden: Iterable[str] = (), transcript: Path | None = None
    ) -> None:
        self.folder = folder
        self.secrets = dict(secrets)
        self.redaction = Redaction(Redactor({*self.secrets.values(), *hidden}))
        #: Experiment → when its method last went on (s).
        self.begun_t: dict[str, float] = {}
        self.known: dict[str, Known] = {}
        self.url = ""
        self.vars: Mapping[str, str] = {}
        self.cwd = ""
        # Forked from the conductor, it is where the run works, even if that folder was moved or taken away.
        self.there = transcript is not None
        self.bites: dict[str, bool] = {}
        #: Role → the newest process of it.
        self._processes: dict[str, ev.ProcessStarted] = {}
        self.begun = False
        #: A fault is recorded, and the line that says how to undo it cannot be read.
        self.lost = False
        self._undone: set[str] = set()
        for recorded in _readable(transcript or folder / TRANSCRIPT):
            self._take(recorded)
        self._writer: TranscriptWriter | None = None
        if not self.begun:
            return
        cut = partial(with_pieces, ordinary=cache(self._ordinary))
        self.redaction = Redaction(Redactor(cut((*self.redaction.known.secrets, *self._secrets_of_settings()))), cut)
        with contextlib.suppress(Exception):
            self._writer = TranscriptWriter.open(folder, self.clock, redact=self.redaction.value)

    def _ordinary(self) -> str:
        from runner.guard.secret_exposure import ordinary

        return ordinary(self.plan, str(self.folder))

    def _take(self, recorded: ev.Recorded) -> None:
        match recorded.event:
            case ev.RunStarted() as first:
                self.begun = True
                self.run = first.run
                self.cwd = first.cwd
                self.plan: RunPlan = plan_from_json(first.plan)
                self.same_boot = first.boot_id == boot_id()
                self.clock = SystemClock(resumed_origin(recorded.at, first.origin, same_boot=self.same_boot))
            case ev.TargetReady(url=url, vars=variables):
                self.url, self.vars = url, variables
            case ev.ProcessStarted() as process:
                self._processes[process.role] = process
            case ev.MethodBegun() | ev.FaultIntended() if not self.begun:
                self.lost = True
            case ev.MethodBegun() | ev.FaultIntended() as begun:
                self.begun_t[begun.experiment] = recorded.t
                self._undone.discard(begun.experiment)
                self._learn(begun)
            case ev.ConfigurationChanged() as changed if self.begun:
                self._learn(changed)
            case ev.FaultUndone(experiment=slug):
                self._undone.add(slug)
            case ev.UndoChecked(while_in=True, name=name, held=held):
                self.bites[name] = not held

    def _learn(self, event: ev.MethodBegun | ev.ConfigurationChanged | ev.FaultIntended) -> None:
        before = self.known.get(event.experiment)
        known = Known(document=self.experiment(event.experiment).document, configuration=event.configuration)
        if isinstance(event, ev.FaultIntended):
            # It says nothing of the rest, which is as it was.
            known = known if before is None else replace(before, configuration=event.configuration)
        else:
            known = replace(known, document=event.document or known.document, withheld=event.withheld)
        self.known[event.experiment] = known

    def experiment(self, slug: str) -> Experiment:
        """As planned."""
        return next(each for each in self.plan.experiments if each.slug == slug)

    @property
    def open(self) -> list[Experiment]:
        """Experiments whose method has begun and that have no undo yet, latest injected first."""
        latest = {slug: t for slug, t in self.begun_t.items() if slug not in self._undone}
        return [self.experiment(slug) for slug in sorted(latest, key=lambda slug: -latest[slug])]

    def rollbacks(self, slug: str) -> list[Mapping[str, Any]]:
        """What undoes it, in order."""
        return list(self.known[slug].document.get("rollbacks") or ())

    def changed(self, slug: str, known: Known) -> None:
        """A rollback, or a control around it, left it in another state: that is what the next one gets."""
        self.known[slug] = known
        document = {} if known.document == self.experiment(slug).document else known.document
        self.record(
            ev.ConfigurationChanged(
                experiment=slug, configuration=known.configuration, document=document, withheld=known.withheld
            )
        )

    def record(self, *events: ev.Event, t: float | None = None) -> None:
        """Write it down if that is possible."""
        try:
            if self._writer is not None:
                stamp = self.clock.stamp(t)
                self._writer.append(*(Entry(event=event, by="undo", stamp=stamp) for event in events))
        except Exception:
            self._writer = None
            note(self.redaction.text(traceback.format_exc()))

    def variables(self) -> dict[str, str]:
        return {"target.name": self.plan.target.name, "target.url": self.url} | {
            f"target.{name}": value for name, value in self.vars.items()
        }

    def env(self) -> dict[str, str]:
        target = {
            name.replace(".", "_").replace("-", "_").upper(): value for name, value in self.variables().items() if value
        }
        # What was written down is used as it was; what looked secret is among the secrets.
        return minimal_env({**self.plan.passed, **target, **self.driver.child_environment(self.vars)}) | self.secrets

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Chaos Toolkit's own, for the controls in them; empty when the file is another one by now."""
        if not self.plan.settings:
            return {}
        from runner.specs.settings import read_settings

        with contextlib.suppress(InputError):
            settings = read_settings(self.plan.settings)
            return settings.value if settings.hash == self.plan.settings_hash else {}
        return {}

    def _secrets_of_settings(self) -> list[str]:
        if not self.settings:
            return []
        from runner.planning.passed_variables import secrets_of

        return secrets_of(self.settings)

    @property
    def driver(self) -> TargetDriver:
        return recorded_driver(self.plan.target.kind)

    def vanished(self) -> bool:
        """Whether the run started its target and that is gone: it took its faults with it."""
        from runner.actuators.processes import alive, start_time

        process = self._processes.get(self.driver.started_as)
        if process is None:
            return False
        return not (self.same_boot and start_time(process.pid) == process.start_time and alive(process.pid))


def _readable(path: Path) -> Iterator[ev.Recorded]:
    """Every line that can be read, before and behind one that cannot: a damaged line must not hide an intent."""
    with path.open("rb") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                yield decode(line.rstrip(b"\n"))
