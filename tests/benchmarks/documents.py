"""What bad documents cost: each is tried to be run, as a user would, and must be refused."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import REPOSITORY, Row

sys.path.append(str(REPOSITORY / "tests" / "e2e"))

from bad_documents import BAD, Bad, Cost, attempt, lay_out, nothing_ran
from file_fault import Repo

MOST_SECONDS, MOST_MEGABYTES, FEWEST = 1.0, 200.0, 60
_EVERY = 5


@contextmanager
def _repo() -> Iterator[Repo]:
    with tempfile.TemporaryDirectory(prefix="gd-") as folder, Repo.make(Path(folder)) as repo:
        yield repo


def _tried(bad: Bad) -> tuple[Cost, bool]:
    """What it cost, and whether it was refused with its name and its reason and nothing began."""
    with _repo() as repo:
        lay_out(repo, bad)
        cost = attempt(repo, bad)
        named = Path(bad.path).name in cost.said and bad.says in cost.said and "Traceback" not in cost.said
        return cost, cost.code == 2 and named and not list(nothing_ran(repo))


def rows(*, quick: bool) -> list[Row]:
    """One row: how many of them were refused, and the worst of them. `quick`: every fifth."""
    chosen = BAD[::_EVERY] if quick else BAD
    tried = {bad.name: _tried(bad) for bad in chosen}
    for name in [name for name, (_, refused) in tried.items() if not refused]:
        print(f"  not refused: {name}", file=sys.stderr)
    costs = [cost for cost, _ in tried.values()]
    refused = sum(refused for _, refused in tried.values())
    slowest = max(tried, key=lambda name: tried[name][0].seconds)
    seconds, wall = tried[slowest][0].seconds, max(cost.wall for cost in costs)
    megabytes = max(cost.megabytes for cost in costs)
    enough = quick or len(chosen) >= FEWEST
    return [
        Row(
            what=f"{len(chosen)} malformed documents: refused; worst processor time ({slowest}); worst memory",
            ours=f"{wall:.2f} s worst wall",
            value=f"{refused} of {len(chosen)}; {seconds:.2f} s; {megabytes:.0f} MB",
            reach=f"all; < {MOST_SECONDS:g} s; < {MOST_MEGABYTES:g} MB",
            met=enough and refused == len(chosen) and seconds < MOST_SECONDS and megabytes < MOST_MEGABYTES,
        )
    ]
