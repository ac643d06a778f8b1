"""Collecting what is wrong with a document, each problem at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.specs.place import MAX_PROBLEMS, Path_

if TYPE_CHECKING:
    from runner.specs.yaml import Document

#: Characters of a message.
_LONGEST = 600
#: Names among which a near one is looked for, and how many are listed where none is.
_COMPARED = 1000
_LISTED = 30


def nearest(word: str, known: Iterable[str], *, noun: str = "known here") -> str:
    """`did you mean 'x'?` when one of `known` is near, else the list of them.

    Of very many only the first 1,000 are compared, and 30 listed: the cost and the message stay bounded.
    """
    names = list(dict.fromkeys(known))
    folded = {name.lower().replace("_", "-"): name for name in names[:_COMPARED]}
    wanted = word.lower().replace("_", "-")
    near = get_close_matches(wanted, folded, n=2, cutoff=0.6)
    # Two that are equally near are both a guess: p59 is neither p50 nor p95.
    if near and (len(near) == 1 or _likeness(wanted, near[0]) > _likeness(wanted, near[1])):
        return f"did you mean {folded[near[0]]!r}?"
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return f"{noun}: {', '.join(names[:_LISTED])}{more}" if names else ""


def _likeness(word: str, other: str) -> float:
    return SequenceMatcher(None, other, word).ratio()


def shown(value: object) -> str:
    """A value as a message quotes it: one line, not long."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else text[:57] + "...'"


def no_truth(value: object) -> tuple[str, str]:
    """What is wrong with a value that should be true or false, and the cure."""
    if isinstance(value, str) and value.lower() in ("on", "off", "yes", "no", "y", "n"):
        return f"{value!r} is text in Gameday's files", "write true or false"
    return f"{shown(value)} is not true or false", "write true or false"


def _cut(text: str) -> str:
    """Whatever is quoted in it, a message is one that can be read."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"


class Diagnostics:
    """The problems of one document. One problem a place, the first that is found there; but all that is missing.

    The first 50 that are found are kept, the others counted: finding a place, and what was meant, takes its time.
    With `further` those of the reading are left out, for somebody else has reported them.
    """

    def __init__(self, document: Document, *, further: bool = False) -> None:
        self.document = document
        self._problems: dict[tuple[int, int, str], Problem] = {}
        self._whole: list[Problem] = []
        self._left_out = 0
        self._traps = () if further else tuple(document.traps)
        for problem in () if further else document.problems:
            self._keep(problem)

    def add(self, path: Path_, what: str, meant: str | Callable[[], str] = "", *, key: bool = False) -> None:
        """What is wrong with the value at `path`, or with its key.

        `meant` may be a function, for what costs more than it takes to see that something is wrong.
        """
        if len(self._problems) >= MAX_PROBLEMS:
            self.leave_out(1)
            return
        meant = meant if isinstance(meant, str) else meant()
        option = self.document.option(path)
        if option:
            self.add_whole(option, what, meant)
            return
        place = self.document.place(path, key=key)
        self._keep(Problem(file=self.document.file, line=place.line, column=place.column, what=what, meant=meant))

    def leave_out(self, count: int) -> None:
        """So many more mistakes were found than are named."""
        self._left_out += count

    def add_whole(self, option: str, what: str, meant: str) -> None:
        """What is wrong with something given on the command line."""
        self._whole.append(Problem(file=option, what=what, meant=meant))

    def add_at(self, line: int, column: int, what: str, meant: str) -> None:
        """As `add`, for a place that is known already."""
        if len(self._problems) >= MAX_PROBLEMS:
            self.leave_out(1)
            return
        self._keep(Problem(file=self.document.file, line=line, column=column, what=what, meant=meant))

    def _keep(self, problem: Problem) -> None:
        problem = replace(problem, what=_cut(problem.what), meant=_cut(problem.meant))
        if problem.line:
            missing = problem.what if problem.what.endswith("is missing") else ""
            self._problems.setdefault((problem.line, problem.column, missing), problem)
        else:
            self._whole.append(problem)

    def problems(self) -> list[Problem]:
        """All of them, in the order of the file, with the traps that nobody else spoke of."""
        self._add_traps()
        named = [self._problems[at] for at in sorted(self._problems)]
        return [*self._counted(len(named)), *self._whole, *named]

    def _counted(self, named: int) -> list[Problem]:
        if not self._left_out:
            return []
        what = f"holds {named + self._left_out:,} mistakes; these are the first {named}"
        return [Problem(file=self.document.file, what=what)]

    def _add_traps(self) -> None:
        for trap in self._traps:
            self.add_at(
                trap.line, trap.column, f"{trap.word} unquoted is {trap.as_} to other tools", f'write "{trap.word}"'
            )

    def __bool__(self) -> bool:
        return bool(self._problems or self._whole or self._traps)
