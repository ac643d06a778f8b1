"""The reader: what words stand for, where things are, and what is refused before it can do harm."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import InputError
from runner.specs.files import MAX_BYTES, read_bytes
from runner.specs.scalars import read_plain
from runner.specs.yaml import Document, parse, read_document
from runner.specs.yaml_composer import MAX_ALIASES, MAX_DEPTH, MAX_VALUES


def _said(text: str | bytes, **options: bool) -> list[str]:
    content = text if isinstance(text, bytes) else text.encode()
    return [str(problem) for problem in parse(content, "f", **options).problems]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-3", -3),
        ("+4", 4),
        ("0", 0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("2.", 2.0),
        ("1.0e+3", 1000.0),
        ("1e3", "1e3"),
        ("5m", "5m"),
        ("99%", "99%"),
        ("1.2.3", "1.2.3"),
        ("08", "08"),
        ("nullable", "nullable"),
        ("10.0.0.1", "10.0.0.1"),
        ("-d", "-d"),
        ("~/bin", "~/bin"),
    ],
)
def test_a_word_stands_for_what_every_reader_takes_it_for(word: str, value: object) -> None:
    plain = read_plain(word)
    assert (plain.value, type(plain.value)) == (value, type(value))
    assert not plain.as_
    assert not plain.refused


@pytest.mark.parametrize(
    ("word", "reading"),
    [
        ("on", "true"),
        ("Off", "false"),
        ("YES", "true"),
        ("no", "false"),
        ("12:30", "the number 750"),
        ("1:02:03", "the number 3723"),
        ("1:30.5", "the number 90.5"),
        ("-12:30", "the number -750"),
        ("010", "the number 8"),
        ("0x1F", "the number 31"),
        ("0b101", "the number 5"),
        ("1_000", "the number 1000"),
        ("1_0.5", "the number 10.5"),
        ("2026-11-20", "a date"),
        ("2026-11-20 17:40:00", "a date"),
        ("=", "a special value"),
    ],
)
def test_a_word_that_other_readers_take_for_something_else_is_a_trap(word: str, reading: str) -> None:
    document = parse(f"a: {word}\n".encode(), "f")
    assert document.value == {"a": word}
    assert [(trap.line, trap.column, trap.word, trap.as_) for trap in document.traps] == [(1, 4, word, reading)]


@given(st.text(alphabet="0123456789.:_+-eExbyYesnNotTrueflaOF~=", min_size=1, max_size=12))
def test_whatever_is_no_trap_reads_as_in_other_tools(word: str) -> None:
    document = parse(f"[{word}]".encode(), "f")
    try:
        theirs = yaml.safe_load(f"[{word}]")
    except (yaml.YAMLError, ValueError):
        return
    if document.traps or document.problems:
        return
    assert document.value == theirs


def test_json_that_is_no_yaml_has_its_places_and_its_bounds_too() -> None:
    document = parse(b'{\n\t"a": "\\ud83d\\ude00",\n\t"b": [1,\t{"c": 2}]\n}', "f.json", as_json=True)
    assert document.value == {"a": "\U0001f600", "b": [1, {"c": 2}]}
    place = document.place(("b", 1, "c"))
    assert (place.line, place.column) == (3, 17)
    deep = parse(b'{\n\t"a": ' + b"[" * 100 + b"]" * 100 + b"}", "f.json", as_json=True)
    assert "nests too deep" in deep.problems[0].what


#: What opens a level, what may stand before the first, and whether JSON knows it; each level as long as the others.
_LEVELS = {
    "lists in brackets": ("[", "", True),
    "lists in brackets under a key": ("[", '{"a": ', True),
    "lists in brackets on lines": ("[\n", "", True),
    "mappings in braces": ('{"a":', "", True),
    "mappings in braces under dashes": ("{a: ", "- ", False),
    "lists of an anchor": ("[", "a: &a ", False),
    "dashes": ("- ", "", False),
    "brackets below a text of brackets": ("[", '["' + "[" * 200 + '", ', True),
}


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 900, 990, 1_001, 1_100, 3_000, 200_000])
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("shape", _LEVELS)
def test_our_bound_on_nesting_comes_before_any_parser_s(shape: str, as_json: bool, levels: int) -> None:
    level, before, is_json = _LEVELS[shape]
    if as_json and not is_json:
        level, before = "[", " "
    # Levels that `before` opens: a mapping or a list of its own, if any.
    opened = sum(before.strip().startswith(sign) for sign in ("{", "[", "-", "a:"))
    start = before + level * (MAX_DEPTH - opened)
    at = f"f:{start.count(chr(10)) + 1}:{len(start) - (start.rfind(chr(10)) + 1) + 1}"
    assert _said(before + level * levels, as_json=as_json) == [f"{at}: nests too deep; at most {MAX_DEPTH} levels"]


def test_the_place_of_the_bound_counts_characters_not_bytes() -> None:
    text = "é: " + "ü" * 300 + "\nö: &a " + "[" * 2_000
    said = f"f:2:{7 + MAX_DEPTH - 1}: nests too deep; at most {MAX_DEPTH} levels"
    assert _said(text) == [said]


def test_what_a_parser_says_of_a_flat_text_is_still_said() -> None:
    assert _said('{"a": "' + "[" * 2_000, as_json=True) == ["f:1:7: is not JSON: Unterminated string starting at"]
    assert _said("a: '" + "[" * 2_000)[0].startswith("f:1:2005: is not YAML: the file ends inside a quoted text")


#: No controls, no marks that nobody sees.
_SEEN = st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(_SEEN, max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(_SEEN, max_size=5), inner, max_size=3),
        max_leaves=12,
    )
)
def test_json_reads_the_same_both_ways(value: object) -> None:
    # What somebody expects may hold any sign that is one.
    text = json.dumps({"expect": value}, ensure_ascii=True)
    document = parse(text.encode(), "f.json", as_json=True)
    assert document.problems == []
    assert document.value == {"expect": value}


def test_everything_has_its_place() -> None:
    document = parse(b"name: x\nsteps:\n  - run: |\n      ls\n    env: {A: 1}\n  - two\n", "f")
    places = {
        ("name",): (1, 7),
        ("steps",): (3, 3),
        ("steps", 0): (3, 5),
        ("steps", 0, "run"): (3, 10),
        ("steps", 0, "env", "A"): (5, 14),
        ("steps", 1): (6, 5),
    }
    for path, at in places.items():
        place = document.place(path)
        assert (place.line, place.column) == at, path
    key = document.place(("steps", 0, "env"), key=True)
    assert (key.line, key.column) == (5, 5)
    nearest = document.place(("steps", 0, "nothing", "here"))
    assert (nearest.line, nearest.column) == (3, 5)


def test_merge_keys_and_a_few_aliases_are_fine() -> None:
    text = "base: &b {a: 1, c: 2}\nmore: {<<: *b, c: 3}\nboth: {<<: [{a: 9}, *b]}\nlist: [*b, *b]\n"
    document = parse(text.encode(), "f")
    assert document.problems == []
    assert document.value == {
        "base": {"a": 1, "c": 2},
        "more": {"a": 1, "c": 3},
        "both": {"a": 9, "c": 2},
        "list": [{"a": 1, "c": 2}] * 2,
    }


def _bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2", "f:2:1: is not YAML: a list in [ ] is not closed here; separate with ','"),
        ("a: {b: 1", "f:2:1: is not YAML: a mapping in { } is not closed here"),
        ('a: "x', "f:1:6: is not YAML: the file ends inside a quoted text; close the quote"),
        ("a: b: c", "f:1:5: is not YAML: a colon is not expected here"),
        ("a:\n\t- b", "f:2:1: is not YAML: a tab cannot indent; use spaces"),
        ("a: x\n\tb: c", "f:2:1: is not YAML: a tab cannot indent; use spaces"),
        ("a: @x", "f:1:4: is not YAML: a value cannot begin with this character; quote the value"),
        ('a: "\\q"', "f:1:5: is not YAML: an unknown escape in a double-quoted text; write \\\\ for a backslash"),
        ("- a\nb: c", "f:2:1: is not YAML: this is not an item of the list above"),
        ('a: "x" y', "f:1:8: is not YAML: no key is found here"),
        ("a\nb: c", "f:2:2: is not YAML: a colon is not expected here"),
        ("a: 1\nb: 2\na: 3", "f:3:1: the key 'a' stands here twice; keep one of the two"),
        ("--- a\n--- b", "f:2:1: a second document begins here; one file holds one document"),
        ("? [a]\n: b", "f:1:3: a key must be one word or text"),
        ("~: x", "f:1:1: a key is missing before ':'; write `key: value`"),
        ("a: *b", "f:1:4: there is no anchor &b before this; define it above, or write it out"),
        ("a: &b [*b]", "f:1:8: there is no anchor &b before this"),
        ("a: {<<: 1}", "f:1:5: '<<' merges mappings only"),
        ("a: !!python/object:os.system x", "f:1:4: the tag '!!python/object:os.system' is not allowed"),
        ("a: !!python/name:os.system", "f:1:4: the tag '!!python/name:os.system' is not allowed"),
        ("a: !secret x", "f:1:4: the tag '!secret' is not allowed; write the value itself"),
        ("a: !!binary aGk=", "f:1:4: the tag '!!binary' is not allowed"),
        ("a: .nan", "f:1:4: .nan is not a finite number"),
        ("a: -.inf", "f:1:4: -.inf is not a finite number"),
        ("a: 1.0e+999", "f:1:4: 1.0e+999 is too large a number"),
        ("a: " + "9" * 50, "f:1:4: a number of 50 digits"),
        ("a: x\x07y", "f:1:5: holds U+0007, which YAML does not allow; remove it"),
        ('a: "x\\x07y"', "f:1:4: holds the invisible character U+0007; remove it"),
        ('"a\\e": 1', "f:1:1: holds the invisible character U+001B; remove it"),
        ("a: x\u2066y", "f:1:5: holds the invisible character U+2066 (left-to-right isolate); remove it"),
        ("[" * 200_000, f"f:1:{MAX_DEPTH + 1}: nests too deep; at most {MAX_DEPTH} levels"),
        ("- " * 200_000, f"nests too deep; at most {MAX_DEPTH} levels"),
        ("{a: " * 100_000, f"nests too deep; at most {MAX_DEPTH} levels"),
        ("a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40, "f:2:44: nests too deep"),
        (_bomb(8, 9), f"too many values; a file holds at most {MAX_VALUES:,}, aliases counted each time"),
        ("a: &a 1\nb: [" + "*a, " * (MAX_ALIASES + 1) + "]", f"too many aliases; a file uses at most {MAX_ALIASES}"),
        ("[" + "1," * 150_000 + "]", "too many values"),
    ],
)
def test_what_is_not_to_be_read_is_said_quickly(text: str, said: str) -> None:
    began = time.process_time()
    problems = _said(text)
    assert time.process_time() - began < 1.0
    assert len(problems) == 1
    assert said in problems[0]


def test_text_that_is_not_utf8() -> None:
    assert _said(b"a: 1\nb: caf\xe9\n") == ["f:2:7: is not UTF-8 text; save the file as UTF-8"]
    assert _said("a: 1".encode("utf-16")) == ["f:1:1: is not UTF-8 text; save the file as UTF-8"]


def test_a_quoted_trap_is_text() -> None:
    document = parse(b"a: \"on\"\nb: '12:30'\nc: !!str 010\nd: |\n  yes\n", "f")
    assert document.traps == []
    assert document.value == {"a": "on", "b": "12:30", "c": "010", "d": "yes\n"}


# -- files -------------------------------------------------------------------------------------------------------------


def _refused(path: Path) -> str:
    began = time.monotonic()
    with pytest.raises(InputError) as caught:
        read_bytes(path, "f")
    assert time.monotonic() - began < 5.0
    return str(caught.value)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    assert _refused(tmp_path / "none") == "f: there is no such file"
    assert _refused(tmp_path) == "f: is a folder, not a file"
    os.mkfifo(tmp_path / "pipe")
    assert _refused(tmp_path / "pipe") == "f: is not a regular file; pipes, sockets and devices are not read"
    assert _refused(Path("/dev/zero")).startswith("f: is not a regular file")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        assert _refused(tmp_path / "s").startswith("f: is not a regular file")
    (tmp_path / "link").symlink_to(tmp_path / "link")
    assert _refused(tmp_path / "link").startswith("f: cannot be read: ")
    assert _refused(Path("a\0b")).startswith("f: cannot be read: ")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    assert _refused(tmp_path / "huge") == f"f: is too big: 104,857,600 bytes; a file holds at most {MAX_BYTES:,}"


def test_a_file_is_read_as_what_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": "\\ud83d\\ude00", "b": 1e2}')
    document = read_document(tmp_path / "a.json", "a.json")
    assert document.value == {"a": "😀", "b": 100.0}
    assert isinstance(document, Document)
