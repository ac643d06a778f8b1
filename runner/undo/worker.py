"""The undo worker: the one process that ever undoes.

`python -m runner.undo FOLDER`, started by guardian, conductor or `gameday recover`, in a session of its own with every
maskable signal masked. It waits for one line on its input; then it runs all rollbacks of each experiment
whose method has begun, says the transcript, latest injected first, each in a process of its own with a deadline and retries,
and asks every `undone-when` whether the fault is really gone. Its answer outranks the rollbacks' own status.

Nothing here depends on being able to write: a rollback is never skipped because recording failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from runner.actuators.journal import merge_rollbacks
from runner.actuators.rollback import RollbackChild, RollbackOrder, RollbackResult
from runner.actuators.spawn import PreforkedRollback
from runner.engine import events as ev
from runner.engine.plan import Check, Experiment
from runner.errors import ExitCode, InputError
from runner.host.state_folder import state_dir
from runner.host.tool_log import note
from runner.private import open_private
from runner.redact import MASK
from runner.specs.configuration import known_configuration
from runner.transcript.run_folder import UNDO_LOCK, UNDO_LOG, journal
from runner.undo.undo_log import UndoLog

if TYPE_CHECKING:
    from runner.specs.probe_spec import ProbeSpec

_ATTEMPTS = 3
_BETWEEN = 0.5
#: Seconds after which a rollback is slow.
_SLOW = 0.3


class UndoWorker:
    """Undoes what is open in one transcript."""

    def __init__(self, undo_log: UndoLog, spare: RollbackChild | None) -> None:
        self._log = undo_log
        self._spare = spare
        self._failed: dict[str, str] = {}
        #: Experiment → the journal entries of its rollbacks so far: what its controls are shown at the end.
        self._runs: dict[str, list[Any]] = {}

    async def undo(self) -> tuple[str, ...]:
        """The experiments that could not be undone."""
        undo_log = self._log
        experiments = undo_log.open
        undo_log.record(ev.UndoStarted(experiments=tuple(each.slug for each in experiments), pid=os.getpid()))
        if not experiments:
            undo_log.record(ev.UndoEnded())
            return ()
        if why := "" if undo_log.there else _enter(undo_log.cwd):
            left = tuple(each.slug for each in experiments)
            undo_log.record(*(ev.UndoFailed(experiment=slug, why=why) for slug in left), ev.UndoEnded(left=left))
            return left
        for experiment in experiments:
            # Also where the sandbox is gone: a fault may lie outside of it.
            await self._roll_back(experiment)
        if self._spare is not None:
            self._spare.discard()
        left = await self._judge(experiments)
        undo_log.record(ev.UndoEnded(left=left))
        return left

    # -- rollbacks -----------------------------------------------------------------------------------------------------

    async def _roll_back(self, experiment: Experiment) -> None:
        slug, index = experiment.slug, 0
        entries = self._runs.setdefault(slug, [])
        # Looked at anew each time: a control may add another, as it may in Chaos Toolkit.
        while index < len(rollbacks := self._log.rollbacks(slug)):
            name = str(rollbacks[index].get("name", index))
            result = await self._attempts(experiment, index, name)
            if result.activity:
                entries.extend((result.activity, *result.added))
            if not result.ok:
                self._failed[slug] = f"rollback {name!r}: {_why_not(result)}"
            index += 1
        if entries:
            with contextlib.suppress(OSError, ValueError):
                merge_rollbacks(self._log.folder / journal(slug), entries)

    async def _attempts(self, experiment: Experiment, index: int, name: str) -> RollbackResult:
        attempts = 1 if self._log.vanished() else _ATTEMPTS
        controls = True
        for attempt in range(1, attempts + 1):
            self._log.record(ev.RollbackStarted(experiment=experiment.slug, index=index, name=name, attempt=attempt))
            result = await self._attempt(experiment, index, controls=controls)
            self._told(experiment, index, name, attempt, result)
            if result.ok:
                break
            # One that never started may have a control before it that does not come back.
            controls = controls and result.started is not None
            # One that was killed was so by somebody else: nothing says that the target needs a moment.
            if attempt < attempts and not result.killed:
                await asyncio.sleep(_BETWEEN)
        return result

    async def _attempt(self, experiment: Experiment, index: int, *, controls: bool) -> RollbackResult:
        undo_log = self._log
        known = undo_log.known[experiment.slug]
        order = RollbackOrder(
            experiment=known.document,
            index=index,
            configuration=known.configuration,
            withheld=known.withheld,
            origin=undo_log.clock.origin,
            cwd=_here(),
            env=undo_log.env(),
            redact=sorted(undo_log.redaction.known.secrets),
            controls=controls,
            settings=undo_log.settings,
            runs=self._runs.get(experiment.slug, ()),
        )
        try:
            child, self._spare = self._spare or RollbackChild.spawn(), None
            another = asyncio.create_task(self._make_ready())
            try:
                result = await child.run(order, deadline=experiment.undo_deadline, log=undo_log.folder / UNDO_LOG)
            finally:
                another.cancel()
        except OSError as error:
            return RollbackResult(status="broken", exception=f"no process could be started: {error}")
        if result.left is not None:
            undo_log.changed(experiment.slug, result.left)
        return result

    async def _make_ready(self) -> None:
        """While a slow rollback runs, the process of the next attempt, or of the next rollback, imports what it needs."""
        await asyncio.sleep(_SLOW)
        with contextlib.suppress(OSError):
            self._spare = self._spare or RollbackChild.spawn()

    def _told(self, experiment: Experiment, index: int, name: str, attempt: int, result: RollbackResult) -> None:
        slug = experiment.slug
        self._log.record(*(ev.ControlBroke(experiment=slug, **control) for control in result.broken_controls))
        self._log.record(
            ev.RollbackEnded(
                experiment=slug,
                index=index,
                name=name,
                attempt=attempt,
                status="succeeded" if result.ok else ("failed" if result.status == "succeeded" else result.status),
                duration=result.duration or 0.0,
                exception="" if result.ok else _why_not(result),
                output=result.output,
            ),
            t=result.t,
        )

    # -- is it gone? ---------------------------------------------------------------------------------------------------

    async def _judge(self, experiments: list[Experiment]) -> tuple[str, ...]:
        # It may have gone meanwhile: a sandbox whose run was killed ends by itself.
        if self._log.vanished():
            self._log.record(*(ev.FaultUndone(experiment=each.slug, how="vanished") for each in experiments))
            return ()
        common = await self._check_all("", self._log.plan.undone_when, experiments)
        left = []
        for experiment in experiments:
            own = await self._check_all(experiment.slug, experiment.undone_when, [experiment])
            held = {**common, **own}
            why = self._why_left(experiment, held)
            if why:
                left.append(experiment.slug)
                self._log.record(ev.UndoFailed(experiment=experiment.slug, why=why))
            else:
                self._log.record(ev.FaultUndone(experiment=experiment.slug, how=self._how(experiment, held)))
        return tuple(left)

    def _why_left(self, experiment: Experiment, held: dict[str, str]) -> str:
        wrong = [f"{name}: {why}" for name, why in held.items() if why]
        if wrong:
            return "; ".join(wrong)
        # A check that held while the fault was in says nothing now: then the rollbacks' own word is all there is.
        bites = {self._log.bites.get(name) for name in held}
        nothing = self._why_nothing_undid_it(experiment)
        if True in bites or (None in bites and not nothing):
            return ""
        return self._failed.get(experiment.slug, "") or nothing

    def _why_nothing_undid_it(self, experiment: Experiment) -> str:
        plan = self._log.plan
        if self._log.rollbacks(experiment.slug):
            return ""
        from runner.guard.irreversible import lasting_action

        if self._log.driver.discarded or lasting_action(plan, experiment) is None:
            return ""
        return "nothing undid it: it has no rollbacks, and no `no-undo` says why it needs none"

    def _how(self, experiment: Experiment, held: dict[str, str]) -> str:
        if any(self._log.bites.get(name, False) for name in held):
            return "verified"
        if self._log.rollbacks(experiment.slug):
            return "rollbacks"
        if not experiment.actions:
            return "unneeded"
        return "discarded" if self._log.driver.discarded and not experiment.no_undo else "heals"

    def _resolved(self, check: Check, slug: str) -> ProbeSpec:
        """The check's probe; one of an experiment's own may speak of its configuration, as it was at the injection."""
        from runner.specs.probe_spec import ProbeSpec

        probe = ProbeSpec.model_validate(check.probe)
        if not slug:
            return probe
        undo_log = self._log
        known = undo_log.known[slug]
        # What was masked in the transcript is taken again from where it came from.
        masked = {name for name, value in known.configuration.items() if MASK in str(value)}
        again = known_configuration(known.document, {**os.environ, **undo_log.env()})
        kept = {name: value for name, value in known.configuration.items() if name not in known.withheld}
        configuration = {**kept, **{name: again[name] for name in (masked & again.keys()) - set(known.withheld)}}
        return probe.resolved({**undo_log.variables(), **undo_log.secrets, **configuration})

    async def _check_all(self, slug: str, checks: tuple[Check, ...], experiments: list[Experiment]) -> dict[str, str]:
        """name → why not, '' when it holds."""
        if not checks:
            return {}
        from runner.actuators.probe_calls import ProbePlan, hold_until
        from runner.actuators.run_prober import RunProber

        undo_log = self._log
        within = max(experiment.undo_deadline for experiment in experiments)
        prober = RunProber(
            ProbePlan(
                clock=undo_log.clock,
                env=undo_log.env(),
                python_env=undo_log.env(),
                variables=undo_log.variables(),
                secrets=undo_log.secrets,
                redaction=undo_log.redaction,
            )
        )
        results: dict[str, str] = {}
        try:
            for check in checks:
                try:
                    probe = self._resolved(check, slug)
                except (InputError, ValueError) as error:
                    results[check.name] = f"it cannot be asked: {error}"
                    continue
                result = await hold_until(prober, probe, within=within, every=0.1, clock=undo_log.clock)
                results[check.name] = "" if result.ok else result.why or "it does not hold"
                undo_log.record(
                    ev.UndoChecked(
                        experiment=slug or experiments[0].slug, name=check.name, held=result.ok, why=result.why
                    )
                )
        finally:
            await prober.close()
        return results


def _enter(folder: str) -> str:
    """Work where the run worked, or nothing of what its rollbacks name would be meant; why that is not possible, else ''.

    Of a run whose transcript does not say where, that is where this process was started.
    """
    try:
        os.chdir(folder or ".")
    except OSError as error:
        return (
            f"nothing was undone: {folder}, the folder in which the run worked, cannot be entered ({error.strerror}); "
            "bring it back, then: gameday recover"
        )
    return ""


def _here() -> str:
    """Where this process works, as another can get there, also when the folder has no name any more."""
    return f"/proc/{os.getpid()}/cwd"


def _why_not(result: RollbackResult) -> str:
    """Of a rollback that did not do its work."""
    if result.exception or result.status != "succeeded":
        return result.exception or result.status
    return f"it {result.failure}"


def _lock(folder: Path) -> IO[str]:
    """Opened early: when it is needed, the disk may be full. Without room for one, the state folder's own serves."""
    try:
        return os.fdopen(open_private(folder / UNDO_LOCK, os.O_WRONLY | os.O_APPEND), "a")
    except OSError:
        return (state_dir() / "lock").open("r")


def undo_on_word(
    folder: Path, word: IO[bytes], preforked: PreforkedRollback | None, transcript: Path | None = None
) -> int:
    """Wait for one line, then undo; 0 when nothing is left, 6 when something is.

    `preforked` may be a process for the first rollback, `transcript` the place of the transcript where that is not the folder. Without a line, because its other end closed, there is nothing to
    undo.
    """
    with _lock(folder) as lock:
        line = word.readline()
        undo_log = _open_log(folder, line, lock, transcript) if line else None
        if undo_log is None:
            return ExitCode.PASSED
        if undo_log.lost:
            note(f"{folder}: a fault is recorded, and the first line, which says how to undo it, cannot be read")
            return ExitCode.LEFT_BEHIND
        left = asyncio.run(UndoWorker(undo_log, _first(undo_log, preforked)).undo())
    return ExitCode.LEFT_BEHIND if left else ExitCode.PASSED


def _first(undo_log: UndoLog, preforked: PreforkedRollback | None) -> RollbackChild | None:
    """The process of the first rollback, when one is needed and stands ready."""
    if preforked is None or not any(undo_log.rollbacks(each.slug) for each in undo_log.open):
        return None
    ready = preforked.take()
    return None if ready is None else RollbackChild.of(ready)


def _open_log(folder: Path, line: bytes, lock: IO[str], transcript: Path | None) -> UndoLog | None:
    """Read it when no other worker undoes it; None when the run died before its first line: nothing was injected."""
    fcntl.flock(lock, fcntl.LOCK_EX)
    given = json.loads(line)
    undo_log = UndoLog(folder, given.get("secrets", {}), given.get("hidden", ()), transcript)
    return undo_log if undo_log.begun or undo_log.lost else None
