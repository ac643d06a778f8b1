"""Whatever anybody does, in whatever order, on whatever runbook: these hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.engine import commands as c
from runner.engine import events as e
from runner.engine.apply import apply
from runner.engine.availability import availability
from runner.engine.commands import Command, IllegalCommand, Order
from runner.engine.decide import decide, next_deadline
from runner.engine.dispatch import handler
from runner.engine.plan import Ask, Experiment, Indicator, Load, RunPlan, Step, StopRule, Verify
from runner.engine.state import State
from runner.specs.failure_rule import AskPeople, ContinueRunbook, GoToStep, StopRunbook
from runner.specs.injection_moment import AfterWarmUp, AtStep, Between, OnCommand
from runner.testing import Drive, bucket, sample_plan

IDS = ("a", "b", "c", "d")
INDICATOR = Indicator(name="checkouts succeed", source="load", at_least=0.99, degraded=0.95)
PROBE = Verify(probe={"provider": {"type": "tcp"}}, within=8.0)
WATCH = Verify(indicator=INDICATOR.name, lasting=2.0, within=8.0)
PHASES = ["", "preflight", "warm-up", "live", "undoing", "debrief", "closed"]

id_of_a_step = st.sampled_from(IDS)
ways_out = st.one_of(st.sampled_from([AskPeople(), StopRunbook(), ContinueRunbook()]), id_of_a_step.map(GoToStep))


@st.composite
def steps(draw: st.DrawFn) -> tuple[Step, ...]:
    return tuple(draw(step(step_id)) for step_id in IDS[: draw(st.sampled_from([2, 3, 4, 4, 1, 0]))])


@st.composite
def step(draw: st.DrawFn, step_id: str) -> Step:
    sort = draw(st.sampled_from(["command", "manual", "command", "choice", "manual", "anytime"]))
    return Step(
        id=step_id,
        name=step_id,
        run="run it" if sort == "command" else "",
        choose={"left": "a", "right": draw(id_of_a_step)} if sort == "choice" else {},
        anytime=sort == "anytime",
        every=20.0,
        approve=draw(st.sampled_from(["", "", "", "lead"])) if sort != "anytime" else "",
        confirm=draw(st.sampled_from(["", "", "Really?"])),
        ask=draw(st.sampled_from([(), (), (), (Ask(name="region", prompt="?"),)])),
        verify=draw(st.sampled_from([None, PROBE, WATCH])) if sort in ("manual", "command") else None,
        retry_max=draw(st.integers(0, 2)),
        retry_delay=draw(st.sampled_from([0.0, 3.0])),
        milestone=draw(st.sampled_from(["", "detected", "mitigated"])),
        on_failure=draw(ways_out),
        on_timeout=draw(st.one_of(st.none(), ways_out)),
        condition=draw(st.sampled_from(["", "steps.a.outcome == 'succeeded'", "answers.region != 'eu'"])),
        unattended=draw(st.sampled_from(["skip", "done", "fail", "verify"])),
        hint=draw(st.sampled_from(["", "look again"])),
    )


STOP_RULES: list[tuple[StopRule, ...]] = [
    (),
    (StopRule(indicator=INDICATOR.name, below=0.3, lasting=4.0),),
    (StopRule(target="gone", lasting=3.0), StopRule(indicator=INDICATOR.name, below=0.3, lasting=4.0)),
]


@st.composite
def plans(draw: st.DrawFn) -> RunPlan:
    moments = st.one_of(st.sampled_from([AfterWarmUp(), OnCommand(), Between(5.0, 30.0)]), id_of_a_step.map(AtStep))
    experiments = tuple(
        Experiment(slug=slug, document={}, document_hash="", inject=draw(moments), actions=draw(st.integers(0, 2)))
        for slug in ("x", "y")[: draw(st.integers(0, 2))]
    )
    return sample_plan(
        *draw(steps()),
        experiments=experiments,
        bare=bool(experiments) and draw(st.integers(0, 9)) == 0,
        load=draw(st.sampled_from([None, Load(locustfile="l", users=3, warm_up=4.0)])),
        indicators=draw(st.sampled_from([(), (INDICATOR,)])),
        stop_when=draw(st.sampled_from(STOP_RULES)),
        expect=draw(st.sampled_from(["impact", "no-impact"])),
        hold=2.0,
        impact_within=8.0,
        time_box=90.0,
        max_pause=15.0,
    )


STEP_COMMANDS: list[Command] = [
    c.Complete(),
    c.RunCommand(),
    c.Confirm(),
    c.Confirm(yes=False),
    c.Answer(name="region", value="eu"),
    c.Approve(),
    c.Approve(yes=False),
    c.Choose(label="left"),
    c.Choose(label="right"),
    c.Choose(label="nowhere"),
    c.Fail(why="it failed"),
    c.Skip(why="no time"),
    c.Skip(why=""),
    c.Retry(),
    c.ShowHint(),
    c.Dispute(text="wrong"),
    *(c.GoTo(step=step_id) for step_id in IDS),
    *(c.Complete(step=step_id) for step_id in IDS),
]
RUN_COMMANDS: list[Command] = [
    *(c.Milestone(name=word) for word in ("detected", "mitigated", "resolved", "nonsense")),
    c.Inject(),
    c.Inject(experiment="x"),
    c.Note(text="note"),
    c.Pause(why="fire drill"),
    c.Resume(),
    c.Join(person="alice"),
    c.Join(person="bob"),
    c.Leave(person="bob"),
    c.HandOver(to="bob"),
    c.Close(),
]
ENDINGS: list[Command] = [
    c.Abort(reason="stuck", why="x"),
    c.Stop(cause="broken", why="x"),
    c.Stop(cause="stopped", why="x", own_fault=True),
]

slugs = st.sampled_from(["x", "y"])
seen: st.SearchStrategy[e.Event] = st.one_of(
    st.builds(e.ExperimentLoaded, experiment=slugs),
    st.builds(e.ExperimentArmed, experiment=slugs),
    st.builds(e.HypothesisChecked, experiment=slugs, when=st.sampled_from(["before", "after"]), met=st.booleans()),
    st.builds(e.InjectionScheduled, experiment=slugs, due=st.floats(0, 60)),
    st.builds(e.FaultIntended, experiment=slugs, index=st.just(0), name=st.just("n"), document_hash=st.just("")),
    st.builds(e.ActivityStarted, experiment=slugs, index=st.just(0), name=st.just("n"), type=st.just("action")),
    st.builds(e.MethodEnded, experiment=slugs),
    st.builds(e.ExperimentEnded, experiment=slugs, status=st.just("completed")),
    st.builds(
        e.CommandEnded,
        step=id_of_a_step,
        attempt=st.integers(1, 3),
        exit_code=st.integers(0, 1),
        duration=st.just(1.0),
        timed_out=st.booleans(),
    ),
    st.builds(e.VerifyEnded, step=id_of_a_step, held=st.booleans()),
    st.builds(e.VerifyPrimed, step=id_of_a_step, held=st.booleans()),
    st.builds(e.LoadSpawned, users=st.just(3)),
    st.builds(e.NeedChecked, name=st.just("need"), met=st.just(True)),
    st.builds(e.TargetLost, why=st.just("no answer")),
    st.builds(e.TargetFound),
    st.builds(e.StepStarted, step=id_of_a_step),
    st.builds(e.UndoEnded),
    st.builds(e.RunClosed, ending=st.just("passed"), exit_code=st.just(0)),
)
commands: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(STEP_COMMANDS),
    st.sampled_from(STEP_COMMANDS),
    st.sampled_from(RUN_COMMANDS),
    st.builds(c.Observed, event=seen),
    st.just(c.Tick()),
)
#: A number is one of the things that are possible just then; the others are tried whether they are or not.
likely = st.integers(0, 1000)
moves = st.lists(
    st.tuples(
        st.one_of(likely, likely, commands, st.sampled_from([0.3, 1.0, 4.0])),
        st.sampled_from(["alice", "bob"]),
        st.sampled_from(["facilitator", "facilitator", "participant", "observer"]),
        st.sampled_from([None, None, 1.0, 0.97, 0.2]),
    ),
    min_size=10,
    max_size=40,
)


modes = st.sampled_from(["attended", "scripted", "alone"])


class Lawful(Drive):
    """A drive that checks every single decision, and every state."""

    refusals = 0

    def order(self, command: Command, *, by: str = "conductor", role: c.Role = "system", uid: int = -1) -> Drive:
        order = Order(command=command, t=self.clock.now(), by=by, uid=uid, role=role)
        try:
            events = decide(self.state, order)
        except IllegalCommand as why:
            assert str(why), "a refusal says why"  # noqa: PT017 - and goes on
            raise
        assert decide(self.state, order) == events
        super().order(command, by=by, role=role, uid=uid)
        self.check()
        return self

    def check(self) -> None:
        now = max(self.clock.now(), self.state.t)
        due = next_deadline(self.state)
        assert due is None or due > now
        busy = [v.id for v in self.state.steps.values() if v.status not in ("pending", "ended")]
        assert busy == ([self.state.current] if self.state.current else [])
        if self.state.phase in ("preflight", "warm-up", "live"):
            assert self.state.end is None
            assert decide(self.state, Order(command=c.Tick(), t=now)) == ()
            if due is not None:
                assert decide(self.state, Order(command=c.Tick(), t=due))


def fitting(drive: Drive) -> list[Command]:
    """What people may do with the step, or what the world would answer."""
    view = drive.state.steps.get(drive.state.current)
    order = {"t": drive.clock.now(), "by": "alice", "role": "facilitator"}
    allowed = [command for command in [*STEP_COMMANDS, *RUN_COMMANDS] if _allowed(drive.state, command, order)]
    answers: list[e.Event] = []
    if view and view.status == "running":
        ended = e.CommandEnded(step=view.id, attempt=view.attempt, exit_code=0, duration=1.0)
        answers = [ended, replace(ended, exit_code=1), replace(ended, exit_code=-9, timed_out=True)]
    if view and view.status == "verifying":
        answers = [e.VerifyEnded(step=view.id, held=True), e.VerifyEnded(step=view.id, held=False)]
    onward = [command for command in allowed if command in STEP_COMMANDS[:9]]
    return [*onward * 5, *(c.Observed(event=event) for event in answers * 10), *allowed]


def _allowed(state: State, command: Command, order: dict[str, Any]) -> bool:
    try:
        asked = Order(command=command, **order)
        return bool(handler(state, asked)(state, asked, command))
    except IllegalCommand:
        return False


def play(plan: RunPlan, people: str, world: bool, script: list[Any]) -> Lawful:
    drive = Lawful(plan, attended=people == "attended", scripted=IDS if people == "scripted" else (), world=world)
    drive.begin()
    if world:
        drive.order(c.PassPreflight())
        if plan.load and drive.state.phase == "warm-up":
            drive.observe(e.LoadSpawned(users=3))
        drive.wait(6)
        for experiment in plan.experiments:
            if isinstance(experiment.inject, Between) and drive.state.phase == "live":
                drive.observe(e.InjectionScheduled(experiment=experiment.slug, due=drive.clock.now() + 5.0))
    for move, by, role, value in script:
        drive.health = dict.fromkeys(drive.health, value) if value is not None else drive.health
        try:
            if isinstance(move, float):
                drive.wait(move)
            elif isinstance(move, int):
                options = fitting(drive) or [c.Tick()]
                chosen = options[move % len(options)]
                drive.order(chosen) if isinstance(chosen, c.Observed | c.Tick) else drive.say(chosen)
            elif isinstance(move, c.Observed | c.Tick):
                drive.order(move)
            else:
                drive.say(move, by=by, role=role)
        except IllegalCommand:
            drive.refusals += 1
    return drive


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    plan=plans(),
    people=modes,
    world=st.sampled_from([True, True, True, False]),
    script=moves,
    ending=st.sampled_from([None, *ENDINGS]),
)
def test_no_illegal_transition_is_possible(
    plan: RunPlan, people: str, world: bool, script: list[Any], ending: Command | None
) -> None:
    drive = play(plan, people, world, script)
    if ending is not None and drive.state.end is None:
        drive.order(ending)
    _phases_go_forward(drive)
    _one_outcome_for_each_visit(drive)
    _one_end_and_no_fault_after_it(drive)
    _commands_one_after_the_other(drive)
    _replay_gives_the_same(drive)
    assert all(isinstance(why, str) for why in availability(drive.state, "facilitator", by="alice").reasons.values())


def _phases_go_forward(drive: Drive) -> None:
    entered = [PHASES.index(event.phase) for event in drive[e.PhaseEntered]]
    assert entered == sorted(set(entered))
    if drive.state.phase == "closed":
        assert isinstance(drive.log[-1].event, e.RunClosed)


def _one_outcome_for_each_visit(drive: Drive) -> None:
    anytime = {step.id for step in drive.plan.steps if step.anytime}
    started = Counter(event.step for event in drive[e.StepStarted])
    ended = Counter(event.step for event in drive[e.StepEnded] if event.why != "if" and event.step not in anytime)
    for step_id, view in drive.state.steps.items():
        if step_id in anytime:
            continue
        assert view.visits == started[step_id]
        assert started[step_id] - ended[step_id] == (drive.state.current == step_id)
    # Nothing of a step happens but between its start and its end.
    current = ""
    for recorded in drive.log:
        event = recorded.event
        if isinstance(event, e.StepStarted):
            assert current == ""
            current = event.step
        elif isinstance(event, e.StepDone | e.CommandIntended | e.VerifyStarted | e.StepFailing | e.RetryScheduled):
            assert event.step == current or event.step in anytime
        elif isinstance(event, e.StepEnded) and event.step == current:
            current = ""


def _one_end_and_no_fault_after_it(drive: Drive) -> None:
    kinds = drive.kinds()
    assert kinds.count("end-decided") <= 1
    if "end-decided" in kinds:
        rest = kinds[kinds.index("end-decided") :]
        assert rest[1] == "phase-entered"
        forbidden = {"fault-intended", "injection-ordered", "step-started", "command-intended", "milestone-reached"}
        assert not forbidden & set(rest)
    for recorded in drive.log:
        if isinstance(recorded.event, e.FaultIntended):
            slug = recorded.event.experiment
            before = [r.event for r in drive.log[: recorded.seq] if isinstance(r.event, e.InjectionOrdered)]
            assert slug in {word.experiment for word in before}


def _commands_one_after_the_other(drive: Drive) -> None:
    intended = [r.event for r in drive.log if isinstance(r.event, e.CommandIntended | e.StepStarted)]
    for before, after in pairwise(intended):
        if isinstance(after, e.CommandIntended):
            number = before.attempt if isinstance(before, e.CommandIntended) else 0
            assert (after.step, after.attempt) == (before.step, number + 1)


def _replay_gives_the_same(drive: Drive) -> None:
    assert reduce(apply, drive.log, State.empty()) == drive.state


@settings(max_examples=60)
@given(plan=plans(), script=moves, cut=st.floats(0, 1))
def test_a_prefix_and_the_rest_give_the_same_state(plan: RunPlan, script: list[Any], cut: float) -> None:
    log = play(plan, "attended", True, script).log
    place = int(len(log) * cut)
    prefix = reduce(apply, log[:place], State.empty())
    again = reduce(apply, log[:place], State.empty())
    assert prefix == again
    whole = reduce(apply, log[place:], prefix)
    assert whole == reduce(apply, log, State.empty())
    assert prefix == again, "folding on changed the state it began with"


@settings(max_examples=100)
@given(
    log=st.lists(
        st.one_of(
            seen,
            st.sampled_from(
                [
                    e.TailTorn(file="t", bytes=3),
                    e.Paused(why="x"),
                    e.Resumed(),
                    e.PhaseEntered(phase="live"),
                    e.PhaseEntered(phase="undoing"),
                    e.StepEnded(step="zz", outcome="failed"),
                    e.StepEnded(step="a", outcome="failed", to="zz"),
                    e.Unrecognised(name="new"),
                ]
            ),
        ),
        max_size=30,
    )
)
def test_any_events_in_any_order_make_a_state(log: list[e.Event]) -> None:
    begun = Drive(sample_plan(Step(id="a", name="A"), Step(id="b", name="B")), world=False).begin()
    for state in (State.empty(), begun.state):
        for number, event in enumerate(log):
            state = apply(state, e.Recorded(number, "", float(number), "someone", event))
        next_deadline(state)


def test_a_long_run_does_not_make_a_large_state() -> None:
    drive = Drive(sample_plan(Step(id="a", name="A"), time_box=1e9), world=True).start()
    indicator = drive.plan.indicators[0]
    state, sizes = drive.state, []
    for second in range(20_000):
        event = bucket(indicator, float(second), 0.2 if second % 7 else 1.0)
        state = apply(state, e.Recorded(second, "", float(second), "x", event))
        if second in (2_000, 19_999):
            sizes.append(len(repr(state)) + len(repr(state.episodes._fold.snapshot())))
    assert sizes[1] < sizes[0] * 1.2
