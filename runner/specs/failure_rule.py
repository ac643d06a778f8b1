"""What follows the failure of a step: one type a rule, and the text in which a plan on disk holds it."""

from __future__ import annotations

from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True)
class AskPeople:
    """Somebody decides; where nobody is there, the runbook stops."""

    def __str__(self) -> str:
        return "ask"


@lazy_dataclass(frozen=True)
class StopRunbook:
    """The run ends."""

    def __str__(self) -> str:
        return "stop"


@lazy_dataclass(frozen=True)
class ContinueRunbook:
    """The next step begins."""

    def __str__(self) -> str:
        return "continue"


@lazy_dataclass(frozen=True)
class GoToStep:
    """The step of that id begins."""

    step: str

    def __str__(self) -> str:
        return f"go-to:{self.step}"


FailureRule = AskPeople | StopRunbook | ContinueRunbook | GoToStep


def read_rule(text: object) -> FailureRule:
    """The inverse of `str`. What this release does not know stops nothing: it counts as continue."""
    word, _, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
    match word:
        case "ask":
            return AskPeople()
        case "stop":
            return StopRunbook()
        case "go-to":
            return GoToStep(rest)
        case _:
            return ContinueRunbook()
