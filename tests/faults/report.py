"""The table: what was left behind of how many, for us and for the peer, with the bound that so few trials allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from outcome import Outcome, Row

#: How sure the bound is.
_CONFIDENCE = 0.95
_HEAD = ("hit by", "gameday: left behind", "at most (95 %)", "peer: left behind", "peer", "trials thrown away")


def bound(left: int, trials: int) -> float:
    """The upper end of the one-sided exact (Clopper-Pearson) interval for a share of `left` in `trials`."""
    if left >= trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if _at_most(left, trials, middle) > 1 - _CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def _at_most(left: int, trials: int, share: float) -> float:
    """The probability of no more than `left` in `trials`."""
    term = total = (1 - share) ** trials
    for k in range(left):
        term *= (trials - k) / (k + 1) * share / (1 - share)
        total += term
    return total


@dataclass(frozen=True)
class Tally:
    """The outcomes of one row and one subject."""

    outcomes: Sequence[Outcome]

    @property
    def counted(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.counted]

    @property
    def left(self) -> int:
        return sum(outcome.left for outcome in self.counted)

    @property
    def invalid(self) -> int:
        return sum(outcome.invalid for outcome in self.counted)

    @property
    def thrown(self) -> int:
        return len(self.outcomes) - len(self.counted)

    def words(self) -> str:
        """`0 of 20 (file 0 of 10, tc 0 of 10)`, and transcripts that do not verify."""
        counted = self.counted
        if not counted:
            return "–"
        kinds = sorted({outcome.kind for outcome in counted})
        parts = [f"{kind} {self._left_of(kind)}" for kind in kinds] if len(kinds) > 1 else []
        invalid = [f"{self.invalid} transcripts invalid"] if self.invalid else []
        more = ", ".join([*parts, *invalid])
        return f"{self.left} of {len(counted)}" + (f" ({more})" if more else "")

    def _left_of(self, kind: str) -> str:
        mine = [outcome for outcome in self.counted if outcome.kind == kind]
        return f"{sum(outcome.left for outcome in mine)} of {len(mine)}"

    def bound(self) -> str:
        return f"{bound(self.left, len(self.counted)):.1%}" if self.counted else "–"


def rows(cells: Sequence[Row], outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """One for each cell."""
    return [_row(cell, [outcome for outcome in outcomes if outcome.cell == cell.name]) for cell in cells]


def _row(cell: Row, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    ours = Tally([outcome for outcome in outcomes if outcome.subject == "gameday"])
    peer = Tally([outcome for outcome in outcomes if outcome.subject != "gameday"])
    name = next((outcome.subject for outcome in peer.outcomes), "–")
    thrown = f"{ours.thrown}" + (f", peer {peer.thrown}" if peer.outcomes else "")
    return (cell.title, ours.words(), ours.bound(), peer.words(), name, thrown)


def table(found: Sequence[tuple[str, ...]], *, markdown: bool) -> str:
    """As text in columns, or as Markdown."""
    if markdown:
        lines = [_HEAD, ("---",) * len(_HEAD), *found]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
    widths = [max(len(line[column]) for line in [_HEAD, *found]) for column in range(len(_HEAD))]
    lines = [_HEAD, tuple("-" * width for width in widths), *found]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in lines)


def notes(outcomes: Sequence[Outcome]) -> list[str]:
    """What the table does not say of our trials: the moments, the victims, and what else was not as it should be."""
    all_ours = [outcome for outcome in outcomes if outcome.subject == "gameday"]
    ours = [outcome for outcome in all_ours if outcome.counted]
    faults = [outcome for outcome in ours if outcome.kind != "load"]
    said = []
    if faults:
        between = sum(outcome.between for outcome in faults)
        said.append(f"{between / len(faults):.0%} of our {len(faults)} moments lay between intent and undone")
        went_on = sum(outcome.went_on for outcome in faults)
        said.append(f"{went_on} times the run rightly went on; it was ended by Ctrl-C and judged then")
    victims = Counter(outcome.role for outcome in ours)
    said.append("hit: " + ", ".join(f"{role} {count}" for role, count in victims.most_common()))
    said += [f"! {each.cell}:{each.index} {words}" for each in all_ours for words in each.blemishes]
    said += [f"LEFT BEHIND {each.cell}:{each.index} after {each.what}: {each.evidence}" for each in ours if each.bad]
    return said
