"""Why a run may not begin, or an action not happen: the rule, the value, and the line of the file where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from runner.inert import inert
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.place import Path_

#: (file, path of a value in it) → `file:line:column`, or the option of the command line that the value came from.
Places = Callable[[str, Path_], str]


@lazy_dataclass(frozen=True, kw_only=True)
class Refusal:
    """One reason why not. `where` is a file; `at` leads to the value in it until `placed` has put its line there.

    `here` is true of what this machine lacks, and another one may have.
    """

    rule: str
    what: str
    where: str
    at: Path_ = ()
    cure: str = ""
    here: bool = False

    def __str__(self) -> str:
        return inert(f"{self.where}: {self.what}" + (f"; {self.cure}" if self.cure else "") + f" [{self.rule}]")


def placed(refusals: Iterable[Refusal], places: Places) -> tuple[Refusal, ...]:
    """The refusals with the lines of what they refuse. A plan has no lines in it: they would change its hash."""
    return tuple(replace(each, where=places(each.where, each.at), at=()) for each in refusals)


def nowhere(file: str, _at: Path_) -> str:
    """The places of a run whose files nobody has at hand: the file's name is all."""
    return file
