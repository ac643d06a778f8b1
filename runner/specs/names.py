"""Which files a repository of drills has, by the names that people and drills call them.

A repository is a folder with `drills/`, `experiments/` or `runbooks/` in it. A drill is called by its folder below
`drills/`, an experiment or a runbook by its file below `experiments/` or `runbooks/`, without its ending.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runner.errors import InputError, Problem
from runner.specs.diagnostics import nearest
from runner.specs.disk_reads import ENDINGS, below, exists, is_dir, is_file, resolve
from runner.specs.invisible import explain, first_hidden

FOLDERS = ("drills", "experiments", "runbooks")
TARGETS_FILES = ("targets.yaml", "targets.yml")
DRILL_FILES = tuple(f"drill{ending}" for ending in ENDINGS)


class Names:
    """The names in the repository `root`. Each folder is listed once, so later changes are not seen."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listed: dict[str, dict[str, list[Path]]] = {}

    def of(self, folder: str) -> dict[str, Path]:
        """Name → file, in order, of drills, experiments or runbooks; of a name that fits several files, the first."""
        return {name: files[0] for name, files in self._listing(folder).items()}

    def knows(self, name: str) -> bool:
        """Whether a drill, an experiment or a runbook is called that."""
        return any(name in self._listing(folder) for folder in FOLDERS)

    def fault(self, folder: str, name: str) -> Problem | None:
        """What is wrong with a name: a character in it that nobody sees, or several files that are called that."""
        files = [shown(each, self.root) for each in self._listing(folder).get(name, ())]
        if files and (at := _hidden_at(name)) is not None:
            return Problem(file=files[0], what=f"its name {explain(name[at])[0]}", meant="rename it without that")
        if len(files) < 2:
            return None
        also = f"{' and '.join(files[1:])} {'is' if len(files) == 2 else 'are'} called {name!r} too"
        return Problem(file=files[0], what=also, meant="rename or remove all but one of them")

    def faults(self) -> list[Problem]:
        """Every name with something wrong."""
        found = (self.fault(folder, name) for folder in FOLDERS for name in self._listing(folder))
        return [problem for problem in found if problem is not None]

    def drill(self, what: str) -> Path:
        """The file of a drill: by its name, its folder or the file itself. Raises InputError with the nearest name."""
        if what in self.of("drills"):
            return self.called("drills", what)
        path = Path(what)
        if is_dir(path):
            found = next((path / name for name in DRILL_FILES if is_file(path / name)), None)
            if found is not None:
                return straight(found)
        elif is_file_name(path) and (exists(path) or "/" in what):
            return straight(path)
        raise InputError(f"there is no drill {what!r}{or_nearest(what, self.of('drills'), 'drills here')}")

    def file(self, kind: str, what: str) -> Path:
        """The file of an experiment or a runbook: by its name or the file itself. Raises InputError with the nearest name."""
        known = self.of(f"{kind}s")
        if what in known:
            return self.called(f"{kind}s", what)
        path = Path(what)
        if is_file_name(path) and (exists(path) or "/" in what):
            return straight(path)
        raise InputError(f"there is no {kind} {what!r}{or_nearest(what, known, f'{kind}s here')}")

    def called(self, folder: str, name: str) -> Path:
        """The file of a name that is known. Raises InputError when it fits several, or cannot be read as one."""
        if (fault := self.fault(folder, name)) is not None:
            raise InputError(fault)
        return self.of(folder)[name]

    def slug(self, path: Path) -> str:
        """What a drill is called: its folder below drills/, with those between; elsewhere the folder alone."""
        base = self.root / "drills"
        return path.parent.relative_to(base).as_posix() if path.parent.is_relative_to(base) else path.parent.name

    def kind(self, path: Path) -> str:
        """drill, runbook, experiment or targets, by the place of an absolute path; '' where that does not tell."""
        parts = path.relative_to(self.root).parts if path.is_relative_to(self.root) else ()
        if path.name in TARGETS_FILES and parts[:1] in ((), ("drills",)):
            return "targets"
        if path.name in DRILL_FILES:
            return "drill"
        return parts[0].removesuffix("s") if parts[:1] in (("experiments",), ("runbooks",)) else ""

    def _listing(self, folder: str) -> dict[str, list[Path]]:
        if folder not in self._listed:
            base = self.root / folder
            named: dict[str, list[Path]] = {}
            for file in below(base):
                if folder == "drills" and file.name in DRILL_FILES and file.parent != base:
                    named.setdefault(file.parent.relative_to(base).as_posix(), []).append(file)
                elif folder != "drills" and is_file_name(file):
                    named.setdefault(file.relative_to(base).with_suffix("").as_posix(), []).append(file)
            self._listed[folder] = dict(sorted(named.items()))
        return self._listed[folder]


def _hidden_at(name: str) -> int | None:
    """In a file a tab or a line end may stand; in the name of one it is as invisible as the rest."""
    ends = next((at for at, character in enumerate(name) if character in "\t\n\r"), None)
    return first_hidden(name) if ends is None else ends


def or_nearest(word: str, known: Iterable[str], noun: str) -> str:
    """The end of a message about an unknown word: the nearest known one, or all of them when they are few."""
    meant = nearest(word, known, noun=noun)
    return f"; {meant}" if meant else ""


def straight(path: Path) -> Path:
    """Absolute, and without `..`: one file has one name."""
    return resolve(path) if ".." in path.parts else path.absolute()


def repository(folder: Path) -> Path | None:
    """The nearest folder, this one or one above, that has drills/, experiments/ or runbooks/ in it."""
    here = straight(folder)
    return next((each for each in (here, *here.parents) if any(is_dir(each / name) for name in FOLDERS)), None)


def shown(path: Path, root: Path) -> str:
    """A path as messages and transcripts name it: relative to the root when it lies under it."""
    path = straight(path)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def is_file_name(path: Path) -> bool:
    """Whether a file of this name is one of those that are written here."""
    return path.suffix in ENDINGS and not path.name.startswith(".")
