"""The torture's table: what it counts, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from outcome import Outcome
from report import bound, rows, table


@dataclass(frozen=True)
class _Row:
    name: str = "sigkill"
    title: str = "SIGKILL"


def _outcome(index: int, *, subject: str = "gameday", left: bool = False, counted: bool = True) -> Outcome:
    kind = ("file", "tc")[index % 2]
    return Outcome(cell="sigkill", subject=subject, index=index, kind=kind, counted=counted, left=left)


@pytest.mark.parametrize(
    ("left", "trials", "most"),
    # The share at which no more than `left` of `trials` would be seen in one case of twenty.
    [(0, 1, 0.95), (0, 20, 0.139108), (0, 200, 0.014867), (1, 20, 0.216106), (15, 17, 0.978682), (3, 3, 1.0)],
)
def test_the_bound_is_exact(left: int, trials: int, most: float) -> None:
    assert bound(left, trials) == pytest.approx(most, abs=1e-5)


def test_a_row_counts_what_reached_its_injection() -> None:
    ours = [_outcome(0), _outcome(1, left=True), _outcome(2, left=True, counted=False)]
    peer = [_outcome(0, subject="chaos", left=True)]
    (row,) = rows([_Row()], [*ours, *peer])
    assert row == ("SIGKILL", "1 of 2 (file 0 of 1, tc 1 of 1)", "97.5%", "1 of 1", "chaos", "1, peer 0")


def test_a_row_without_a_peer_has_a_dash() -> None:
    found = rows([_Row()], [_outcome(0)])
    assert found == [("SIGKILL", "0 of 1", "95.0%", "–", "–", "0")]
    assert table(found, markdown=True).splitlines()[2] == "| SIGKILL | 0 of 1 | 95.0% | – | – | 0 |"


def test_an_invalid_transcript_breaks_the_promise_too() -> None:
    outcome = Outcome(cell="disk-full", subject="gameday", index=0, kind="file", counted=True, invalid=True)
    assert outcome.bad
