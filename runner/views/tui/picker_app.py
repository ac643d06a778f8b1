"""The picker as an application: `Picker.here(catalogue, runs, now).run()` is what was picked, or None."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from runner.errors import InputError
from runner.history.due_drills import agenda
from runner.history.summary import summaries
from runner.specs.catalogue import Catalogue
from runner.views.picking import Pick, picks
from runner.views.tui.base_app import BaseApp
from runner.views.tui.screens.picker import Picked, PickerScreen


class Picker(BaseApp[Picked | None]):
    """`gameday run` at a terminal, when no drill is named."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, where: str, found: Sequence[Pick], targets: Sequence[str], now: datetime) -> None:
        super().__init__()
        self._first = PickerScreen(where, found, targets, now)

    @classmethod
    def here(cls, catalogue: Catalogue, runs: Iterable[Path], now: datetime) -> Picker:
        """Of everything in a repository; `runs` are the folders of its runs."""
        drills = agenda(catalogue, list(summaries(runs)), now)
        experiments = {slug: catalogue.shown(catalogue.experiment(slug)) for slug in catalogue.experiments()}
        targets: list[str] = []
        # What is wrong with the targets is said, with its line, when one is run.
        with suppress(InputError):
            targets = list(catalogue.targets())
        return cls(str(catalogue.root), picks(drills, experiments, catalogue.root), targets, now)

    def on_mount(self) -> None:
        self.push_screen(self._first, self.exit)
