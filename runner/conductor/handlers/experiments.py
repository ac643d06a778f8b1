"""The handler of the experiments: one chaos child each, gated, armed before its method, held until the end."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from runner.actuators import chaos
from runner.actuators.chaos import ExperimentPlan
from runner.conductor.context import RunContext
from runner.conductor.handlers.chaos_translation import configured, requested, translated
from runner.conductor.handlers.target import TargetHandler
from runner.engine import events as ev
from runner.engine.commands import Command
from runner.engine.plan import Experiment
from runner.guard.call_check import judge_action, unresolved
from runner.guard.refusal import placed
from runner.specs.document import environment, opens_unasked
from runner.specs.injection_moment import Between
from runner.transcript.run_folder import chaos_log, journal

if TYPE_CHECKING:
    from runner.conductor.ports import Injector

#: Seconds a chaos child may be silent (it beats five times a second) before it counts as frozen.
_SILENCE = 1.5
#: Seconds between two looks at that.
_LOOK = 0.25
#: Seconds a child gets, at an ordinary end, to check its after-hypothesis and to keep its journal.
_AFTERWORD = 3.0


class ExperimentsHandler:
    """One injector an experiment; `undo_checks` is called with one whose method has ended."""

    def __init__(self, run: RunContext, target: TargetHandler, undo_checks: Callable[[str], None]) -> None:
        self._run = run
        self._target = target
        self._undo_checks = undo_checks
        self._children: dict[str, Injector] = {}
        self._asked: dict[str, chaos.Asking] = {}
        self._learned: dict[str, chaos.Learned] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._stopping = False

    # -- acting --------------------------------------------------------------------------------------------------------

    def act(self, recorded: ev.Recorded) -> None:
        match recorded.event:
            case ev.PhaseEntered(phase="live"):
                self._draw_moments(recorded.t)
            case ev.ArmingBegun(experiment=slug):
                self._children[slug].arm()
            case ev.InjectionOrdered(experiment=slug):
                self._begin(slug)
            # The word is given only for what is really on disk.
            case ev.MethodBegun(experiment=slug):
                if not self._run.fatal:
                    self._children[slug].inject()
            case ev.FaultIntended(experiment=slug):
                self._run.configurations[slug] = self._asked[slug].configuration
                if self._run.fatal:
                    self._children[slug].refuse("the transcript cannot be written")
                else:
                    self._children[slug].go()
            case ev.FaultRefused(experiment=slug, why=why):
                self._children[slug].refuse(why)
                self._run.stop("refused", why)
            case ev.ConfigurationChanged(experiment=slug):
                self._run.configurations[slug] = self._learned[slug].configuration
            case ev.MethodEnded(experiment=slug):
                self._undo_checks(slug)

    async def load(self) -> None:
        """Give every child its document; each answers `loaded` or why it cannot be."""
        for experiment in self._run.plan.experiments:
            child = self._run.ports.injector()
            self._children[experiment.slug] = child
            self._ended[experiment.slug] = asyncio.Event()
            log = self._run.folder / chaos_log(experiment.slug)
            await child.attach(partial(self._heard, experiment.slug), self._run.redaction, log=log)
            self._observe_start(child)
            self._load_one(child, experiment)
        self._run.ports.discard_unused()
        self._run.spawn(self._watch_beats(), "chaos beats")

    def _load_one(self, child: Injector, experiment: Experiment) -> None:
        child.load(
            ExperimentPlan(
                experiment=dict(experiment.document),
                origin=self._run.clock.origin,
                cwd=self._run.root,
                env=self._env(experiment),
                secrets=sorted(self._run.redactor.secrets),
                journal=self._run.folder / journal(experiment.slug),
                hold=not self._run.plan.bare or self._checked(experiment),
                settings=self._run.settings,
                control_deadline=experiment.control_deadline,
            )
        )

    def _env(self, experiment: Experiment) -> dict[str, str]:
        """With the variables that its configuration is read from: it names them, so they are meant for it."""
        named = {name: os.environ[name] for name in environment(experiment.document) if name in os.environ}
        return named | self._run.child_env((*self._run.plan.target.secrets, *self._run.plan.secrets))

    def _checked(self, experiment: Experiment) -> bool:
        """Whether somebody will ask if the fault is in, so that it must be held until then."""
        return bool(experiment.undone_when or self._run.plan.undone_when)

    def _begin(self, slug: str) -> None:
        """Give the word; first write down that there will be something to undo, where no action will ask."""
        experiment = self._experiment(slug)
        if not opens_unasked(experiment.document, controlled=bool(self._run.settings.get("controls"))):
            self._children[slug].inject()
            return
        known = self._learned.get(slug, chaos.Learned(configuration={}, document={}, withheld=()))
        self._run.configurations[slug] = known.configuration
        begun = ev.MethodBegun(experiment=slug, document_hash=experiment.document_hash, **asdict(known))
        self._run.observe(begun)

    def let_go(self, slug: str) -> None:
        """A bare experiment goes on to its end once it was looked at."""
        if self._run.plan.bare and self._children[slug].alive:
            self._children[slug].release()

    def _draw_moments(self, live: float) -> None:
        for experiment in self._run.plan.experiments:
            moment = experiment.inject
            if isinstance(moment, Between):
                due = round(live + random.uniform(moment.first, moment.last), 3)  # noqa: S311 - a surprise, not a secret
                self._run.observe(ev.InjectionScheduled(experiment=experiment.slug, due=due))

    def _observe_start(self, child: Injector) -> None:
        self._run.observe(ev.ProcessStarted(role="chaos", pid=child.pid))

    # -- hearing -------------------------------------------------------------------------------------------------------

    def _heard(self, slug: str, report: chaos.ChaosReport) -> None:
        if isinstance(report, chaos.Asking) and not self._target.silent:
            self._run.spawn(self._look_first(slug, report), "target")
            return
        self._take(slug, report)

    def _take(self, slug: str, report: chaos.ChaosReport, refusal: str = "") -> None:
        """Report it to the engine; `refusal`: what the target has against an action that is asked for."""
        try:
            why_not = self._report(slug, report, refusal)
        except Exception as error:
            # A child that asks must be answered, or it would wait for ever with nobody to know.
            self._children[slug].refuse("the conductor broke")
            self._run.conductor.broke(f"{type(report).__name__} of {slug}: {error}", error)
            return
        if isinstance(report, chaos.Asking) and why_not is not None:
            self._children[slug].refuse(why_not)

    def _report(self, slug: str, report: chaos.ChaosReport, refusal: str) -> str | None:
        """Why the engine does not take it; None when it does."""
        command = self._command(slug, report, refusal)
        if command is None:
            return None
        if refusal:
            # It is the conductor that asked the target, and now.
            return self._run.conductor.submit(command)
        t = getattr(report, "t", None)
        return self._run.conductor.submit(command, by="chaos", stamp=None if t is None else self._run.clock.stamp(t))

    async def _look_first(self, slug: str, report: chaos.Asking) -> None:
        """A target that can say which one it is says so at the gate."""
        try:
            why = await self._target.refusal()
        except Exception as error:
            why = f"the target could not be asked: {error}"
        self._take(slug, report, f"{why} [identity]" if why else "")

    def _command(self, slug: str, report: chaos.ChaosReport, refusal: str) -> Command | None:
        """What the report amounts to, with the guard's verdict; None for what only this handler has to know."""
        match report:
            case chaos.Asking():
                self._asked[slug] = report
                return requested(report, slug, refusal or self._judged(slug, report))
            case chaos.Configured():
                lacking = self._lacking(slug, report)
                return configured(slug, lacking) if lacking else None
            case chaos.ExperimentLoadedReport() if preforked := self._children[slug].preforked:
                # What undoes is not to be fenced off with what injects.
                self._run.spare(preforked)
            case chaos.Learned():
                self._learned[slug] = report
            case chaos.ChildGone() if self._stopping or self._ended[slug].is_set():
                return None
            case chaos.ExperimentEndedReport() | chaos.ChildFailed() | chaos.ChildGone():
                self._ended[slug].set()
        return translated(report, slug)

    def _lacking(self, slug: str, report: chaos.Configured) -> dict[str, str]:
        """What the experiment uses and nothing gave a value, and why."""
        experiment = self._experiment(slug)
        places = {
            f"configuration {name!r}": f"{self._run.where(experiment.file, ('configuration', name))}: its probe"
            for name in unresolved(experiment.document, report.configuration)
        } | {
            f"secret {name!r}": f"{self._run.where(experiment.file, ('secrets',))}: its source"
            for name in report.secrets
        }
        return {name: f"{place} gave no value [configuration]" for name, place in places.items()}

    def _judged(self, slug: str, report: chaos.Asking) -> str:
        """Why the guard does not agree; '' when it does."""
        refusals = judge_action(
            self._run.plan,
            slug,
            report.provider,
            index=report.index,
            name=report.name,
            configuration=report.configuration,
        )
        return "; ".join(str(refusal) for refusal in placed(refusals, self._run.where))

    def _experiment(self, slug: str) -> Experiment:
        return next(experiment for experiment in self._run.plan.experiments if experiment.slug == slug)

    # -- ending --------------------------------------------------------------------------------------------------------

    async def release(self) -> None:
        """An ordinary end: let each child check its after-hypothesis and keep its journal, but not for long."""
        waiting = []
        for slug, child in self._children.items():
            if child.alive and not self._ended[slug].is_set():
                child.release()
                waiting.append(self._ended[slug].wait())
        if waiting:
            await asyncio.wait([asyncio.ensure_future(wait) for wait in waiting], timeout=_AFTERWORD)

    async def close(self) -> None:
        """End every child, whatever it does."""
        self._stopping = True
        self._run.ports.discard_unused()
        await asyncio.gather(*(child.stop() for child in self._children.values()))

    async def _watch_beats(self) -> None:
        silent = dict.fromkeys(self._children, 0)
        heard: dict[str, int] = {}
        while not self._stopping:
            await asyncio.sleep(_LOOK)
            for slug, child in self._children.items():
                # Counted in looks, not in time: while this machine slept nobody could be heard.
                # Before the first word it still imports.
                unheard = child.heard > 0 and child.heard == heard.get(slug)
                silent[slug] = silent[slug] + 1 if unheard else 0
                heard[slug] = child.heard
                if child.alive and not self._ended[slug].is_set() and silent[slug] * _LOOK >= _SILENCE:
                    why = f"its process was silent for {_SILENCE:g} s"
                    self._run.observe(ev.ExperimentFailed(experiment=slug, why=why))
                    self._ended[slug].set()
