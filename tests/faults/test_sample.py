"""A handful of the torture's trials, so that every change goes through them; `make torture` plays the rest.

Where namespaces are not permitted they are skipped, unless GAMEDAY_NAMESPACES=required says that they must be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

import pytest
from cage import why_not
from load_target import Target
from outcome import Outcome
from series import Base, play_one, workshop
from torture import by_name

#: Trials that may come to nothing before one counts.
_TRIES = 6


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    if why := why_not():
        if os.environ.get("GAMEDAY_NAMESPACES") == "required":
            pytest.fail(f"namespaces are required here, and not permitted: {why}")
        pytest.skip(f"no namespaces are permitted here: {why}")
    with workshop() as where, Target() as shop:
        yield Base(seed="sample", where=where, keep=tmp_path_factory.mktemp("torture"), shop=shop.url)


def _counted(base: Base, cell: str, subject: str, first: int) -> Outcome:
    """The first trial from there on that reached its injection; every second one has the same kind of fault."""
    for index in range(first, first + 2 * _TRIES, 2):
        outcome = play_one(base.ticket(by_name(cell), subject, index))
        if outcome.counted:
            return outcome
    raise AssertionError(f"no trial of {cell} reached its injection: {outcome.thrown}")


@pytest.mark.parametrize(
    ("cell", "index"),
    [
        ("sigterm-twice", 0),
        ("sigkill", 0),
        ("sigkill", 1),
        ("hang-up", 0),
        ("parent", 1),
        ("stop-conductor", 0),
        ("stop-chaos", 1),
        ("slow-undo", 0),
        ("kill-all", 0),
        ("halt", 1),
        ("disk-full", 0),
        ("load-workers", 0),
    ],
)
def test_nothing_outlives_its_run(cell: str, index: int, base: Base) -> None:
    outcome = _counted(base, cell, "gameday", index)
    assert not outcome.bad, f"after {outcome.what}: see {outcome.evidence}"


@pytest.mark.parametrize(("cell", "subject"), [("parent", "chaos"), ("load", "locust")])
def test_the_judge_sees_what_outlives_its_run(cell: str, subject: str, base: Base) -> None:
    outcomes = (_counted(base, cell, subject, index) for index in count())
    assert any(outcome.left for outcome, _ in zip(outcomes, range(4), strict=False))
