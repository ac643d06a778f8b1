"""When an experiment is injected: one type a moment, and the text in which a plan on disk holds it."""

from __future__ import annotations

from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True)
class AfterWarmUp:
    """As soon as the run is live."""

    def __str__(self) -> str:
        return "after-warm-up"


@lazy_dataclass(frozen=True)
class OnCommand:
    """When the facilitator says so."""

    def __str__(self) -> str:
        return "on-command"


@lazy_dataclass(frozen=True)
class AtStep:
    """When the step of that id begins."""

    step: str

    def __str__(self) -> str:
        return f"at-step:{self.step}"


@lazy_dataclass(frozen=True)
class Between:
    """At a random moment, so many seconds after the run went live."""

    first: float
    last: float

    def __str__(self) -> str:
        return f"between:{_number(self.first)}:{_number(self.last)}"


InjectionMoment = AfterWarmUp | OnCommand | AtStep | Between


def comes_by_itself(moment: InjectionMoment) -> bool:
    """Whether time alone brings it about, whatever people do."""
    return isinstance(moment, AfterWarmUp | Between)


def read_moment(text: object) -> InjectionMoment:
    """The inverse of `str`. What this release does not know, nothing in it brings about: it counts as on command."""
    word, _, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
    match word:
        case "after-warm-up":
            return AfterWarmUp()
        case "at-step":
            return AtStep(rest)
        case "between":
            return _between(rest)
        case _:
            return OnCommand()


def _between(text: str) -> InjectionMoment:
    first, _, last = text.partition(":")
    try:
        return Between(float(first), float(last))
    except ValueError:
        return OnCommand()


def _number(seconds: float) -> str:
    """As short as it can be without losing a digit."""
    short = f"{seconds:g}"
    return short if float(short) == seconds else repr(seconds)
