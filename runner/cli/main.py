"""`gameday`: the commands and their one-line helps; each command's module is imported only when it is used."""

from __future__ import annotations

import errno
import sys
from importlib import import_module

import click

from runner import __version__
from runner.inert import inert, inert_lines

#: name → (module below runner.cli, help). The help stands here so that `gameday --help` imports nothing else.
_COMMANDS = {
    "init": ("init", "Lay out drills/, experiments/ and runbooks/ with a small example that runs."),
    "list": ("drill_files", "The drills here: target, runbook, last outcome, how long ago, overdue or not."),
    "check": ("drill_files", "Parse every file; name every mistake with file:line:column."),
    "schema": ("drill_files", "JSON Schema of a kind of file, for editors."),
    "plan": ("drill_files", "What a run will touch, what undoes it, under what load; changes nothing."),
    "run": ("run", "Run a drill or an experiment."),
    "walk": ("walk", "Walk through a runbook, as a tabletop: the same room, no target, no fault."),
    "attach": ("attach", "Join a run that is going on: the room."),
    "review": ("attach", "Look at a finished run in the room, at any moment of it."),
    "runs": ("runs", "Running and finished runs."),
    "show": ("runs", "The scorecard of a run."),
    "verify": ("runs", "Check that a transcript was not edited."),
    "abort": ("runs", "End a run, with undo."),
    "halt": ("halt", "Stop every run on this machine, undo, and let none begin."),
    "resume": ("halt", "Lift a halt: runs may begin again."),
    "recover": ("recover", "Undo what a run left open after everything of it was killed."),
    "tell": ("runs", "Send a running drill a command: complete, milestone name=detected, choose label=…"),
    "sandbox": ("sandbox", "The embedded staging stack on its own."),
}


#: Why a stream takes no more.
_CANNOT_TAKE_IT = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"runner.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"there is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="gameday")
@click.pass_context
def gameday(context: click.Context) -> None:
    """Rehearse an incident in staging: real load, a real fault, your runbook, one clock.

    \b
    gameday init        begin here
    gameday run DRILL   run one
    """
    from runner.cli.notice import left_open_line

    if line := left_open_line(context.invoked_subcommand):
        click.echo(inert(line), err=True)


def main() -> int:
    """Run the command line; its exit code: 0 passed, 1 failed, 2 bad input, 3 refused, 4 aborted or stopped, 5 the tool broke,
    6 something could not be undone, 7 inconclusive."""
    try:
        code = gameday.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        code = 130
    except Exception as error:
        code = _report(error)
    return code if isinstance(code, int) else 0


def _report(error: Exception) -> int:
    from runner.errors import ExitCode, GamedayError, InputError

    if isinstance(error, GamedayError):
        click.echo(inert_lines(str(error)), err=True)
        return int(error.exit_code)
    if isinstance(error, BrokenPipeError):
        # `gameday show | head` is no error.
        sys.stdout = None  # so that the interpreter does not flush it again
        return 0
    if isinstance(error, OSError) and error.errno in _CANNOT_TAKE_IT and error.filename is None:
        click.echo(f"the output could not be written: {error.strerror}", err=True)
        return int(ExitCode.BAD_INPUT)
    if isinstance(error, OSError) and error.filename is not None:
        click.echo(str(InputError.of(error)), err=True)
        return int(ExitCode.BAD_INPUT)
    click.echo(inert(f"gameday broke: {type(error).__name__}: {error}{_kept(error)}"), err=True)
    return int(ExitCode.BROKEN)


def _kept(error: Exception) -> str:
    import traceback
    from contextlib import suppress

    from runner.errors import GamedayError
    from runner.host.run_registry import keep_crash

    with suppress(GamedayError, OSError):
        return f" (details: {keep_crash(''.join(traceback.format_exception(error)))})"
    return ""
