"""The registry of commands: each is declared whole, and everything that knows of commands knows them from there."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args, get_type_hints

import click
import pytest

from runner.cli.main import gameday
from runner.control.protocol import message_of, parse_command
from runner.engine import commands as c
from runner.engine.availability import Availability, availability
from runner.engine.command_lookup import ACTIONS, BY_WORD, COMMAND_OF, actions_on, command_for, example, spec_of, typed
from runner.engine.command_registry import COMMANDS
from runner.engine.command_spec import CHOICE, YES, Action, CommandSpec, Screen
from runner.engine.commands import Command, IllegalCommand, Order, Role
from runner.engine.decide import decide
from runner.engine.dispatch import permit
from runner.engine.phases import Phase
from runner.engine.plan import MILESTONES, Ask, Step
from runner.engine.state import State
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.operator_script import StepScript, WhenScript
from runner.testing import Drive, sample_plan
from runner.views.tui.screens import room_screen

_ROLES: tuple[Role, ...] = ("facilitator", "observer", "participant")
_PHASES = get_args(Phase)
_LOOK = Step(id="look", name="Look", ask=(Ask(name="region", prompt="Which?"),), choose={"left": "look"})
every_command = pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.word)
every_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)


def _drive() -> Drive:
    return Drive(sample_plan(_LOOK)).start().join("alice")


def _filled(spec: CommandSpec) -> Command:
    """The command with some value of the right type everywhere."""
    kinds = get_type_hints(spec.command)
    values = {field.name: (get_args(kinds[field.name])[:1] or ("x",))[0] for field in fields(spec.command)}
    return spec.command(**values)


# -- declared whole ----------------------------------------------------------------------------------------------------


def test_every_command_is_declared_once() -> None:
    # Other tests make commands of their own.
    own = [kind for kind in Command.__subclasses__() if kind.__module__ == Command.__module__]
    assert sorted(spec.command.__name__ for spec in COMMANDS) == sorted(kind.__name__ for kind in own)
    assert len({spec.word for spec in COMMANDS}) == len(COMMANDS)
    actions = [action.name for spec in COMMANDS for action in spec.actions]
    assert sorted(actions) == sorted(ACTIONS)


@every_command
def test_a_command_of_people_says_what_it_does_and_the_systems_own_has_no_word_that_they_could_send(
    spec: CommandSpec,
) -> None:
    assert bool(spec.about) == bool(spec.roles) == (spec.word in BY_WORD)
    assert spec.phases
    assert set(spec.phases) <= set(_PHASES)


@pytest.mark.parametrize("screen", get_args(Screen))
def test_on_a_screen_every_key_means_one_thing_and_says_which(screen: Screen) -> None:
    keys = [action.key for action in actions_on(screen)]
    assert len(set(keys)) == len(keys) > 0
    assert all(action.label for action in actions_on(screen))


@every_action
def test_a_screen_that_asks_for_a_text_has_a_value_to_put_it_in_and_a_question(action: Action) -> None:
    takes = {each.name for each in COMMAND_OF[action.name].parameters}
    assert action.asks in ("", "choice", "yes") or action.asks in takes
    assert bool(action.prompt) == bool(action.asks) or action.name == "rate"


@every_action
def test_a_key_gives_all_that_its_command_needs(action: Action) -> None:
    # What is answered by a choice or a yes is put in by the screen.
    if action.key and action.asks not in (CHOICE, YES):
        assert command_for(action, **({action.asks: "x"} if action.asks else {}))


def test_every_milestone_is_an_action() -> None:
    assert [action.values for action in COMMAND_OF["detected"].actions] == [(("name", name),) for name in MILESTONES]


@every_action
@pytest.mark.parametrize("state", [State(), _drive().state], ids=["before it starts", "live"])
def test_the_example_of_an_action_is_a_message_that_the_socket_takes(action: Action, state: State) -> None:
    command = example(action, state)
    assert parse_command(message_of(command)) == command


# -- what is made of it ------------------------------------------------------------------------------------------------


@every_command
@pytest.mark.parametrize("role", _ROLES)
def test_a_role_may_what_the_registry_says_and_no_more(spec: CommandSpec, role: Role) -> None:
    order = Order(command=_filled(spec), t=1.0, by="dora", uid=1000, role=role)
    state = Drive(sample_plan(_LOOK)).start().state
    if role in spec.roles:
        permit(state, order, spec_of(order.command))
    else:
        with pytest.raises(IllegalCommand):
            permit(state, order, spec_of(order.command))


@every_command
@pytest.mark.parametrize("phase", _PHASES)
def test_a_phase_that_is_not_declared_refuses(spec: CommandSpec, phase: Phase) -> None:
    if phase in spec.phases:
        return
    state = _drive().state.but(phase=phase)
    with pytest.raises(IllegalCommand, match="the run "):
        decide(state, Order(command=_filled(spec), t=state.t))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (c.Complete(), "complete"),
        (c.Complete(step="tell"), "complete step=tell"),
        (c.RunCommand(), "run"),
        (c.Confirm(), "confirm"),
        (c.Confirm(yes=False), "confirm yes=no"),
        (c.Answer(name="REGION", value="eu west"), "answer name=REGION 'value=eu west'"),
        (c.Note(text="x", type="action"), "note text=x type=action"),
        (c.GoTo(step="last"), "go-to step=last"),
    ],
)
def test_a_command_as_it_is_typed(command: Command, words: str) -> None:
    assert typed(command) == words


@pytest.mark.parametrize(
    ("word", "usage"),
    [
        ("resume", "resume"),
        ("confirm", "confirm [yes=yes|no]"),
        ("note", "note text=… [type=note|action|mark|rating] [about=confidence|runbook|realism]"),
        ("milestone", "milestone name=detected|acknowledged|mitigated|resolved"),
        ("skip", "skip why=…"),
    ],
)
def test_how_a_command_is_written(word: str, usage: str) -> None:
    assert BY_WORD[word].usage == usage


def _options(command: str, name: str) -> set[str]:
    """What an option of a `gameday` command takes."""
    found = gameday.get_command(click.Context(gameday), command)
    assert found is not None
    option = next(each for each in found.params if each.name == name)
    assert isinstance(option.type, click.Choice)
    return set(option.type.choices)


@pytest.mark.parametrize("command", ["tell", "attach", "run", "walk"])
def test_the_command_line_offers_every_role_of_people(command: str) -> None:
    assert _options(command, "role") == set(_ROLES)


def test_everybody_offers_the_reasons_that_an_abort_takes() -> None:
    reasons = set(next(each for each in BY_WORD["abort"].parameters if each.name == "reason").choices)
    assert _options("abort", "reason") == reasons == set(room_screen._ABORT_REASONS)
    assert {each for part in get_args(get_type_hints(WhenScript)["abort"]) for each in get_args(part)} == reasons


@pytest.mark.parametrize("files", [StepScript, WhenScript])
def test_an_operators_file_may_say_every_milestone(files: type) -> None:
    assert {each for part in get_args(get_type_hints(files)["say"]) for each in get_args(part)} == set(MILESTONES)


# -- an unknown name is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "dance", "milestone detected", "hint", "Complete", "abort ", "tick", "stop"])
@pytest.mark.parametrize("role", _ROLES)
def test_a_name_that_no_action_has_is_never_possible(name: str, role: Role) -> None:
    assert availability(_drive().state, role, "alice").why_not(name)


@every_action
def test_what_nothing_is_known_of_is_not_possible(action: Action) -> None:
    assert Availability({}).why_not(action.name)


def test_every_action_has_an_answer_in_every_phase() -> None:
    for phase in _PHASES:
        may = availability(_drive().state.but(phase=phase), "facilitator", "alice")
        assert may.reasons.keys() == ACTIONS.keys()


@lazy_dataclass(frozen=True, kw_only=True)
class _Undeclared(Command):
    """A command that the registry does not know."""


@pytest.mark.parametrize("role", [*_ROLES, "system"])
def test_a_command_that_is_not_declared_is_refused_whoever_gives_it(role: Role) -> None:
    with pytest.raises(IllegalCommand, match="not a command"):
        decide(_drive().state, Order(command=_Undeclared(), t=9.0, by="alice", role=role))
    with pytest.raises(IllegalCommand):
        spec_of(_Undeclared())
