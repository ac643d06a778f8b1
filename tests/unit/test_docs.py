"""The documentation speaks of this program: its files are read, its commands typed, its names looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from runner.cli.main import gameday
from runner.control.protocol import parse_command
from runner.engine.command_lookup import BY_WORD
from runner.engine.events import KINDS
from runner.scoring.scorecard import Scorecard, Times
from runner.specs import drill, experiment, load_spec, operator_script, probe_spec, runbook_spec, target_spec
from runner.specs.catalogue import Catalogue
from runner.specs.drill_checks import read_drill
from runner.specs.yaml import parse, read_document

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_SHELLS = ("", "sh", "bash", "shell", "console")
#: Stands for what the reader fills in: DRILL, [RUN], KEY=VALUE, …
_PLACEHOLDER = re.compile(r"[A-Z\[…<\"$].*|\.\.\.")


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, its line, what stands after the fence, what is in it."""

    page: Path
    line: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def _blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(page, text[: found.start()].count("\n") + 1, found[1].strip(), found[2])
        for found in _FENCE.finditer(text)
    ]


def _prose(page: Path) -> list[str]:
    """The page's lines without its fenced blocks."""
    return _FENCE.sub("", page.read_text()).splitlines()


def _yaml(info: str) -> list[Block]:
    return [block for page in _PAGES for block in _blocks(page) if block.info == info]


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", _yaml("yaml"), ids=str)
def test_a_whole_file_in_the_docs_is_read_without_a_complaint(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(block.text)
    catalogue = Catalogue(tmp_path)
    if catalogue.kind(path) == "drill":
        # Alone: the files that it names are not on the page.
        document = read_document(path, str(block))
        assert read_drill(document)[1].problems() == []
    else:
        assert catalogue.check([path]) == []


@pytest.mark.parametrize("block", _yaml("yaml fragment"), ids=str)
def test_a_fragment_in_the_docs_is_plain_yaml(block: Block) -> None:
    document = parse(block.text.encode(), str(block))
    assert (document.problems, document.traps) == ([], [])
    assert isinstance(document.value, dict | list)


def test_every_block_says_what_it_is() -> None:
    spoken = {"yaml", "yaml fragment", "json", "python", "text", *_SHELLS}
    assert [f"{block}: {block.info}" for page in _PAGES for block in _blocks(page) if block.info not in spoken] == []


# -- fields ------------------------------------------------------------------------------------------------------------

_FIELDS: dict[str, tuple[type[BaseModel], ...]] = {
    "Secrets": (target_spec.SecretSource,),
    "Probes": (probe_spec.ProbeSpec,),
    "Runbooks": (runbook_spec.RunbookSpec,),
    "Steps": (runbook_spec.StepSpec,),
    "Verify": (runbook_spec.VerifySpec,),
    "Drills": (drill.Drill,),
    "Experiments of a drill": (drill.PlannedExperiment,),
    "Load": (load_spec.LoadSpec,),
    "Steady state": (drill.SteadyState, drill.IndicatorSpec),
    "Objectives": (drill.Objectives,),
    "Limits": (drill.Limits,),
    "Stop rules": (drill.StopRuleSpec,),
    "Targets": (target_spec.TargetSpec, target_spec.Allow),
    "Experiments": (experiment.GamedayExtension,),
    "Operator files": (operator_script.Script, operator_script.StepScript, operator_script.WhenScript),
}


@cache
def _keys_by_section() -> dict[str, list[tuple[str, bool]]]:
    """Section of files.md → (key, whether it is bold) of every table that begins with a column of keys."""
    sections: dict[str, list[tuple[str, bool]]] = {}
    found: list[tuple[str, bool]] = []
    in_keys = False
    for line in _prose(_ROOT / "docs" / "files.md"):
        if line.startswith("#"):
            found = sections.setdefault(line.lstrip("# "), [])
        elif not line.startswith("|"):
            in_keys = False
        elif re.match(r"\| key\b", line):
            in_keys = True
        elif in_keys and not line.startswith("|--"):
            cell = line.split("|")[1].strip()
            found.extend((key, "**" in cell) for key in _SPAN.findall(cell))
    return sections


@pytest.mark.parametrize("section", _FIELDS)
def test_every_field_of_a_file_has_its_row(section: str) -> None:
    wanted = [
        (info.alias or name, info.is_required() and (model, name) != (runbook_spec.StepSpec, "id"))
        for model in _FIELDS[section]
        for name, info in model.model_fields.items()
    ]
    assert sorted(_keys_by_section()[section]) == sorted(wanted)


# -- commands ----------------------------------------------------------------------------------------------------------


def _typed(page: Path) -> Iterator[str]:
    """Every `gameday …` on the page, with the options that stand beside it in its row of a table."""
    for line in _prose(page):
        spans = [span.replace("\\|", "|") for span in _SPAN.findall(line)]
        commands = [span for span in spans if span.startswith("gameday ")]
        yield from commands
        if line.startswith("|") and commands:
            yield from (f"{commands[0].split(' --')[0]} {span}" for span in spans if span.startswith("--"))
    for block in _blocks(page):
        if block.info in _SHELLS:
            parts = (part.strip().removeprefix("$ ") for line in block.text.splitlines() for part in line.split("&&"))
            yield from (part for part in parts if part.startswith("gameday "))


_ALL_TYPED = sorted({(page.name, typed.split(" #")[0].strip()) for page in _PAGES for typed in _typed(page)})


@pytest.mark.parametrize(("page", "typed"), _ALL_TYPED, ids=[typed for _, typed in _ALL_TYPED])
def test_a_command_in_the_docs_can_be_typed(page: str, typed: str) -> None:
    assert _wrong_words(gameday, _unquoted(typed).split()[1:]) == "", page


def _unquoted(text: str) -> str:
    return re.sub(r"\"[^\"]*\"|'[^']*'", "TEXT", text)


def _wrong_words(command: click.Command, words: list[str]) -> str:
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        context = click.Context(command)
        for name in words[0].split("|"):
            inner = command.get_command(context, name)
            if inner is None:
                return f"there is no command {name!r}"
            if why := _wrong_words(inner, words[1:]):
                return why
        return ""
    options = {name: each for each in command.params if isinstance(each, click.Option) for name in each.opts}
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    return _wrong_parameters(command.name or "", options, arguments, words)


def _wrong_parameters(
    name: str, options: dict[str, click.Option], arguments: list[click.Argument], words: list[str]
) -> str:
    given: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            given.append(word)
        elif word == "--help":
            continue
        elif word not in options:
            return f"{name} has no option {word}"
        elif not options[word].is_flag and not _possible(options[word].type, next(rest, "")):
            return f"{name} {word} takes another value"
    if len(given) > len(arguments) and all(argument.nargs == 1 for argument in arguments):
        return f"{name} takes {len(arguments)} words, not {given}"
    if name == "tell" and given and not _PLACEHOLDER.fullmatch(given[0]) and given[0] not in BY_WORD:
        return f"a run is not told {given[0]!r}"
    wrong = [word for word, each in zip(given, arguments, strict=False) if not _possible(each.type, word)]
    return f"{name} does not take {wrong}" if wrong else ""


def _told() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every command with values in the table of what a run can be told, as its message."""
    table = (_ROOT / "docs" / "drills.md").read_text().partition("| `gameday tell` …")[2].partition("\n\n")[0]
    for row in table.splitlines()[2:]:
        word = ""
        for span in _SPAN.findall(row.split("|")[1]):
            first, *rest = span.partition(" --")[0].split()
            word, values = (word, [first]) if "=" in first else (first, rest)
            given = dict(value.split("=", 1) for value in values)
            yield word, {key: value == "yes" if key == "yes" else value for key, value in given.items()}


def test_every_command_of_a_run_stands_in_the_table_as_it_can_be_typed() -> None:
    told: dict[str, dict[str, Any]] = {}
    for word, values in _told():
        told.setdefault(word, {}).update(values)
    assert told.keys() == BY_WORD.keys()
    for word, values in told.items():
        assert parse_command({"command": word, **values})


def test_the_help_of_tell_lists_every_command_of_a_run() -> None:
    told = CliRunner().invoke(gameday, ["tell", "--help"], terminal_width=100).output
    listed = [line.split()[0] for line in told.partition("Commands:")[2].splitlines() if re.match(r"  \S", line)]
    assert listed == list(BY_WORD)


def _possible(kind: object, word: str) -> bool:
    return not isinstance(kind, click.Choice) or bool(_PLACEHOLDER.fullmatch(word)) or word in kind.choices


def test_the_words_of_a_command_are_really_looked_at() -> None:
    assert _wrong_words(gameday, ["rum", "DRILL"]) == "there is no command 'rum'"
    assert _wrong_words(gameday, ["run", "DRILL", "--headles"]) == "run has no option --headles"
    assert _wrong_words(gameday, ["sandbox", "up|dwn"]) == "there is no command 'dwn'"
    assert _wrong_words(gameday, ["schema", "drll"]) == "schema does not take ['drll']"
    assert _wrong_words(gameday, ["tell", "done"]) == "a run is not told 'done'"
    assert _wrong_words(gameday, ["show", "RUN", "AGAIN"]) == "show takes 1 words, not ['RUN', 'AGAIN']"
    assert _wrong_words(gameday, ["tell", "milestone", "--as", "boss"]) == "tell --as takes another value"


# -- the transcript ----------------------------------------------------------------------------------------------------


def _rows(page: str) -> list[tuple[list[str], list[str]]]:
    """The spans in the first and in the second cell of every row of the page's tables."""
    cells = [line.split("|") for line in _prose(_ROOT / "docs" / page) if line.startswith("| `")]
    return [(_SPAN.findall(row[1]), _SPAN.findall(row[2])) for row in cells]


def test_every_kind_of_event_is_described_with_its_fields() -> None:
    described = {first[0]: second for first, second in _rows("transcript.md") if first[0] in KINDS}
    assert described == {kind: [field.name for field in fields(event)] for kind, event in KINDS.items()}


def test_every_key_of_the_scorecard_is_described() -> None:
    text = (_ROOT / "docs" / "transcript.md").read_text().split("## The scorecard as JSON")[1]
    keys = [key for line in text.splitlines() if line.startswith("| `") for key in _SPAN.findall(line.split("|")[1])]
    assert sorted(keys) == sorted(field.name for field in fields(Scorecard))
    times = next(line for line in text.splitlines() if line.startswith("| `times`"))
    assert [field.name for field in fields(Times) if field.name not in times] == []


# -- links -------------------------------------------------------------------------------------------------------------


def _links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", "\n".join(_prose(page)))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def _anchors(page: Path) -> set[str]:
    titles = [line.lstrip("# ") for line in _prose(page) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for link in _links(page):
        name, _, anchor = link.partition("#")
        to = (page.parent / name).resolve() if name else page
        if not to.exists() or (anchor and anchor not in _anchors(to)):
            dead.append(link)
    assert dead == []


def test_every_path_in_the_architecture_is_there() -> None:
    spans = _SPAN.findall("\n".join(_prose(_ROOT / "docs" / "architecture.md")))
    paths = [span for span in spans if re.match(r"(runner|tests|drills|experiments|runbooks)(/|$)", span)]
    assert len(paths) > 20
    assert [path for path in paths if not (_ROOT / path).exists()] == []
