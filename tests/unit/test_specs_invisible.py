"""Characters that nobody sees: refused where they would be taken for a letter, and where somebody has to look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.errors import InputError
from runner.specs.catalogue import Catalogue
from runner.specs.invisible import first_hidden
from runner.specs.runbook_checks import read_runbook
from runner.specs.yaml import parse

_SPACES = "\u00a0\u1680\u2000\u2003\u2009\u202f\u205f\u3000"
_JOINERS = "\u00ad\u034f\u115f\u180e\u200b\u200c\u200d\u2060\u2063\u2800\u3164\ufe0f\uffa0\U000e0041"
_NOWHERE = "\u200e\u200f\u202a\u202e\u2066\u2069\u061c\ufeff"

# Where a shell, a name or a key is read; @ is where the character stands.
_READ = {
    "a command": 'name: x\nsteps:\n  - {name: a, run: "echo@ hello"}\n',
    "a command of several lines": "name: x\nsteps:\n  - name: a\n    run: |\n      ls\n      ls@-l\n",
    "a folded command": "name: x\nsteps:\n  - name: a\n    run: >-\n      ls\n      -l@a\n",
    "the end of a command": "name: x\nsteps:\n  - name: a\n    run: ls@\n",
    "a name": "name: a@b\nsteps: [{name: a}]\n",
    "a step that is a name": "name: x\nsteps:\n  - look@around\n",
    "an id": "name: x\nsteps: [{id: a@b, name: a}]\n",
    "a key": "name: x\nsteps:\n  - name: a\n    @run: ls\n",
    "a key's middle": "name: x\nsteps:\n  - name: a\n    r@un: ls\n",
    "a variable": "name: x\nsteps: [{name: a, run: ls, env: {A: b@c}}]\n",
    "a condition": "name: x\nsteps: [{name: a}, {name: b, if: \"steps.a.outcome@== 'failed'\"}]\n",
    "an address": "name: x\nlinks: [{name: a, url: https://a.example@/}]\nsteps: [{name: a}]\n",
    "indentation": "name: x\nsteps:\n  - name: a\n  @ run: ls\n",
    "a dash's space": "name: x\nsteps:\n  -@name: a\n",
    "a colon's space": "name: x\nsteps:\n  - name:@a\n",
    "the first colon's space": "name:@x\nsteps:\n  - name: a\n",
}


def _said(text: str, file: str = "r.yaml") -> list[str]:
    document = parse(text.encode(), file, as_json=file.endswith(".json"))
    return [str(problem) for problem in read_runbook(document)[1].problems()]


@pytest.mark.parametrize("where", _READ)
def test_what_nobody_sees_is_named_where_it_would_be_read(where: str) -> None:
    before = _READ[where].partition("@")[0].split("\n")
    for character in _SPACES + _JOINERS + _NOWHERE:
        said = _said(_READ[where].replace("@", character))
        place = f"r.yaml:{len(before)}:{len(before[-1]) + 1}"
        words = f"{place}: holds the invisible character U+{ord(character):04X}"
        assert any(line.startswith(words) for line in said), said


@pytest.mark.parametrize("key", ["description", "hint", "confirm"])
def test_in_prose_it_is_one_way_to_write(key: str) -> None:
    for character in _SPACES + _JOINERS:
        assert _said(f"name: x\nsteps:\n  - name: a\n    {key}: Is it{character} up?\n") == []
        assert _said(f"name: x # a{character}b\nsteps: [{{name: a}}]\n") == []


@pytest.mark.parametrize("character", _NOWHERE, ids=lambda each: f"{ord(each):04X}")
def test_what_turns_text_round_stands_nowhere(character: str) -> None:
    (said,) = _said(f"name: x\ndescription: a{character}b\nsteps: [{{name: a}}]\n")
    assert said.startswith(f"r.yaml:2:15: holds the invisible character U+{ord(character):04X}")


@pytest.mark.parametrize("end", "\x85\u2028\u2029")
def test_a_line_end_that_only_some_readers_know_stands_nowhere(end: str) -> None:
    (said,) = _said(f"name: x # a{end}b\nsteps: [{{name: a}}]\n")
    assert said.startswith(f"r.yaml:1:12: holds the invisible character U+{ord(end):04X}")


@pytest.mark.parametrize("text", ["⚠️ Fail over", "Press 1️⃣", "❤️"])
def test_a_sign_in_colour_is_seen(text: str) -> None:
    assert first_hidden(text) is None
    assert _said(f"name: {text}\nsteps: [{{name: a}}]\n") == []


def test_an_escape_is_named_where_its_text_begins() -> None:
    (said,) = _said('name: x\nsteps: [{name: a, run: "ls\\u00a0-l"}]\n')
    assert said.startswith("r.yaml:2:24: holds the invisible character U+00A0 (no-break space)")


def test_a_json_file_is_held_to_it_too() -> None:
    text = json.dumps({"name": "x", "steps": [{"name": "a", "run": "ls\u00a0-l"}]})
    for written in (text, text.replace("\\u00a0", "\u00a0")):
        (said,) = _said(written, "r.json")
        assert "holds the invisible character U+00A0" in said


@pytest.mark.parametrize("tab", ["\t- name: a", "  \t- name: a", "  -\tname: a", "  - name: a\n\t- name: b"])
def test_a_tab_does_not_indent(tab: str) -> None:
    (said,) = _said(f"name: x\nsteps:\n{tab}\n")
    assert said.endswith(": is not YAML: a tab cannot indent; use spaces")


_CALL = "title: t\ndescription: d\nmethod:\n- type: action\n  name: a\n  provider: {{type: {}, {}}}\n"


@pytest.mark.parametrize(
    ("call", "refused"),
    [
        (_CALL.format("process", 'path: ls, arguments: ["a\u00a0b"]'), True),
        (_CALL.format("process", 'path: "l\u00a0s"'), True),
        (_CALL.format("http", 'url: "http://a/\u00a0"'), True),
        (_CALL.format("http", 'url: http://a/, arguments: {"n\u00a0": "a\u00a0b"}'), False),
        (_CALL.format("python", 'module: m, func: f, arguments: {text: "a\u00a0b"}'), False),
    ],
)
def test_what_is_sent_is_data_and_what_is_run_is_not(call: str, refused: bool) -> None:
    problems = parse(call.encode(), "e.yaml").problems
    assert [problem.what.startswith("holds the invisible") for problem in problems] == [True] * refused


@pytest.mark.parametrize("character", ["\u00a0", "\u200b", "\u202e", "\t", "\n"])
@pytest.mark.parametrize("where", ["drills/{}/drill.yaml", "experiments/{}.yaml", "runbooks/team/{}.yml"])
def test_a_file_is_called_by_what_is_seen(where: str, character: str, tmp_path: Path) -> None:
    path = tmp_path / where.format(f"a{character}b")
    path.parent.mkdir(parents=True)
    path.write_text("name: x\n")

    said = [problem for problem in Catalogue(tmp_path).check() if not problem.line]

    assert len(said) == 1
    assert f"its name holds the invisible character U+{ord(character):04X}" in said[0].what
    if "drills" in where:
        with pytest.raises(InputError, match="its name holds the invisible character"):
            Catalogue(tmp_path).load_drill(f"a{character}b")


@pytest.mark.parametrize("name", ["with space", "ünï-ço", "日本語", "a.b", "-dash", "emoji 🎉", "⚠️"])
def test_a_name_that_is_seen_is_a_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "runbooks" / f"{name}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("name: x\nsteps: [a]\n")
    assert Catalogue(tmp_path).check() == []
