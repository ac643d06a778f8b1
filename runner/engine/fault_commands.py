"""What a chaos child asks and reports of its experiment: whether a fault may go in, and what undo must know of it."""

from __future__ import annotations

from runner.engine import events as e
from runner.engine.commands import ChangeConfiguration, IllegalCommand, Order, ReportConfiguration, RequestAction
from runner.engine.run_commands import Events, not_ordered, view_of
from runner.engine.state import State


def request_action(state: State, order: Order, command: RequestAction) -> Events:
    """The gate: no fault once the end is decided, none that the guard refuses, none without the word."""
    view = view_of(state, command.experiment)
    refusal = ("the run is ending" if state.ending else "") or command.refusal or not_ordered(view)
    if refusal:
        return (_refused(command.experiment, command.name, refusal, command.index),)
    document_hash = next(each.document_hash for each in state.plan.experiments if each.slug == view.slug)
    return (
        e.FaultIntended(
            experiment=view.slug,
            index=command.index,
            name=command.name,
            document_hash=document_hash,
            provider=command.provider,
            configuration=command.configuration,
            background=command.background,
        ),
    )


def report_configuration(state: State, order: Order, command: ReportConfiguration) -> Events:
    """The first value that lacks is reason enough. Raises IllegalCommand when none does: then nothing follows."""
    view = view_of(state, command.experiment)
    for name, why in command.lacking.items():
        return (_refused(view.slug, name, why),)
    raise IllegalCommand(f"the configuration of {view.slug} is whole")


def change_configuration(state: State, order: Order, command: ChangeConfiguration) -> Events:
    """Undo goes on from it. Raises IllegalCommand before there is anything to undo: what opens the fault holds it then."""
    view = view_of(state, command.experiment)
    if not view.fault_open:
        raise IllegalCommand(f"there is nothing to undo of {view.slug}")
    return (
        e.ConfigurationChanged(
            experiment=view.slug,
            configuration=command.configuration,
            document=command.document,
            withheld=command.withheld,
        ),
    )


def _refused(slug: str, name: str, why: str, index: int = -1) -> e.FaultRefused:
    return e.FaultRefused(experiment=slug, index=index, name=name, why=why)
