"""The error tree, split by what the user does next.

    GamedayError
    ├── InputError          a file or a word is wrong: mend it               exit 2
    ├── Refused             the guard said no: change the plan or the target exit 3
    ├── Broken              the tool failed: report it, look at the run      exit 5
    └── TranscriptError     a transcript cannot be written: see to its disk  exit 5
        └── UnreadableTranscript  what stands in one is damaged or closed to you: mend it  exit 2

Every message is one line a person can act on; an InputError may carry many. Foreign exceptions are mapped to
these once, where the foreign call is made, with the cause kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from runner.inert import inert


class ExitCode(IntEnum):
    """What the process says to its caller. When several apply, `worst` picks one."""

    PASSED = 0
    FAILED = 1
    BAD_INPUT = 2
    REFUSED = 3
    ABORTED = 4
    BROKEN = 5
    LEFT_BEHIND = 6
    INCONCLUSIVE = 7


_GRAVITY = (
    ExitCode.LEFT_BEHIND,
    ExitCode.BROKEN,
    ExitCode.ABORTED,
    ExitCode.REFUSED,
    ExitCode.INCONCLUSIVE,
    ExitCode.FAILED,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code to exit with when several apply: 6, 5, 4, 3, 7, 1, else 0."""
    present = set(codes)
    return next((code for code in _GRAVITY if code in present), ExitCode.PASSED)


#: Characters of a file's name that a message shows.
_LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One thing wrong in a file a user wrote. `line` and `column` count from 1; 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0
    what: str = ""
    meant: str = ""

    def __str__(self) -> str:
        """One line, whatever stands in the names and values that it quotes."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return inert(f"{where}: {self.what}" + (f"; {self.meant}" if self.meant else ""))


class GamedayError(Exception):
    """Something went wrong."""

    exit_code = ExitCode.BROKEN


class InputError(GamedayError):
    """Something the user wrote cannot be used."""

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(
            problem if isinstance(problem, Problem) else Problem(file="gameday", what=problem) for problem in problems
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, error: OSError) -> InputError:
        """What the system would not do with a file, in one line."""
        return cls(Problem(file=_short(error.filename), what=f"cannot be used: {error.strerror or error}"))


def _short(name: object) -> str:
    text = name.decode(errors="replace") if isinstance(name, bytes) else str(name or "gameday")
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"


class Refused(GamedayError):
    """The guard does not let this run begin or go on."""

    exit_code = ExitCode.REFUSED


class Broken(GamedayError):
    """The tool itself failed."""

    exit_code = ExitCode.BROKEN


class TranscriptError(GamedayError):
    """A transcript cannot be written, or not be followed while its run goes on."""


class UnreadableTranscript(TranscriptError):
    """A transcript that somebody asks about cannot be read: it is damaged, or the system does not give it."""

    exit_code = ExitCode.BAD_INPUT
