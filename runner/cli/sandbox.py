"""`gameday sandbox up|down|status`: the embedded staging stack on its own, for authors of drills."""

from __future__ import annotations

import click

from runner.sandbox.info import SandboxInfo


@click.group()
def sandbox() -> None:
    """The embedded staging stack on its own: a shop with a payment gateway, a cache, flags, alerts and a fault proxy."""


@sandbox.command()
def up() -> None:
    """Start it; it stays until `gameday sandbox down`."""
    from runner.host.state_folder import state_dir
    from runner.sandbox import standalone

    info, fresh = standalone.up(state_dir())
    if not fresh:
        click.echo("# it was up already", err=True)
    _print(info)


@sandbox.command()
def down() -> None:
    """Stop it."""
    from runner.host.state_folder import state_dir
    from runner.sandbox import standalone

    click.echo("the sandbox is down" if standalone.down(state_dir()) else "there was no sandbox")


@sandbox.command()
def status() -> int:
    """Where it answers, and what runs."""
    from runner.host.state_folder import state_dir
    from runner.sandbox import standalone

    info = standalone.status(state_dir())
    if info is None:
        click.echo("no sandbox is up; start one with: gameday sandbox up")
        return 1
    _print(info)
    return 0


def _print(info: SandboxInfo) -> None:
    for name in ("url", "admin", "proxy", "monitor"):
        click.echo(f"export TARGET_{name.upper()}={getattr(info, name)}")
    click.echo(f"# logs and the request log: {info.folder}", err=True)


COMMANDS = {"sandbox": sandbox}
