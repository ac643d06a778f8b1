"""`gameday runs`, `show`, `verify`, `abort`, `tell`: about runs that are going on or over."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from runner.cli.completion import complete_commands, complete_running, complete_runs, complete_words
from runner.cli.options import person
from runner.clock import utc_now
from runner.errors import ExitCode, InputError, UnreadableTranscript
from runner.host.run_registry import OpenRun, Registry, find_run, run_folders, runs_dir
from runner.inert import inert

_RUNS_DIR = click.option("--runs-dir", metavar="DIR", help="Where run folders are.  [default: runs/ beside the drills]")
_RUN = click.argument("run", metavar="[RUN]", required=False, shell_complete=complete_runs)


def project_root() -> Path:
    """The folder that holds drills/, experiments/ or runbooks/, here or above; else this one."""
    from runner.specs.names import repository

    return repository(Path.cwd()) or Path.cwd()


def run_folder(run: str | None, chosen: str | None) -> Path:
    running = [Path(each.folder) for each in Registry().open_runs()]
    return find_run(runs_dir(chosen, project_root()), run, extra=[folder for folder in running if folder.is_dir()])


@click.command("runs")
@_RUNS_DIR
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def runs_command(runs_dir: str | None, as_json: bool) -> int:
    """Running and finished runs, newest first."""
    from runner.history.summary import Summary, summaries, why_unreadable
    from runner.views.tables import runs_table

    open_runs = {each.run: each for each in Registry().open_runs()}
    folders = {folder.name: folder for folder in run_folders(_where(runs_dir))}
    folders.update({each.run: Path(each.folder) for each in open_runs.values()})
    found: list[Summary] = sorted(summaries(folders.values()), key=lambda each: each.started, reverse=True)
    rows = [(each, _state(each.ending, open_runs.get(each.run))) for each in found]
    _warn({run: each for run, each in open_runs.items() if run not in {row.run for row in found}})
    readable = {each.folder.name for each in found} | set(open_runs)
    unreadable = [why for name, folder in folders.items() if name not in readable and (why := why_unreadable(folder))]
    for why in unreadable:
        click.echo(inert(why), err=True)
    if as_json:
        click.echo(json.dumps([_as_json(each, state) for each, state in rows], indent=2))
        return 0
    if rows or not unreadable:
        click.echo(runs_table(rows, utc_now()))
    return 0


def _warn(unseen: dict[str, OpenRun]) -> None:
    """What the table cannot show: the halt, and open runs without a transcript."""
    from runner.host.halt_file import halted

    if (halt := halted()) is not None:
        click.echo(inert(f"halted by {halt}; nothing runs here until: gameday resume --why ..."), err=True)
    for run, record in unseen.items():
        if not Path(record.folder).is_dir():
            cure = f"gameday recover --accept {run} --why ..."
            click.echo(inert(f"{run}: recorded as open, but its folder {record.folder} is gone; {cure}"), err=True)


def _where(chosen: str | None) -> Path:
    return runs_dir(chosen, project_root())


def _state(ending: str, record: OpenRun | None) -> str:
    """How it ended, or how it stands: what runs, what waits for whom, and what nobody tends any more."""
    if record is None:
        return ending or "not closed"
    folder = Path(record.folder)
    if record.alive:
        from runner.history.live_status import standing

        return ending or standing(folder)
    from runner.undo.recovery import tended

    if tended(folder):
        return "ending without its guardian"
    return f"{ending}, left open: gameday recover" if ending else "dead, left open: gameday recover"


def _as_json(summary: Any, state: str) -> dict[str, Any]:
    return {
        "run": summary.run,
        "drill": summary.slug,
        "target": summary.target,
        "tabletop": summary.tabletop,
        "started": summary.started.isoformat(),
        "seconds": summary.seconds,
        "state": state,
        "exit_code": summary.exit_code,
        "headline": summary.headline,
        "folder": str(summary.folder),
    }


@click.command("show")
@_RUN
@_RUNS_DIR
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
@click.option("--report", "as_report", is_flag=True, help="The whole report, as Markdown on stdout.")
@click.option("--patch", "as_patch", is_flag=True, help="What people want changed in the runbook, for `git apply`.")
def show(run: str | None, runs_dir: str | None, as_json: bool, as_report: bool, as_patch: bool) -> int:
    """The scorecard of a run: by a unique prefix of its id, by its last word, or the latest."""
    if as_json + as_report + as_patch > 1:
        raise click.UsageError("--json, --report and --patch exclude each other")
    folder = run_folder(run, runs_dir)
    if as_report or as_patch:
        return _debrief(folder, as_patch=as_patch)
    record = next((each for each in Registry().open_runs() if each.folder == str(folder)), None)
    if record is not None:
        click.echo(inert(f"{record.run}: {_state('', record)}"), err=True)
    show_folder(folder, as_json=as_json, to_stderr=False)
    return 0


def _debrief(folder: Path, *, as_patch: bool) -> int:
    from runner.views.report import debrief, report

    found = debrief(folder, project_root())
    click.echo(found.patch.text if as_patch else report(found), nl=False)
    if as_patch:
        for why in found.patch.left:
            click.echo(f"not in the patch: {why}", err=True)
        if not found.card.disputes:
            click.echo("nobody said that a step of the runbook is wrong", err=True)
    return 0


def show_folder(folder: Path, *, as_json: bool, to_stderr: bool) -> None:
    """Print a scorecard: JSON on stdout, or as text; `to_stderr` puts the text where the lines of the run were printed."""
    from runner.scoring.score import score, to_json
    from runner.transcript.reader import read_run
    from runner.transcript.run_folder import TRANSCRIPT
    from runner.views.scorecard_text import scorecard_text

    card = score(read_run(folder / TRANSCRIPT))
    if as_json:
        click.echo(json.dumps(to_json(card), indent=2))
        return
    stream = sys.stderr if to_stderr else sys.stdout
    click.echo(scorecard_text(card, stream, folder), file=stream)


def show_ended(folder: Path, *, as_json: bool = False) -> None:
    """Print the scorecard of a run that has just ended. One that cannot be read is named: the run has its exit code."""
    try:
        show_folder(folder, as_json=as_json, to_stderr=not as_json)
    except UnreadableTranscript as error:
        click.echo(inert(str(error)), err=True)


@click.command("verify")
@_RUN
@_RUNS_DIR
def verify_command(run: str | None, runs_dir: str | None) -> int:
    """Follow the hash chain of a transcript: an edited, dropped or added line is named."""
    from runner.transcript.reader import read_run, verify
    from runner.transcript.run_folder import TRANSCRIPT

    path = run_folder(run, runs_dir) / TRANSCRIPT
    problems = verify(path)
    if problems:
        raise InputError(*problems)
    # An unbroken chain of nothing is no transcript. Raises UnreadableTranscript.
    next(read_run(path))
    click.echo(inert(f"{path}: unbroken"))
    return 0


@click.command("abort")
@click.argument("run", metavar="[RUN]", required=False, shell_complete=complete_running)
@click.option("--why", required=True, help="Why, in words.")
@click.option(
    "--reason",
    type=click.Choice(["real-incident", "unsafe", "logistics", "stuck"]),
    default="logistics",
    show_default=True,
    help="What kind of reason; only `stuck` counts against the drill.",
)
@click.option("--name", help="Who you are.")
def abort(run: str | None, why: str, reason: str, name: str | None) -> int:
    """End a run that is going on, with undo."""
    message = {"command": "abort", "reason": reason, "why": why, "role": "facilitator"}
    return _send(run, message, name)


class _Tell(click.Command):
    """Its help lists every command that a run takes, as declared in the registry."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own
        from runner.engine.command_lookup import BY_WORD

        with formatter.section("Commands"):
            formatter.write_dl([(spec.usage, spec.about) for spec in BY_WORD.values()])


@click.command("tell", cls=_Tell)
@click.argument("command", shell_complete=complete_commands)
@click.argument("words", nargs=-1, shell_complete=complete_words)
@click.option("--run", "run_id", metavar="RUN", help="Which run.", shell_complete=complete_running)
@click.option("--name", help="Who you are.")
@click.option("--as", "role", type=click.Choice(["facilitator", "participant", "observer"]), default="participant")
def tell(command: str, words: tuple[str, ...], run_id: str | None, name: str | None, role: str) -> int:
    """Send a running drill a command.

    What follows the command are its values, as KEY=VALUE. Several people can, each with --name.
    """
    message: dict[str, Any] = {"command": command, "role": role}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or key in (*message, "by"):
            raise click.BadParameter(
                f"{word!r}: write it as KEY=VALUE, a value of the command's own", param_hint="WORDS"
            )
        message[key] = {"yes": True, "no": False}.get(value, value) if key == "yes" else value
    return _send(run_id, message, name)


def _send(run: str | None, message: dict[str, Any], name: str | None) -> int:
    from runner.control.client import ask

    answer = ask(socket_of(run), {**message, "by": person(name)})
    if answer["ok"]:
        return 0
    click.echo(inert(f"not possible: {answer['why']}"), err=True)
    return int(ExitCode.BAD_INPUT)


def socket_of(wanted: str | None) -> Path:
    """The socket of the run that is meant, also of one that another account opened to a group of ours."""
    from runner.control.socket_path import shared_sockets

    try:
        return Path(_running(wanted).socket)
    except InputError:
        shared = shared_sockets(wanted or "")
        if len(shared) > 1:
            raise InputError(f"which run? {', '.join(path.stem for path in shared)}") from None
        if not shared:
            raise
        return shared[0]


def _running(wanted: str | None) -> OpenRun:
    """The run that is meant: the only one alive, when none is named. Raises InputError."""
    alive = [each for each in Registry().open_runs() if each.alive]
    fits = [each for each in alive if not wanted or each.run.startswith(wanted) or each.run.endswith(f"-{wanted}")]
    if len(fits) == 1:
        return fits[0]
    if not alive:
        raise InputError("no run is going on")
    names = ", ".join(each.run for each in (fits or alive))
    if not wanted:
        raise InputError(f"{len(alive)} runs are going on: name the one you mean: {names}")
    if not fits:
        raise InputError(f"no run that is going on is called {wanted!r}; these are: {names}")
    raise InputError(f"{wanted!r} fits {len(fits)} runs: {names}")


COMMANDS = {"runs": runs_command, "show": show, "verify": verify_command, "abort": abort, "tell": tell}
