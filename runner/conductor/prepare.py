"""Opening a run: from what the user typed to a plan that the guard lets begin, a folder, a transcript, a record."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import socket
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import __version__
from runner.actuators.processes import start_time
from runner.clock import SystemClock, iso, utc_now
from runner.control.peer_socket import MOST_SECRET
from runner.control.socket_path import closed_to, group_id, socket_path
from runner.engine.events import RunStarted
from runner.engine.plan import HASH_SHOWN, RunPlan
from runner.engine.plan_json import plan_to_json
from runner.errors import InputError, Problem, Refused
from runner.guard.plan_remarks import plan_remarks
from runner.guard.policies import judge_plan
from runner.guard.refusal import Places, Refusal, placed
from runner.guard.secrets import lacking_secrets, resolve_secrets
from runner.host.boot_id import boot_id
from runner.host.halt_file import refuse_halted
from runner.host.run_registry import OpenRun, Registry, runs_dir
from runner.lazy_dataclass import lazy_dataclass
from runner.planning.request import Request
from runner.planning.run_plan import Planned, planned
from runner.redact import Redaction, Redactor, with_pieces
from runner.targets.registry import driver_of
from runner.transcript.run_folder import new_run_id
from runner.transcript.writer import TranscriptWriter

if TYPE_CHECKING:
    from runner.specs.operator_script import Script


@lazy_dataclass(kw_only=True)
class PreparedRun:
    """A run that may begin. `first` is its first event, not yet recorded."""

    run: str
    folder: Path
    root: Path
    where: Places
    plan: RunPlan
    clock: SystemClock
    redaction: Redaction
    secrets: dict[str, str]
    writer: TranscriptWriter
    socket: Path
    first: RunStarted
    person: str
    script: Script | None
    settings: Mapping[str, Any]

    @property
    def announcement(self) -> dict[str, Any]:
        """What the launcher and the guardian are told."""
        return {"run": self.run, "folder": str(self.folder), "socket": str(self.socket)}


def prepare_run(request: Request) -> PreparedRun:
    """Everything that can refuse a run without touching the target. Raises GamedayError; leaves nothing then."""
    clock = SystemClock()
    refuse_halted()
    script = _script(request.operator)
    attended = request.attended
    made = planned(request, plan_remarks)
    plan = made.plan
    if request.plan_hash is not None:
        _compare(plan, request.plan_hash, request)
    scripted = _scripted(script, plan, request.operator)
    _need_secrets(plan, made)
    refusals = judge_plan(plan, attended=attended, scripted=scripted, consent=request.consent)
    _refuse(refusals, made.where)
    group = _group(plan, made.where)
    secrets = _secrets(plan, made)
    made.keep(Redactor(secrets.values()).value)
    run = new_run_id(plan.slug, utc_now())
    folder = _make_folder(runs_dir(request.runs_dir, made.root), run)
    try:
        _refuse_unreachable(folder, group, plan, made.where)
        return _open(request, clock, made, run, folder, secrets, script, scripted, group)
    except BaseException:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
        raise


def _secrets(plan: RunPlan, made: Planned) -> dict[str, str]:
    """Their values. Raises InputError for those that cannot be had, Refused for those that cannot be kept secret."""
    if not plan.secret_sources:
        return {}
    from runner.guard.secret_exposure import declared_at, judge_exposed
    from runner.guard.secret_leaks import judge_values

    sources = plan.secret_sources
    secrets = resolve_secrets(sources, made.root, where=lambda name: made.where(*declared_at(plan, name)))
    _refuse_too_much(secrets, lambda name: made.where(*declared_at(plan, name)))
    _refuse((*judge_values(plan, secrets.values()), *judge_exposed(plan, secrets)), made.where)
    return secrets


def _compare(plan: RunPlan, said: str, request: Request) -> None:
    """Raises Refused for any plan but the one that was looked at."""
    if len(said) < HASH_SHOWN or not plan.plan_hash.startswith(said.lower()):
        raise Refused(
            f"the plan is {plan.plan_hash[:HASH_SHOWN]}, not {said!r}: something changed since it was looked at; "
            f"see it with: gameday plan {_as_typed(request)}"
        )


def _as_typed(request: Request) -> str:
    """What the plan depends on, as it stood on the command line."""
    words = [request.what]
    words += ["--target", request.target] if request.target else []
    words += [word for key, value in request.sets for word in ("--set", f"{key}={value}")]
    words += [word for each in request.variables for word in ("--var", each)]
    words += [word for each in request.variable_files for word in ("--var-file", each)]
    words += ["--settings", request.settings] if request.settings else []
    words += ["--operator", request.operator] if request.operator else []
    words += ["--attended"] if request.attended else []
    words += ["--consent", request.consent] if request.consent else []
    return shlex.join(words)


def _refuse(refusals: Iterable[Refusal], where: Places) -> None:
    """Raises Refused with every one of them, each at its place."""
    lines = [str(refusal) for refusal in placed(refusals, where)]
    if lines:
        raise Refused("\n".join(lines))


def _need_secrets(plan: RunPlan, made: Planned) -> None:
    """Raises InputError with those that are not there, before the guard blames what follows from it."""
    lacking = placed(lacking_secrets(plan, made.root), made.where)
    if lacking:
        raise InputError(*(Problem(file=each.where, what=each.what, meant=each.cure) for each in lacking))


def _refuse_too_much(secrets: dict[str, str], where: Callable[[str], str]) -> None:
    """Raises InputError when the guardian could not keep them for the undo."""
    size = len(json.dumps(secrets))
    if size > MOST_SECRET:
        largest = max(secrets, key=lambda name: len(secrets[name]))
        what = f"the secrets of this run take {size:,} bytes, the largest is {largest}"
        meant = f"{MOST_SECRET:,} are the most, written as JSON: let the commands read a large one from its file"
        raise InputError(Problem(file=where(largest), what=what, meant=meant))


def _group(plan: RunPlan, where: Places) -> int | None:
    """The id of the group that may join; raises InputError where it stands."""
    if not plan.group:
        return None
    try:
        return group_id(plan.group)
    except InputError as error:
        raise InputError(*(Problem(file=_at_group(plan, where), what=each.what) for each in error.problems)) from None


def _refuse_unreachable(folder: Path, group: int | None, plan: RunPlan, where: Places) -> None:
    """Raises InputError when the group could not get at the run folder, which is about to be opened to it."""
    barred = None if group is None else closed_to(folder.parent, group)
    if barred is not None:
        what = f"members of the group {plan.group!r} could not see the run: {barred} is closed to them"
        raise InputError(Problem(file=_at_group(plan, where), what=what, meant="choose another place with --runs-dir"))


def _at_group(plan: RunPlan, where: Places) -> str:
    return where(plan.file, ("group",))


def _script(operator: str | None) -> Script | None:
    if operator is None:
        return None
    from runner.specs.operator_script import load_script

    return load_script(Path(operator))


def _scripted(script: Script | None, plan: RunPlan, operator: str | None) -> tuple[str, ...]:
    if script is None or operator is None:
        return ()
    from runner.conductor.operator_script_check import scripted_steps

    return scripted_steps(script, plan, Path(operator))


def _open(
    request: Request,
    clock: SystemClock,
    made: Planned,
    run: str,
    folder: Path,
    secrets: dict[str, str],
    script: Script | None,
    scripted: tuple[str, ...],
    group: int | None,
) -> PreparedRun:
    plan = made.plan
    path = socket_path(run, group)
    Registry().record(_record(plan, run, folder, path, request.person))
    told = (request.person, str(folder), str(made.root), socket.gethostname())
    cut = partial(with_pieces, ordinary=cache(lambda: _ordinary(plan, told)))
    redaction = Redaction(Redactor(cut((*secrets.values(), *_secrets_of(made.settings)))), cut)
    try:
        writer = TranscriptWriter.create(folder, clock, redact=redaction.value, group=group)
    except BaseException:
        Registry().forget(run)
        raise
    first = RunStarted(
        run=run,
        plan=plan_to_json(plan),
        attended=request.attended,
        scripted=scripted,
        person=request.person,
        uid=os.getuid(),
        host=socket.gethostname(),
        boot_id=boot_id(),
        origin=clock.origin,
        tool=__version__,
        cwd=str(made.root.resolve()),
    )
    return PreparedRun(
        run=run,
        folder=folder,
        root=made.root,
        where=made.where,
        plan=plan,
        clock=clock,
        redaction=redaction,
        secrets=secrets,
        writer=writer,
        socket=path,
        first=first,
        person=request.person,
        script=script,
        settings=made.settings,
    )


def _secrets_of(settings: Mapping[str, Any]) -> list[str]:
    if not settings:
        return []
    from runner.planning.passed_variables import secrets_of

    return secrets_of(settings)


def _ordinary(plan: RunPlan, told: Iterable[str]) -> str:
    from runner.guard.secret_exposure import ordinary

    return ordinary(plan, *told)


def _record(plan: RunPlan, run: str, folder: Path, path: Path, person: str) -> OpenRun:
    driver = driver_of(plan.target.kind)
    guardian = os.getppid()
    return OpenRun(
        run=run,
        folder=str(folder),
        target=driver.lock_key(plan.target),
        # What is started for a run is for that run alone, and a tabletop touches nothing.
        exclusive=not driver.discarded and not plan.tabletop,
        pid=guardian,
        start_time=start_time(guardian) or 0,
        boot_id=boot_id(),
        socket=str(path),
        drill=plan.slug,
        person=person,
        host=socket.gethostname(),
        since=iso(utc_now()),
    )


def _make_folder(runs: Path, run: str) -> Path:
    folder = runs / run
    try:
        runs.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise InputError(
            f"the run folder {folder} cannot be made: {error.strerror}; choose another place with --runs-dir"
        ) from error
    return folder
