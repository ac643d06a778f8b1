"""The drills that come with Gameday, and what `gameday init` lays out of them and of its example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os.path import lexists
from pathlib import Path

from runner.errors import InputError
from runner.specs.catalogue import Catalogue
from runner.specs.diagnostics import nearest
from runner.specs.names import FOLDERS

#: Stands for the name of every drill that ships.
ALL = "all"

_PACKAGE = Path(__file__).parents[1]


def shipped() -> Catalogue:
    """The catalogue of an installed Gameday; without one, as when it runs from its own repository, that repository's."""
    installed = _PACKAGE / "shipped"
    return Catalogue(installed if installed.is_dir() else _PACKAGE.parent)


def example_files() -> dict[Path, Path]:
    """Where each file of the example goes, relative to the user's folder → the file."""
    return _relative(_PACKAGE / "templates", [_PACKAGE / "templates"])


def drill_files(names: Iterable[str]) -> dict[Path, Path]:
    """Where each file of these shipped drills goes, relative to the user's folder → the file.

    A drill's are its own folder, its runbook and its experiments. Raises InputError for a name that does not ship, with
    the nearest that does.
    """
    catalogue = shipped()
    known = catalogue.drills()
    wanted = dict.fromkeys(each for name in names for each in (known if name == ALL else [name]))
    if unknown := [name for name in wanted if name not in known]:
        raise InputError(
            *(
                f"no drill {name!r} comes with Gameday; {nearest(name, [*known, ALL], noun='there are')}"
                for name in unknown
            )
        )
    return _relative(catalogue.root, [path for name in wanted for path in _belonging(catalogue, name)])


def in_the_way(wanted: Mapping[Path, Path]) -> list[Path]:
    """The paths among these, or above one of them, at which something else stands. The same text is nothing else."""
    above = {folder: None for path in wanted for folder in path.parents if lexists(folder) and not folder.is_dir()}
    own = (path for path, source in wanted.items() if lexists(path) and not _same(path, source))
    return [*above, *own]


def _same(path: Path, source: Path) -> bool:
    return path.is_file() and path.read_bytes() == source.read_bytes()


def _belonging(catalogue: Catalogue, name: str) -> list[Path]:
    loaded = catalogue.load_drill(name)
    experiments = [catalogue.experiment(each.slug) for each in loaded.experiments]
    runbook = [catalogue.root / loaded.runbook_file] if loaded.runbook_file else []
    return [catalogue.drill(name).parent, *runbook, *experiments]


def _relative(root: Path, places: Iterable[Path]) -> dict[Path, Path]:
    found = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*")))]
    kept = [file for file in found if file.is_file() and "__pycache__" not in file.parts]
    return {file.relative_to(root): file for file in sorted(kept, key=lambda file: _order(file.relative_to(root)))}


def _order(path: Path) -> tuple[int, str]:
    return FOLDERS.index(path.parts[0]), str(path)
