"""`gameday list`, `check`, `schema`, `plan`: about the files a team keeps."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.completion import complete_drills
from runner.cli.options import absolute, absolutes, given_beside, pairs
from runner.errors import ExitCode, InputError, Problem
from runner.inert import inert

if TYPE_CHECKING:
    from runner.engine.plan import RunPlan


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
@click.option("--runs-dir", metavar="DIR", help="Where run folders are.  [default: runs/ beside the drills]")
def list_command(as_json: bool, runs_dir: str | None) -> int:
    """The drills here: target, runbook, last outcome, how long ago, overdue or not."""
    from runner.clock import utc_now
    from runner.history.due_drills import agenda
    from runner.history.summary import summaries
    from runner.host.run_registry import run_folders
    from runner.host.run_registry import runs_dir as runs_folder
    from runner.specs.catalogue import Catalogue
    from runner.views.tables import agenda_table

    catalogue = Catalogue.find(Path.cwd())
    folders = run_folders(runs_folder(runs_dir, catalogue.root))
    done = list(summaries(folders))
    if unread := len(folders) - len(done):
        click.echo(
            f"{unread} of {len(folders)} runs cannot be read and do not count here; gameday runs says why", err=True
        )
    rows = agenda(catalogue, done, utc_now())
    if as_json:
        click.echo(json.dumps([row.to_json() for row in rows], indent=2))
    else:
        click.echo(agenda_table(rows, utc_now()))
    return 0


@click.command()
@click.argument("paths", metavar="[PATH...]", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="What is wrong as a JSON list on stdout, [] when nothing is.")
def check(paths: tuple[str, ...], as_json: bool) -> int:
    """Parse every file here, or those given: file:line:column, what is wrong, what was meant; all errors at once.

    So is what the guard would refuse in every run of a drill on its own target. Remarks are printed too, such as a variable
    that is not set here; they change nothing about the exit code.
    """
    remarks: list[str] = []
    try:
        problems = _problems(paths, remarks)
    except InputError as error:
        problems = error.problems
    for remark in remarks:
        click.echo(f"! {inert(remark)}", err=True)
    if as_json:
        click.echo(json.dumps([asdict(problem) for problem in problems], indent=2))
        return int(ExitCode.BAD_INPUT if problems else ExitCode.PASSED)
    if problems:
        raise InputError(*problems)
    click.echo("nothing wrong", err=True)
    return 0


def _problems(paths: tuple[str, ...], remarks: list[str]) -> tuple[Problem, ...]:
    from runner.specs.catalogue import Catalogue

    # Without `..`, or a way round to the repository's own folder would not be known for it.
    chosen = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - resolve would follow links
    near = next(((path if path.is_dir() else path.parent) for path in chosen if path.exists()), Path.cwd())
    try:
        catalogue = Catalogue.find(near)
    except InputError:
        catalogue = Catalogue.around(Path.cwd(), paths[0] if paths else "")
    problems = catalogue.check(chosen)
    found = list(catalogue.readable(chosen))
    if found:
        from runner.guard.remarks import look_over  # runbooks alone need no guard

        findings = look_over(catalogue, found)
        problems += findings.problems
        remarks += findings.remarks
    return tuple(sorted(problems))


@click.command()
@click.argument("kind", type=click.Choice(["drill", "runbook", "targets", "experiment", "script"]))
def schema(kind: str) -> int:
    """JSON Schema of a kind of file, for the completion of editors."""
    from runner.specs.schema import schema as schema_of

    click.echo(json.dumps(schema_of(kind), indent=2))
    return 0


@click.command()
@click.argument("what", metavar="DRILL|EXPERIMENT", shell_complete=complete_drills)
@click.option("--target", metavar="NAME", help="Another target than the drill's.")
@click.option("--set", "sets", metavar="K=V", multiple=True, help="Change a field of the drill.")
@given_beside
@click.option("--operator", metavar="FILE", help="As a run with these scripted answers would be.")
@click.option("--attended", is_flag=True, help="As a run with people would be.")
@click.option("--consent", metavar="TARGET", default="", help="The target's name, typed, for a production target.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def plan(
    what: str,
    target: str | None,
    sets: tuple[str, ...],
    variables: tuple[str, ...],
    variable_files: tuple[str, ...],
    settings: str | None,
    operator: str | None,
    attended: bool,
    consent: str,
    as_json: bool,
) -> int:
    """What will be touched, in what order, what undoes it, under what load, for how long, and what the guard cannot see.

    Changes nothing. The exit code is 3 when the guard would refuse the run, 2 when only a secret is not there.
    """
    from runner.engine.plan_json import plan_to_json
    from runner.guard.plan_remarks import plan_remarks
    from runner.guard.policies import judge_plan
    from runner.guard.refusal import placed
    from runner.guard.secrets import lacking_secrets
    from runner.planning.compile import compile_named
    from runner.planning.request import Request
    from runner.planning.run_plan import opened
    from runner.views.plan_text import plan_text

    request = Request(
        what=what,
        cwd=str(Path.cwd()),
        person="",
        variables=variables,
        variable_files=absolutes(variable_files),
        settings=absolute(settings),
    )
    catalogue = opened(request)
    found = compile_named(
        catalogue, what, target=target, sets=dict(pairs(sets)), attended=attended, remarks=plan_remarks
    )
    scripted = _scripted(Path(operator).absolute(), found) if operator else ()
    judged = judge_plan(found, attended=attended, scripted=scripted, consent=consent)
    lacking = lacking_secrets(found, catalogue.root)
    refusals = placed((*lacking, *judged), catalogue.where)
    if as_json:
        body = {"plan": plan_to_json(found), "refusals": [str(refusal) for refusal in refusals]}
        click.echo(json.dumps(body, indent=2))
    else:
        click.echo(plan_text(found, refusals))
    return int(ExitCode.REFUSED if judged else ExitCode.BAD_INPUT if lacking else ExitCode.PASSED)


def _scripted(path: Path, found: RunPlan) -> tuple[str, ...]:
    from runner.conductor.operator_script_check import scripted_steps
    from runner.specs.operator_script import load_script

    return scripted_steps(load_script(path), found, path)


COMMANDS = {"list": list_command, "check": check, "schema": schema, "plan": plan}
