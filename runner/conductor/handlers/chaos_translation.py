"""What a chaos child reports, as commands to the engine. Nothing is chosen here: what follows is for `decide`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import singledispatch

from runner.actuators import chaos
from runner.engine import events as ev
from runner.engine.commands import ChangeConfiguration, Command, Observed, ReportConfiguration, RequestAction


def requested(report: chaos.Asking, slug: str, refusal: str) -> RequestAction:
    """`refusal`: what the guard, or the target, has against the action; '' for nothing."""
    return RequestAction(
        experiment=slug,
        index=report.index,
        name=report.name,
        provider=report.provider,
        configuration=report.configuration,
        background=report.background,
        refusal=refusal,
    )


def configured(slug: str, lacking: Mapping[str, str]) -> ReportConfiguration:
    """`lacking`: what has no value but needs one, and why it has none."""
    return ReportConfiguration(experiment=slug, lacking=lacking)


@singledispatch
def translated(report: chaos.ChaosReport, slug: str) -> Command:
    """The command that a report amounts to by itself. Raises TypeError for one that it cannot."""
    raise TypeError(f"{type(report).__name__} amounts to no command by itself")


@translated.register
def _(report: chaos.ExperimentLoadedReport, slug: str) -> Command:
    return Observed(event=ev.ExperimentLoaded(experiment=slug, asks=report.asks))


@translated.register
def _(report: chaos.HypothesisCheckedReport, slug: str) -> Command:
    probes = tuple(asdict(probe) for probe in report.probes)
    return Observed(event=ev.HypothesisChecked(experiment=slug, when=report.when, met=report.met, probes=probes))


@translated.register
def _(report: chaos.Armed, slug: str) -> Command:
    return Observed(event=ev.ExperimentArmed(experiment=slug))


@translated.register
def _(report: chaos.Learned, slug: str) -> Command:
    return ChangeConfiguration(experiment=slug, **asdict(report))


@translated.register
def _(report: chaos.ActivityStartedReport, slug: str) -> Command:
    return Observed(
        event=ev.ActivityStarted(experiment=slug, index=report.index, name=report.name, type=report.type),
    )


@translated.register
def _(report: chaos.ActivityEndedReport, slug: str) -> Command:
    return Observed(
        event=ev.ActivityEnded(
            experiment=slug,
            index=report.index,
            name=report.name,
            type=report.type,
            status=report.status,
            duration=report.duration,
            output=report.output,
            exception=report.exception,
            doubt=report.doubt,
        )
    )


@translated.register
def _(report: chaos.ControlBrokeReport, slug: str) -> Command:
    return Observed(
        event=ev.ControlBroke(
            experiment=slug,
            control=report.control,
            when=report.when,
            activity=report.activity,
            why=report.why,
            stops=report.stops,
        )
    )


@translated.register
def _(report: chaos.MethodEndedReport, slug: str) -> Command:
    return Observed(event=ev.MethodEnded(experiment=slug))


@translated.register
def _(report: chaos.ExperimentEndedReport, slug: str) -> Command:
    return Observed(event=ev.ExperimentEnded(experiment=slug, status=report.status, deviated=report.deviated))


@translated.register
def _(report: chaos.ChildFailed, slug: str) -> Command:
    return Observed(event=ev.ExperimentFailed(experiment=slug, why=report.why))


@translated.register
def _(report: chaos.ChildGone, slug: str) -> Command:
    why = f"its process ended unexpectedly ({report.returncode})"
    return Observed(event=ev.ExperimentFailed(experiment=slug, why=why))
