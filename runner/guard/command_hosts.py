"""Which machines a command reaches, as far as its words say it: read as its program reads them, by the table of programs.

A word is read where it stands: `ssh -i key web1` names web1, `sudo -u ana ssh web1` too, and so does `sh -c 'ssh web1'`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from runner.guard.argument_hosts import hosts_of, line_of, plain_in
from runner.guard.mentions import hosts_in, means_host, means_no_host, named_hosts
from runner.guard.programs import Kind, Program, program_of
from runner.guard.shell_syntax import simple_commands
from runner.lazy_dataclass import lazy_dataclass
from runner.planning.calls import command_words

#: Commands within commands that are looked into. Nobody writes so many.
_DEEPEST = 6
#: Variables of a line that are followed, and values of each that are tried one after the other.
_MOST_VALUES = 50
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
#: Words of the shell's grammar before a command.
_BEFORE = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time"})
#: Programs that give another one more words, from their standard input.
_FEEDING = frozenset({"xargs", "parallel"})
#: What stands for a machine that comes from somewhere else: `$HOST`, and the mark of `xargs -I{}`.
_ELSEWHERE = re.compile(r"\$|\{\}|\{$")
#: Programs that a wrapper nobody knows may be there to start.
_STARTED = re.compile(
    "(auto)?ssh|scp|sftp|rsync|curl|wget|psql|mysql(admin)?|redis-cli|mongo(sh)?|nc|ncat|telnet|ping|(ba)?sh|sudo|env|xargs"
)


@lazy_dataclass(frozen=True, kw_only=True)
class ReachedHost:
    """One machine that a command names. `known` is false when only the run will tell which one it is."""

    program: str
    host: str
    known: bool = True


def reached_by(provider: Mapping[str, Any], variables: Mapping[str, str]) -> list[ReachedHost]:
    """The machines that a process provider names; `variables` are those of the shell whose value is known."""
    words = [_expanded(word, variables) for word in command_words(provider)]
    through_shell = not isinstance(provider.get("arguments"), Mapping | list | tuple)
    reader = _Reader()
    found = [*(reader.line(" ".join(words), 0) if through_shell else reader.command(words, 0))]
    program = _base(words[0])
    plain = list(reader.plain)
    for word in words:
        named = [*hosts_in(word, by_form=False), *(() if reader.closed else hosts_in(_without(plain, word)))]
        found += [_reached(program, host) for host in named if not reader.has_put_in(host)]
    return list({each.host: each for each in reversed(found)}.values())[::-1]


def _without(plain: list[str], text: str) -> str:
    """The text without what is in it of `plain`, each of which is taken out once and then used up."""
    for each in [each for each in plain if each in text]:
        plain.remove(each)
        text = text.replace(each, " ", 1)
    return text


def _holds(word: str, name: str) -> bool:
    return "$" in word and re.search(rf"\$(?:{name}\b|\{{{name}\}})", word) is not None


def _expanded(word: str, variables: Mapping[str, str]) -> str:
    for name in variables if "$" in word else ():
        word = re.sub(rf"\$(?:{name}\b|\{{{name}\}})", lambda _, name=name: variables[name], word)  # type: ignore[misc]
    return word


def _reached(program: str, host: str) -> ReachedHost:
    return ReachedHost(program=program, host=host, known=not _ELSEWHERE.search(host))


def _base(word: str) -> str:
    return word.rpartition("/")[2]


class _Reader:
    """Reads commands and those inside them. `closed` stays true while each of them is a program that calls nobody.

    `plain` are the pieces of text that only look like machines.
    """

    def __init__(self) -> None:
        self.closed = True
        self.plain: list[str] = []
        self._values: dict[str, Sequence[str]] = {}

    def line(self, text: str, depth: int) -> Iterator[ReachedHost]:
        """The commands of a shell line, with what the line itself puts into its variables."""
        for words in simple_commands(text):
            name = next((name for name in self._values if any(_holds(word, name) for word in words)), "")
            for value in self._values.get(name, ("",)):
                yield from self.command([_expanded(word, {name: value}) for word in words] if name else words, depth)
            self._learn(words)

    def has_put_in(self, text: str) -> bool:
        """Whether a variable in it got its value in the line, and was read with it."""
        return any(_holds(text, name) for name in self._values)

    def _learn(self, words: Sequence[str]) -> None:
        """`HOST=web1` for the commands after it, `for HOST in web1 web2`."""
        if len(self._values) >= _MOST_VALUES:
            return
        match words:
            case ["for", name, "in", *values]:
                self._values[name] = values[:_MOST_VALUES]
            case [*first] if all(_ASSIGNMENT.match(word) or word == "export" for word in first):
                for word in first:
                    name, sign, value = word.partition("=")
                    if sign:
                        self._values[name] = [value]

    def command(self, words: Sequence[str], depth: int) -> Iterator[ReachedHost]:
        """One simple command: assignments, a program, its words."""
        start = next((at for at, word in enumerate(words) if not _precedes(word)), len(words))
        for word in words[:start]:
            name, _, value = word.partition("=")
            yield from (_reached(name, host) for host in (named_hosts(name, value) if value else ()))
        if start == len(words):
            return
        name, rest = _base(words[start]), words[start + 1 :]
        self._note(_of_another_vocabulary(rest))
        program = program_of(name)
        if program is None or depth > _DEEPEST:
            self.closed = False
            yield from self._unknown(name, rest, depth)
        else:
            yield from self._known(name, program, rest, depth)

    def _note(self, plain: Iterable[str]) -> None:
        """Only what has the form of a machine: a shorter piece could be part of one elsewhere."""
        self.plain += [each for each in plain if hosts_in(each)]

    def _unknown(self, name: str, words: Sequence[str], depth: int) -> Iterator[ReachedHost]:
        """A program that nobody knows: its options by their names, and a known program that it may start."""
        yield from (_reached(name, host) for host in _named_in(words))
        for at, word in enumerate(words if depth <= _DEEPEST else ()):
            if _STARTED.fullmatch(_base(word)):
                yield from self.command(words[at:], depth + 1)
                return

    def _known(self, name: str, program: Program, words: Sequence[str], depth: int) -> Iterator[ReachedHost]:
        self.closed = self.closed and (program.closed or _only_runs(program))
        for owner, kind, word, rest in _pieces(name, program, words):
            self.closed = self.closed and kind != "code"
            self._note(plain_in(kind, word))
            if kind == "command":
                yield from self._inner(owner, rest, depth)
            elif line := " ".join(rest) if kind == "script" else line_of(kind, word):
                yield from self.line(line, depth + 1)
            yield from (_reached(owner, host) for host in hosts_of(kind, word))

    def _inner(self, owner: str, words: Sequence[str], depth: int) -> Iterator[ReachedHost]:
        found = list(self.command(words, depth + 1))
        yield from found
        inner = program_of(_base(words[0])) if words else None
        if owner in _FEEDING and not found and inner is not None and "host" in inner.operands:
            yield ReachedHost(program=_base(words[0]), host="its standard input", known=False)


def _precedes(word: str) -> bool:
    return word in _BEFORE or bool(_ASSIGNMENT.match(word))


def _only_runs(program: Program) -> bool:
    """Whether what it calls is said by the commands inside it alone."""
    return program.operands[-1] in ("command", "line") and "host" not in program.operands


def _of_another_vocabulary(words: Sequence[str]) -> Iterator[str]:
    """The values of `--image NAME`, `--email=NAME` and the like."""
    before = ""
    for word in words:
        option, sign, value = word.partition("=")
        if option.startswith("--") and sign and means_no_host(option):
            yield value
        elif before.startswith("--") and means_no_host(before) and not word.startswith("-"):
            yield word
        before = word


def _named_in(words: Sequence[str]) -> Iterator[str]:
    """The machines in `--host NAME`, `--host=NAME` and `HOST=NAME`."""
    before = ""
    for word in words:
        option, sign, value = word.removeprefix("-D").partition("=")
        if sign and means_host(option):
            yield from named_hosts(option, value)
        elif before.startswith("--") and means_host(before) and not word.startswith("-"):
            yield from named_hosts(before, word)
        before = word


_Piece = tuple[str, Kind, str, Sequence[str]]


def _pieces(name: str, program: Program, words: Sequence[str]) -> Iterator[_Piece]:
    """Program or subcommand, kind and word of every operand and every option's value; of a command all its words."""
    seen = 0
    switches = True
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if switches and word == "--":
            switches = False
        elif switches and word.startswith("-") and len(word) > 1:
            kind, value, used = _option(program, word, words[at : at + 1])
            at += used
            if kind is not None:
                yield name, kind, value, ()
        elif (inner := program_of(f"{name} {word}") if not seen else None) is not None:
            name, program = f"{name} {word}", inner
        else:
            kind = program.operands[min(seen, len(program.operands) - 1)]
            seen += 1
            if kind in ("command", "script"):
                yield name, kind, word, words[at - 1 :]
                return
            yield name, kind, word, ()


def _option(program: Program, word: str, after: Sequence[str]) -> tuple[Kind | None, str, int]:
    """The kind of its value, the value, and how many of the words `after` it took; no kind for a switch."""
    option, sign, value = word.partition("=")
    following = (after[0], 1) if after else ("", 0)
    if option in program.options:
        return (program.options[option], *((value, 0) if sign else following))
    if word.startswith("--"):
        # An option that the table lacks, and that is called after what it takes.
        takes = means_host(option) and (sign or not following[0].startswith("-"))
        return ("host", *((value, 0) if sign else following)) if takes else (None, "", 0)
    for at, letter in enumerate(word[1:], start=2):
        if (kind := program.options.get(f"-{letter}")) is not None:
            attached = word[at:] or kind == "attached"
            return (kind, *((word[at:], 0) if attached else following))
    return None, "", 0
