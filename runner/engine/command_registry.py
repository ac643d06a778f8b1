"""Every command, declared once. The socket, roles, phases, help, completion, palette and `tell` are made of this,
through `runner.engine.command_lookup`.

A new command is its class in `commands`, the function that decides it, and its entry here.
"""

from __future__ import annotations

from runner.engine import command_examples as examples
from runner.engine import commands as c
from runner.engine import fault_commands, run_commands, step_commands
from runner.engine.command_spec import CHOICE, REASON, TEXT, YES, Action, CommandSpec, Handler
from runner.engine.commands import Command, Order, Role
from runner.engine.phases import Phase
from runner.engine.roles import EVERYBODY, FACILITATOR, NOBODY, TEAM
from runner.engine.rules import injection
from runner.engine.state import State
from runner.engine.step_commands import on_step

_UNDER_WAY: tuple[Phase, ...] = ("preflight", "warm-up", "live")
_ALWAYS: tuple[Phase, ...] = (*_UNDER_WAY, "undoing", "debrief")


def _in(handler: Handler, *phases: Phase) -> dict[Phase, Handler]:
    return dict.fromkeys(phases, handler)


def _ending(handler: Handler) -> dict[Phase, Handler]:
    """Ends a run that is under way, and the debrief of one that is over."""
    return {
        **_in(handler, *_UNDER_WAY),
        "undoing": run_commands.already_ending,
        "debrief": run_commands.close_debrief,
    }


# -- who may not, though their role may --------------------------------------------------------------------------------

OBSERVERS = "an observer watches: notes and an abort are all an observer may do"


def _only_notes(_state: State, order: Order, role: Role) -> str:
    note = order.command
    own = isinstance(note, c.Note) and note.type == "note"
    return OBSERVERS if role == "observer" and not own else ""


def _closed_by_facilitator(state: State, _order: Order, role: Role) -> str:
    led = any(person.role == "facilitator" for person in state.present)
    return "the facilitator closes the debrief" if role == "participant" and led else ""


# -- the commands, in the order in which help lists them ---------------------------------------------------------------


def _live(
    command: type[Command], word: str, about: str, handler: Handler, *actions: Action, roles: frozenset[Role] = TEAM
) -> CommandSpec:
    """What is possible in the live part of a run alone."""
    return CommandSpec(
        command=command, word=word, about=about, roles=roles, phases=_in(handler, "live"), actions=actions
    )


def _milestone(key: str, name: str, label: str) -> Action:
    return Action(name=name, key=key, label=label, values=(("name", name),))


_OF_STEPS = (
    _live(
        c.Complete,
        "complete",
        "this step is done, or the named one, which may be done at any time",
        step_commands.complete,
        Action(name="complete"),
    ),
    _live(c.RunCommand, "run", "start the step's command", on_step, Action(name="run")),
    _live(c.Confirm, "confirm", "go ahead, or do not", on_step, Action(name="confirm")),
    _live(c.Approve, "approve", "somebody else may go ahead, or may not", on_step, Action(name="approve")),
    _live(
        c.Answer,
        "answer",
        "what the step asks for; without a value its default",
        on_step,
        Action(name="answer", example=examples.question),
    ),
    _live(
        c.Choose,
        "choose",
        "which way the runbook goes on",
        on_step,
        Action(name="choose", example=examples.label),
    ),
)

_OF_RUNBOOK = (
    _live(
        c.Milestone,
        "milestone",
        "it is reached, before a step says so",
        run_commands.milestone,
        _milestone("1", "detected", "Detected"),
        _milestone("2", "acknowledged", "Acknowledged"),
        _milestone("3", "mitigated", "Mitigated"),
        _milestone("4", "resolved", "Resolved"),
    ),
    _live(
        c.Fail,
        "fail",
        "the step has failed",
        on_step,
        Action(
            name="fail",
            example=examples.why,
            key="f",
            label="Step failed",
            asks=REASON,
            prompt="What failed?",
            of_step=True,
        ),
    ),
    _live(
        c.Skip,
        "skip",
        "leave the step out",
        on_step,
        Action(
            name="skip",
            example=examples.why,
            key="k",
            label="Skip the step",
            asks=REASON,
            prompt="Why is it skipped?",
            of_step=True,
        ),
    ),
    _live(
        c.Retry,
        "retry",
        "try the step that failed again",
        on_step,
        Action(name="retry", key="t", label="Try again"),
    ),
    _live(
        c.GoTo,
        "go-to",
        "leave the step for another one",
        step_commands.go_to,
        Action(
            name="go-to",
            example=examples.step,
            key="g",
            label="Go to the chosen step",
            asks=YES,
            prompt="Go to",
            of_step=True,
        ),
    ),
    _live(
        c.ShowHint,
        "show-hint",
        "show the step's hint",
        step_commands.show_hint,
        Action(name="show-hint", key="h", label="Show a hint", short="Hint"),
    ),
    CommandSpec(
        command=c.Dispute,
        word="dispute",
        about="the step is wrong, and what it should say",
        roles=TEAM,
        phases=_in(step_commands.dispute, "live", "debrief"),
        actions=(
            Action(
                name="dispute",
                example=examples.text,
                key="exclamation_mark",
                label="This step is wrong",
                short="Step is wrong",
                asks=TEXT,
                prompt="What should it say?",
                of_step=True,
            ),
        ),
    ),
)

_OF_RUN = (
    CommandSpec(
        command=c.Note,
        word="note",
        about="a note, an action item or a mark; in the debrief a rating from 1 to 5",
        roles=EVERYBODY,
        objects=_only_notes,
        phases=_in(run_commands.note, *_ALWAYS),
        actions=(
            Action(
                name="note",
                example=examples.text,
                values=(("type", "note"),),
                key="n",
                label="Note",
                screens=("room", "debrief"),
                asks=TEXT,
                prompt="Note: what was seen, said or done?",
            ),
            Action(
                name="action",
                example=examples.text,
                values=(("type", "action"),),
                key="a",
                label="Action item",
                screens=("room", "debrief"),
                asks=TEXT,
                prompt="Action item: who does what?",
            ),
            Action(name="mark", values=(("type", "mark"), ("text", "mark")), key="m", label="Mark this moment"),
            Action(
                name="rate",
                example=lambda _: {"text": "3", "about": c.RATED[0]},
                values=(("type", "rating"),),
                key="r",
                label="Rate",
                screens=("debrief",),
                asks=CHOICE,
            ),
        ),
    ),
    _live(
        c.HandOver,
        "hand-over",
        "another person has the step now",
        step_commands.hand_over,
        Action(
            name="hand-over",
            example=examples.taker,
            key="o",
            label="Hand over",
            asks=CHOICE,
            prompt="Who takes the step?",
            of_step=True,
        ),
    ),
    _live(
        c.Inject,
        "inject",
        "inject an experiment that waits for the facilitator",
        injection.inject,
        Action(name="inject", key="i", label="Inject now"),
        roles=FACILITATOR,
    ),
    _live(
        c.Pause,
        "pause",
        "the clocks of steps and time-box stand still; the fault stays in",
        run_commands.pause,
        Action(
            name="pause", example=examples.why, key="p", label="Pause", asks=REASON, prompt="Why does the drill pause?"
        ),
    ),
    _live(
        c.Resume, "resume", "go on after a pause", run_commands.resume, Action(name="resume", key="u", label="Go on")
    ),
    # Whoever sees that it has to stop may stop it.
    CommandSpec(
        command=c.Abort,
        word="abort",
        about="end the run, with undo",
        roles=EVERYBODY,
        phases=_ending(run_commands.abort),
        actions=(
            Action(
                name="abort",
                example=lambda _: {"reason": "logistics", "why": "…"},
                key="x",
                label="Abort",
                asks=CHOICE,
                prompt="Abort the drill?",
            ),
        ),
    ),
    CommandSpec(
        command=c.Close,
        word="close",
        about="close the debrief",
        roles=TEAM,
        objects=_closed_by_facilitator,
        phases=_in(run_commands.close_debrief, "debrief"),
        actions=(Action(name="close", key="z", label="Close the debrief", short="Close", screens=("room", "debrief")),),
    ),
    CommandSpec(
        command=c.Halt,
        word="halt",
        about="end the run, as every run on this machine ends",
        roles=EVERYBODY,
        phases=_ending(run_commands.halt),
    ),
    CommandSpec(
        command=c.Join, word="join", about="somebody is here", roles=EVERYBODY, phases=_in(run_commands.join, *_ALWAYS)
    ),
    CommandSpec(
        command=c.Leave,
        word="leave",
        about="somebody is no longer here",
        roles=EVERYBODY,
        phases=_in(run_commands.leave, *_ALWAYS),
    ),
)

_OF_THE_SYSTEM = (
    CommandSpec(
        command=c.Observed,
        word="observed",
        roles=NOBODY,
        phases={
            "": run_commands.begin,
            **_in(run_commands.observe, *_UNDER_WAY, "undoing"),
            "debrief": run_commands.close,
        },
    ),
    CommandSpec(
        command=c.RequestAction,
        word="request-action",
        roles=NOBODY,
        phases=_in(fault_commands.request_action, *_ALWAYS),
    ),
    CommandSpec(
        command=c.ReportConfiguration,
        word="report-configuration",
        roles=NOBODY,
        phases=_in(fault_commands.report_configuration, *_ALWAYS),
    ),
    CommandSpec(
        command=c.ChangeConfiguration,
        word="change-configuration",
        roles=NOBODY,
        phases=_in(fault_commands.change_configuration, *_ALWAYS),
    ),
    CommandSpec(command=c.Tick, word="tick", roles=NOBODY, phases=_in(run_commands.tick, *_ALWAYS)),
    CommandSpec(
        command=c.PassPreflight,
        word="pass-preflight",
        roles=NOBODY,
        phases=_in(run_commands.pass_preflight, "preflight"),
    ),
    CommandSpec(command=c.Stop, word="stop", roles=NOBODY, phases=_ending(run_commands.stop)),
)

COMMANDS: tuple[CommandSpec, ...] = (*_OF_STEPS, *_OF_RUNBOOK, *_OF_RUN, *_OF_THE_SYSTEM)
