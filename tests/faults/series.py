"""Playing many trials, several at a time: each cell goes on until enough of its trials count."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cells import Cell
from load_trial import LoadCell, play_load
from outcome import Outcome, Ticket
from trial import play


@dataclass(frozen=True, kw_only=True)
class Base:
    """What all trials of one torture share; see `Ticket`."""

    seed: str
    where: Path
    keep: Path
    shop: str
    keep_all: bool = False

    def ticket(self, cell: Cell | LoadCell, subject: str, index: int) -> Ticket:
        """One trial."""
        return Ticket(
            cell=cell,
            subject=subject,
            index=index,
            seed=self.seed,
            where=self.where,
            keep=self.keep,
            shop=self.shop,
            keep_all=self.keep_all,
        )


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """A short folder for all trials: the path of a unix socket holds 107 bytes."""
    where = Path(tempfile.mkdtemp(prefix="gt-"))
    try:
        yield where
    finally:
        shutil.rmtree(where, ignore_errors=True)


def play_one(ticket: Ticket) -> Outcome:
    """Of whichever kind it is."""
    return play_load(ticket) if isinstance(ticket.cell, LoadCell) else play(ticket)


class Series:
    """The trials of one cell and one subject, until `enough` of them count or the `indices` are used up."""

    def __init__(self, base: Base, cell: Cell | LoadCell, subject: str, indices: Sequence[int], *, enough: int) -> None:
        self._base = base
        self._cell = cell
        self._subject = subject
        self._indices = iter(indices)
        self._missing = enough
        self.outcomes: list[Outcome] = []

    def draw(self) -> Ticket | None:
        """Another one, unless those that are going on may be enough. Not thread-safe, as `took` is not."""
        index = next(self._indices, None) if self._missing else None
        if index is None:
            return None
        self._missing -= 1
        return self._base.ticket(self._cell, self._subject, index)

    def took(self, outcome: Outcome) -> None:
        """How one that was drawn came out."""
        self.outcomes.append(outcome)
        self._missing += not outcome.counted


def play_all(series: Sequence[Series], jobs: int, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """All of them, `jobs` at a time, turn by turn: what the machine does meanwhile meets ours and the peers alike."""
    lock = threading.Lock()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            while _round(series, lock, tell) and not errors:
                pass
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [outcome for each in series for outcome in each.outcomes]


def _round(series: Sequence[Series], lock: threading.Lock, tell: Callable[[Outcome], None]) -> bool:
    """One trial of each series that wants one; whether there was any."""
    any_played = False
    for each in series:
        with lock:
            ticket = each.draw()
        if ticket is None:
            continue
        any_played = True
        outcome = play_one(ticket)
        with lock:
            each.took(outcome)
            tell(outcome)
    return any_played
