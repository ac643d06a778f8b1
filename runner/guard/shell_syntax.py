"""The commands of a shell line; and which variables it hands to one as an argument, where every process can read them.

No shell is run and not all of its grammar is known: what is not understood counts as a command. Builtins, assignments
and what is redirected (`<<<`, here-documents) put nothing into a process list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import dropwhile

#: Words that the shell itself carries out, without another process.
_BUILTIN = re.compile(
    r"echo|printf|export|local|declare|readonly|typeset|test|\[\[?|read|set|unset|:|true|false|return|shift|trap|cd|let"
    r"|case|for|in|exit|wait"
)
#: Words before a command.
_BEFORE = ("if", "then", "else", "elif", "while", "until", "do", "!", "{", "time")
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "ash")
_VARIABLE = re.compile(r"\$(?:\{[#!]?([A-Za-z_][A-Za-z0-9_]*)[^{}]*\}|([A-Za-z_][A-Za-z0-9_]*))")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_HEREDOC = re.compile(r"(?<!<)<<-?\s*(['\"]?)(\w+)\1")
_IN_QUOTES = re.compile(r"\$\([^()]*(?:\([^()]*\)[^()]*)*\)|`[^`]*`|\\\$")
#: Stands in a word for what a command inside it will print.
_SUBSTITUTED = "$()"
_TOKEN = re.compile(
    r"(?P<space>[ \t]+|\\\n)|(?P<comment>(?<![^\s;|&()])#[^\n]*)"
    r"|(?P<here><<<)|(?P<into>[<>]\()|(?P<redirect>\d*(?:>>|>\||<>|[<>])&?)"
    r"|(?P<end>\n|;;|;|&&|\|\||[|&])|(?P<open>\$\(|`|\()|(?P<close>\))"
    r"|(?P<single>'[^']*')|(?P<double>\"(?>\\.|\$\((?>[^()]|\([^()]*\))*+\)|[^\"\\])*+\")"
    r"|(?P<variable>\$\{[^{}]*\}|\$\w+)|(?P<escape>\\.)|(?P<plain>[^\s;|&()<>'\"`$\\]+|.)",
    re.DOTALL,
)


def exposed(text: str, names: Iterable[str]) -> list[str]:
    """Those of the variables `names` that stand in an argument of a command in `text`, each once."""
    wanted = set(names)
    if not wanted or not any(name in text for name in wanted):
        return []
    text = "".join(_without_heredocs(text.splitlines(keepends=True)))
    found = [name for command in _commands(text) for name in _handed_over(command) if name in wanted]
    return list(dict.fromkeys(found))


def _without_heredocs(lines: list[str]) -> Iterator[str]:
    """The body of a here-document goes to an input; only the line that begins it has arguments."""
    body_until = ""
    for line in lines:
        if body_until:
            body_until = "" if line.strip() == body_until else body_until
        elif found := _HEREDOC.search(line):
            body_until = found[2]
            yield line.replace(found[0], " ", 1)
        else:
            yield line


class _Word:
    """One word: its text with the quotes taken off, the variables that are expanded in it, and what was single-quoted.

    It is kept in pieces: a text that grows piece by piece takes time with the square of its length.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.quotes: list[str] = []
        self.variables: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def quoted(self) -> str:
        return "".join(self.quotes)

    def expand(self, text: str) -> None:
        self.pieces.append(text)
        self.variables += [found[1] or found[2] for found in _VARIABLE.finditer(text)]


def simple_commands(text: str) -> Iterator[list[str]]:
    """The words of every simple command in a shell line, quotes taken off, redirections left out.

    What is expanded or substituted keeps its `$`: `$HOST`, `$()`.
    """
    for words in _commands("".join(_without_heredocs(text.splitlines(keepends=True)))):
        if words:
            yield [word.text for word in words]


def _commands(text: str) -> Iterator[list[_Word]]:
    """The words of every simple command, those inside substitutions too. Redirections are left out."""
    outer: list[tuple[list[_Word], _Word | None]] = []
    words: list[_Word] = []
    word: _Word | None = None
    redirected = False
    for token in _TOKEN.finditer(text):
        kind, piece = str(token.lastgroup), token[0]
        if kind in ("space", "comment", "end", "redirect", "here"):
            word = None
            redirected = kind in ("redirect", "here") or (redirected and kind == "space")
            if kind == "end":
                yield words
                words = []
            continue
        # A backtick ends what is open, whatever began it: what stands between is looked at either way.
        if kind == "close" or (piece == "`" and outer):
            yield words
            words, word = outer.pop() if outer else ([], None)
            redirected = False
            continue
        if word is None and piece not in ("(", "<(", ">("):
            word = _Word()
            if not redirected:
                words.append(word)
            redirected = False
        if kind in ("open", "into"):
            if word is not None and kind == "open":
                word.pieces.append(_SUBSTITUTED)
            outer.append((words, word))
            words, word, redirected = [], None, False
            continue
        if kind == "double":
            # What is substituted inside is a command of its own.
            yield from _inside(piece)
        if word is not None:
            _take(word, kind, piece)
    yield words
    yield from (words for words, _ in outer)


def _inside(quoted: str) -> Iterator[list[_Word]]:
    for found in re.finditer(r"\$\(([^()]*(?:\([^()]*\)[^()]*)*)\)|`([^`]*)`", quoted):
        yield from _commands(found[1] or found[2] or "")


def _take(word: _Word, kind: str, piece: str) -> None:
    if kind == "single":
        word.pieces.append(piece[1:-1])
        word.quotes.append(piece[1:-1])
    elif kind == "double":
        # A substitution leaves its output; what is expanded inside it was looked at by itself.
        word.expand(_IN_QUOTES.sub(lambda found: "" if found[0] == "\\$" else _SUBSTITUTED, piece[1:-1]))
    elif kind == "escape":
        word.pieces.append(piece[1:])
    elif kind == "variable":
        word.expand(piece)
    else:
        word.pieces.append(piece)


def _handed_over(words: list[_Word]) -> Iterator[str]:
    """The variables in the arguments of one simple command."""
    rest = list(dropwhile(lambda word: word.text in _BEFORE or _ASSIGNMENT.match(word.text), words))
    if not rest or _BUILTIN.fullmatch(rest[0].text):
        return
    for word in rest:
        yield from word.variables
    if any(word.text.rpartition("/")[2] in _SHELLS for word in rest):
        # What a shell within the shell is given to carry out.
        for word in rest:
            if word.quoted:
                yield from (name for command in _commands(word.quoted) for name in _handed_over(command))
