"""A run of the engine alone: people's commands are given by the test, what the world does is simulated."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from runner.engine import events as e
from runner.engine.apply import apply
from runner.engine.commands import (
    Command,
    IllegalCommand,
    Join,
    Observed,
    Order,
    PassPreflight,
    RequestAction,
    Role,
    Tick,
)
from runner.engine.decide import decide
from runner.engine.plan import Experiment, Indicator, Load, RunPlan, Step, Target
from runner.engine.plan_json import plan_to_json
from runner.engine.rules.schedule import next_deadline
from runner.engine.state import State
from runner.testing.clock import ManualClock


def sample_plan(*steps: Step, **changes: Any) -> RunPlan:
    """A drill with one fault (`gateway-errors`), load, and one indicator (`checkouts succeed`); hold is 5 s."""
    sample = RunPlan(
        name="Payment gateway outage",
        slug="payment-gateway-outage",
        target=Target(name="sandbox", kind="sandbox", environment="sandbox"),
        steps=steps,
        experiments=(Experiment(slug="gateway-errors", document={}, document_hash="", actions=1),),
        load=Load(locustfile="locustfile.py", users=4, warm_up=6.0),
        indicators=(Indicator(name="checkouts succeed", source="load", at_least=0.99, degraded=0.95),),
        hold=5.0,
        impact_within=30.0,
        time_box=600.0,
        # Steps begin at once; nobody has to say that he noticed.
        reveal="always",
    )
    return replace(sample, **changes)


@dataclass
class Drive:
    """A run of the engine alone. What people do is said, what the world does is simulated.

    `health` gives each indicator's value, second by second: a number that lasts until it is changed; it begins inside
    the tolerance. While `world` is true, experiments load, arm, inject and are undone at once. `commands` gives the exit
    codes of a step's commands, one for each attempt; a step that is not in it runs until `command_ended` is called.
    """

    plan: RunPlan
    attended: bool = True
    scripted: tuple[str, ...] = ()
    world: bool = True
    commands: dict[str, list[int]] = field(default_factory=dict)
    health: dict[str, float | None] = field(default_factory=dict)
    clock: ManualClock = field(default_factory=ManualClock)
    state: State = field(default_factory=State.empty)
    log: list[e.Recorded] = field(default_factory=list)

    def __post_init__(self) -> None:
        for indicator in self.plan.indicators:
            self.health.setdefault(indicator.name, healthy(indicator))

    # -- looking ---------------------------------------------------------------------------------------------------

    def __getitem__(self, kind: type[e.Event]) -> list[Any]:
        """All events of that kind so far."""
        return [recorded.event for recorded in self.log if isinstance(recorded.event, kind)]

    def kinds(self, since: int = 0) -> list[str]:
        """The names of the events from the `since`-th on, samples left out."""
        return [r.event.kind for r in self.log[since:] if not isinstance(r.event, e.IndicatorJudged)]

    def when(self, kind: type[e.Event]) -> float:
        """The time of the first event of that kind, in s. Raises StopIteration."""
        return next(recorded.t for recorded in self.log if isinstance(recorded.event, kind))

    def step(self, step_id: str) -> Any:
        """A step's view."""
        return self.state.steps[step_id]

    # -- beginning -------------------------------------------------------------------------------------------------

    def begin(self) -> Drive:
        """The first line: preflight."""
        return self.observe(
            e.RunStarted(
                run="r1",
                plan=plan_to_json(self.plan),
                attended=self.attended,
                scripted=self.scripted,
                person="alice" if self.attended else "",
            )
        )

    def warm_up(self) -> Drive:
        """Through preflight: the load ramps within a second."""
        self.begin()
        self.order(PassPreflight())
        if self.plan.load:
            self.observe(e.LoadStarted(users=0))
            self.wait(1)
            self.observe(e.LoadSpawned(users=self.plan.load.users))
        return self

    def start(self) -> Drive:
        """On to live. Raises AssertionError when it does not come to that."""
        self.warm_up()
        for _ in range(300):
            if self.state.phase != "warm-up":
                break
            self.wait(1)
        if self.state.live_t is None:
            raise AssertionError(f"not live: {self.state.phase}, {self.state.end}")
        return self

    # -- doing -----------------------------------------------------------------------------------------------------

    def order(self, command: Command, *, by: str = "conductor", role: Role = "system", uid: int = -1) -> Drive:
        """Decide, write down, and let the world answer. Raises IllegalCommand."""
        order = Order(command=command, t=self.clock.now(), by=by, uid=uid, role=role)
        written = [self._write(event, by) for event in decide(self.state, order)]
        for recorded in written:
            if self.world:
                self._answer(recorded.event)
        return self

    def say(self, command: Command, by: str = "alice", role: Role = "facilitator", uid: int = 1000) -> Drive:
        """A person asks for something. Raises IllegalCommand."""
        return self.order(command, by=by, role=role, uid=uid)

    def refused(self, command: Command, by: str = "alice", role: Role = "facilitator", uid: int = 1000) -> str:
        """Why a person may not do that; the state must stay as it was. Raises AssertionError when it is possible."""
        before = self.state
        try:
            self.say(command, by, role, uid)
        except IllegalCommand as why:
            if self.state != before:
                raise AssertionError("a refused command changed the state") from why
            return str(why)
        raise AssertionError(f"{command} was possible")

    def join(self, *names: str, role: Role = "facilitator", uid: int = 1000) -> Drive:
        """These people are there, from one account."""
        for name in names:
            self.say(Join(person=name), by=name, role=role, uid=uid)
        return self

    def observe(self, event: e.Event) -> Drive:
        """Something happened."""
        return self.order(Observed(event=event))

    def command_ended(self, step: str, exit_code: int = 0, **more: Any) -> Drive:
        """The step's command ends; `more` of the event's fields may be given."""
        attempt = self.state.steps[step].attempt
        return self.observe(e.CommandEnded(step=step, attempt=attempt, exit_code=exit_code, duration=0.0, **more))

    # -- time ------------------------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> Drive:
        """Let time pass: deadlines fall due, and every second the indicators are judged."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            due = next_deadline(self.state)
            second = math.floor(self.clock.now()) + 1.0
            stop = min(end, second, end if due is None else max(due, self.clock.now()))
            self.clock.advance_to(stop)
            if stop >= second:
                self._judge(second - 1.0)
            self.order(Tick())
        return self

    def wait_for(self, kind: type[e.Event], within: float = 600.0) -> Drive:
        """Let time pass until that happens. Raises AssertionError."""
        end = self.clock.now() + within
        while not self[kind]:
            if self.clock.now() >= end:
                raise AssertionError(f"no {kind.kind} within {within:g} s; {self.kinds()}")
            self.wait(0.5)
        return self

    def finish(self) -> Drive:
        """Wait for the end, and through the undo to the debrief."""
        return self.wait_for(e.EndDecided, within=self.plan.time_box + 60)

    # -- the world -------------------------------------------------------------------------------------------------

    def _write(self, event: e.Event, by: str) -> e.Recorded:
        stamp = self.clock.stamp()
        recorded = e.Recorded(len(self.log), stamp.at, stamp.t, by, event)
        self.state = apply(self.state, recorded)
        self.log.append(recorded)
        return recorded

    def _judge(self, since: float) -> None:
        """One bucket of each indicator, from the second in which something could be measured."""
        measurable = self.plan.load is None or self.state.load.spawned_t is not None
        if self.state.phase not in ("warm-up", "live") or not measurable:
            return
        for indicator in self.plan.indicators:
            if indicator.source == "load" and self.state.load.ended_t is not None:
                continue
            self.observe(bucket(indicator, since, self.health[indicator.name]))

    def _answer(self, event: e.Event) -> None:
        for answer in _WORLD.get(type(event), _nothing)(self, event):
            self.order(answer if isinstance(answer, Command) else Observed(event=answer))


def action_request(slug: str, name: str = "break it", *, index: int = 0, refusal: str = "") -> RequestAction:
    """What a chaos child asks before an action; `refusal` as the guard's."""
    return RequestAction(
        experiment=slug, index=index, name=name, provider={}, configuration={}, background=False, refusal=refusal
    )


def healthy(indicator: Indicator) -> float:
    """A value well inside the tolerance."""
    if indicator.at_least is not None:
        return max(1.0, indicator.at_least)
    return (indicator.at_most or 0.0) / 2


def bucket(indicator: Indicator, since: float, value: float | None) -> e.IndicatorJudged:
    """The second from `since` on in which `indicator` had that value; None is a second without a request."""
    ok = _within(value, indicator.at_least, indicator.at_most)
    degraded = ok or (
        indicator.degraded is not None
        and _within(
            value,
            None if indicator.at_least is None else indicator.degraded,
            None if indicator.at_most is None else indicator.degraded,
        )
    )
    seen = value is not None
    return e.IndicatorJudged(
        indicator=indicator.name,
        since=since,
        n=10 if seen else 0,
        value=value,
        ok=ok,
        degraded_ok=degraded,
        first=since if seen else None,
        bad_from=since if seen and not ok else None,
        bad_until=since + 0.9 if seen and not ok else None,
        degraded_bad_until=since + 0.9 if seen and not degraded else None,
    )


def _within(value: float | None, at_least: float | None, at_most: float | None) -> bool:
    if value is None:
        return False
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


# -- what the fake world does of itself --------------------------------------------------------------------------------

_World = Callable[[Drive, Any], Iterable[e.Event | Command]]


def _nothing(_drive: Drive, _event: e.Event) -> Iterable[e.Event | Command]:
    return ()


def _loads(drive: Drive, event: e.PhaseEntered) -> Iterable[e.Event]:
    if event.phase == "preflight":
        yield from (e.ExperimentLoaded(experiment=experiment.slug) for experiment in drive.plan.experiments)
    if event.phase == "undoing":
        yield from _undoes(drive)


def _undoes(drive: Drive) -> Iterable[e.Event]:
    faults = tuple(slug for slug, view in drive.state.experiments.items() if view.fault_open)
    yield e.UndoStarted(experiments=faults)
    yield from (e.FaultUndone(experiment=slug, how="verified") for slug in faults)
    yield e.UndoEnded()


def _arms(_drive: Drive, event: e.ArmingBegun) -> Iterable[e.Event]:
    yield e.ExperimentArmed(experiment=event.experiment)


def _injects(drive: Drive, event: e.InjectionOrdered) -> Iterable[e.Event | Command]:
    slug = event.experiment
    if drive.state.ending:
        return
    yield action_request(slug)
    yield e.ActivityStarted(experiment=slug, index=0, name="break it", type="action")
    yield e.ActivityEnded(experiment=slug, index=0, name="break it", type="action", status="succeeded")
    yield e.MethodEnded(experiment=slug)
    if drive.plan.bare:
        yield e.ExperimentEnded(experiment=slug, status="completed")


def _runs(drive: Drive, event: e.CommandIntended) -> Iterable[e.Event]:
    codes = drive.commands.get(event.step)
    if codes:
        yield e.CommandStarted(step=event.step, attempt=event.attempt, pid=1)
        yield e.CommandEnded(step=event.step, attempt=event.attempt, exit_code=codes.pop(0), duration=0.0)


_WORLD: dict[type[e.Event], _World] = {
    e.PhaseEntered: _loads,
    e.ArmingBegun: _arms,
    e.InjectionOrdered: _injects,
    e.CommandIntended: _runs,
}
