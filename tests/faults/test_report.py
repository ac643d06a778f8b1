"""The torture's table: what it counts, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from outcome import Outcome
from report import bound, rows, table
from results import Results, joined


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


def test_parts_make_one_table_and_a_trial_that_was_played_again_counts_once(tmp_path: Path) -> None:
    for name, seed, outcomes in (
        ("a", "s1", [_outcome(0), _outcome(1, left=True)]),
        ("b", "s1", [_outcome(1)]),
        ("b", "s2", [_outcome(0), _outcome(1, counted=False)]),
    ):
        with Results(tmp_path / name, seed) as results:
            for outcome in outcomes:
                results.add(outcome)

    found = joined([tmp_path / "a", tmp_path / "b"])

    assert [row[1] for row in rows([_Row()], found)] == ["0 of 3 (file 0 of 2, tc 0 of 1)"]


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"seed": "s", "cell": "a", "more": 1}'])
def test_what_is_no_outcome_is_named_by_its_place(line: str, tmp_path: Path) -> None:
    with Results(tmp_path / "a", "s") as results:
        results.add(_outcome(0))
    with (tmp_path / "a").open("a") as file:
        file.write(line + "\n")

    with pytest.raises(ValueError, match=r"a:2: "):
        joined([tmp_path / "a"])
