"""What goes into a trial and what comes out of it, and the evidence that is kept."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from scene import Scene


class Row(Protocol):
    """A row of the table."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """Which trial: all its lots are drawn from cell, subject, index and seed.

    `where` is a folder to work in, `keep` one for the evidence, `shop` the address of a server for load.
    """

    cell: Row
    subject: str
    index: int
    seed: str
    where: Path
    keep: Path
    shop: str
    keep_all: bool = False

    @property
    def name(self) -> str:
        return f"{self.cell.name}-{self.subject}-{self.index}"


@dataclass(kw_only=True)
class Outcome:
    """What came of it.

    `left`: the fault, or the load, outlived the grace. `invalid`: the transcript does not verify. `blemishes`: what else
    was not as it should be. `thrown`: why it does not count.
    """

    cell: str
    subject: str
    index: int
    kind: str = ""
    counted: bool = False
    left: bool = False
    invalid: bool = False
    role: str = ""
    what: str = ""
    between: bool = False
    went_on: bool = False
    thrown: str = ""
    blemishes: list[str] = field(default_factory=list)
    evidence: str = ""

    @property
    def bad(self) -> bool:
        """Whether it breaks the promise."""
        return self.counted and (self.left or self.invalid)


def keep(ticket: Ticket, scene: Scene, outcome: Outcome) -> None:
    """Put the evidence aside when something is to be explained. The scene must still be there."""
    wanted = outcome.subject == "gameday" and (outcome.bad or outcome.blemishes)
    if not wanted and not ticket.keep_all:
        return
    folder = ticket.keep / ticket.name
    outcome.evidence = str(folder)
    unwanted = shutil.ignore_patterns("rt", "ballast")
    shutil.copytree(scene.cage.path(scene.root), folder, ignore=unwanted, dirs_exist_ok=True)
    told = {**asdict(outcome), "seed": ticket.seed, "screen": scene.cage.screen}
    (folder / "outcome.json").write_text(json.dumps(told, indent=1))
    (folder / "log.txt").write_text("\n".join(scene.log) + "\n")
