"""The command line of the torture: which cells, how often, and what is told at the end."""

from __future__ import annotations

import argparse
import os
import platform
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cage import why_not
from cells import CELLS, Cell
from load_target import Target
from load_trial import LOAD_CELLS, LoadCell
from outcome import Outcome
from report import notes, rows, table
from results import Results, joined
from series import Base, Series, play_all, workshop

ALL: tuple[Cell | LoadCell, ...] = (*CELLS, *LOAD_CELLS)
MACHINE = f"{os.cpu_count()} cores, {platform.platform(terse=True)}, Python {platform.python_version()}"
#: Trials that are begun for one that counts, at most.
_MOST = 2


def by_name(name: str) -> Cell | LoadCell:
    """A row."""
    return next(cell for cell in ALL if cell.name == name)


def main() -> int:
    """Torture what was named, else all; or join what was played before."""
    wanted = _arguments()
    if wanted.join:
        return _join(wanted)
    if why := why_not():
        print(f"no namespaces are permitted here ({why}); run this as root on Linux", file=sys.stderr)
        return 2
    seed = wanted.seed or secrets.token_hex(4)
    kept = Path(wanted.keep or tempfile.mkdtemp(prefix="gameday-torture-"))
    kept.mkdir(parents=True, exist_ok=True)
    print(f"seed {seed}; evidence in {kept}", file=sys.stderr, flush=True)
    began, load = time.monotonic(), os.getloadavg()[0]
    cells = _cells(wanted)
    with workshop() as where, Target() as shop, Results(wanted.results or kept / "outcomes.jsonl", seed) as results:
        base = Base(seed=seed, where=where, keep=kept, shop=shop.url, keep_all=wanted.keep_all or bool(wanted.only))
        outcomes = play_all(_series(cells, wanted, base), wanted.jobs, lambda outcome: _tell(outcome, results))
    minutes = (time.monotonic() - began) / 60
    averages = f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    print(f"{MACHINE}; seed {seed}; {minutes:.1f} min; {averages}\n")
    code = _report(cells, outcomes, wanted)
    print(f"\nevidence: {kept}; outcomes: {results.path}")
    return code


def _join(wanted: argparse.Namespace) -> int:
    """One table of what was played before, perhaps in several parts."""
    try:
        outcomes = joined(wanted.join)
    except (OSError, ValueError) as why:
        print(f"not the outcomes of a torture: {why}", file=sys.stderr)
        return 2
    played = {outcome.cell for outcome in outcomes}
    print(f"{MACHINE}; {len(outcomes)} trials\n")
    return _report([cell for cell in _cells(wanted) if cell.name in played], outcomes, wanted)


def _report(cells: Sequence[Cell | LoadCell], outcomes: Sequence[Outcome], wanted: argparse.Namespace) -> int:
    print(table(rows(cells, outcomes), markdown=wanted.markdown))
    print("\n" + "\n".join(notes(outcomes)))
    return int(any(outcome.bad for outcome in outcomes if outcome.subject == "gameday"))


def _cells(wanted: argparse.Namespace) -> list[Cell | LoadCell]:
    names = [wanted.only[0]] if wanted.only else wanted.cell or [cell.name for cell in ALL]
    return [cell for cell in ALL if cell.name in names]


def _series(cells: Sequence[Cell | LoadCell], wanted: argparse.Namespace, base: Base) -> list[Series]:
    indices = [wanted.only[1]] if wanted.only else list(range(wanted.n * _MOST))
    return [
        Series(base, cell, subject, indices, enough=wanted.n) for cell in cells for subject in _subjects(cell, wanted)
    ]


def _subjects(cell: Cell | LoadCell, wanted: argparse.Namespace) -> list[str]:
    peers = [] if wanted.no_peers or wanted.only or not cell.peer else [cell.peer]
    return ["gameday", *peers]


def _tell(outcome: Outcome, results: Results) -> None:
    results.add(outcome)
    if outcome.subject == "gameday" and (outcome.bad or outcome.blemishes):
        words = "; ".join([*(["LEFT BEHIND"] if outcome.left else []), *outcome.blemishes])
        print(f"{outcome.cell}:{outcome.index} {outcome.what}: {words}", file=sys.stderr, flush=True)


def _only(text: str) -> tuple[str, int]:
    cell, _, index = text.partition(":")
    if cell not in [each.name for each in ALL] or not index.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: write it as CELL:INDEX")
    return cell, int(index)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/faults", description="Whether a fault ever outlives its run.")
    names = [cell.name for cell in ALL]
    parser.add_argument("cell", nargs="*", choices=[*names, []], help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--n", type=int, default=20, help="trials a cell (20), half of them with each fault")
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time (2)")
    parser.add_argument("--seed", help="all lots are drawn from it; printed when left out")
    parser.add_argument(
        "--only", type=_only, metavar="CELL:INDEX", help="play one trial again, keep its evidence (needs --seed)"
    )
    parser.add_argument("--keep", metavar="DIR", help="where the evidence goes")
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="where the outcomes are added, each as it comes (in the evidence)"
    )
    parser.add_argument(
        "--join", type=Path, nargs="+", metavar="FILE", help="play nothing: one table of the outcomes in these files"
    )
    parser.add_argument("--keep-all", action="store_true", help="also that of trials that went well")
    parser.add_argument("--no-peers", action="store_true", help="only ours")
    parser.add_argument("--markdown", action="store_true", help="the table as Markdown")
    wanted = parser.parse_args()
    if wanted.only and not wanted.seed:
        parser.error("--only needs the --seed that was printed")
    return wanted
