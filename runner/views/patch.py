"""What people said is wrong in a runbook, as a patch of it: a comment above each step they disputed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import InputError
from runner.scoring.scorecard import Said
from runner.views.text import inert

if TYPE_CHECKING:
    from runner.specs.yaml import Document

#: Lines of a step that a hunk shows: enough to find it again.
_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class Patch:
    """`text` is for `git apply` or `patch -p1` in the project's folder, '' for nothing; `left`: why some could not be placed."""

    text: str = ""
    left: tuple[str, ...] = ()


class _NotPlaced(Exception):
    """Why a proposal has no place in its file."""


def runbook_patch(disputes: Sequence[Said], places: Mapping[str, str], root: Path) -> Patch:
    """Above each disputed step, as its file stands now, what it should say.

    `places` is where each step stood (`file:line`, the file relative to `root`).
    """
    text: list[str] = []
    left: list[str] = []
    files = dict.fromkeys(_file(places.get(said.step, "")) for said in disputes)
    for file in files:
        said_here = [said for said in disputes if _file(places.get(said.step, "")) == file]
        hunks, missing = _of_file(file, said_here, root)
        left += missing
        if hunks:
            text += [_header("--- a", file), _header("+++ b", file), *hunks]
    return Patch(text="".join(f"{line}\n" for line in text), left=tuple(left))


def moment(seconds: float) -> str:
    """`+12:03`."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"+{minutes:02}:{rest:02}"


def _file(place: str) -> str:
    return place.rpartition(":")[0]


def _header(sign: str, file: str) -> str:
    # A name with a space in it ends at a tab.
    return f"{sign}/{file}" + ("\t" if " " in file else "")


def _of_file(file: str, disputes: Sequence[Said], root: Path) -> tuple[list[str], list[str]]:
    hunks: list[str] = []
    left: list[str] = []
    try:
        runbook = _Runbook(file, root)
    except _NotPlaced as why:
        return [], [f"{inert(said.step)}: {why}" for said in disputes]
    added = 0
    for step in sorted(dict.fromkeys(said.step for said in disputes), key=runbook.index):
        said_here = [said for said in disputes if said.step == step]
        try:
            hunks += runbook.hunk(step, said_here, added)
            added += len(said_here)
        except _NotPlaced as why:
            left.append(f"{inert(step)}: {why}")
    return hunks, left


class _Runbook:
    """A runbook as it stands in its file now. Raises _NotPlaced when it cannot be patched."""

    def __init__(self, file: str, root: Path) -> None:
        from runner.specs.runbook_checks import step_ids
        from runner.specs.yaml import read_document

        if not file:
            raise _NotPlaced("where it stands in its file is not known")
        if inert(file) != file or Path(file).is_absolute() or ".." in Path(file).parts:
            raise _NotPlaced(f"{inert(file)} is outside the project")
        try:
            self._document = read_document(root / file, file)
            text = self._document.content.decode()
        except (InputError, UnicodeDecodeError) as error:
            raise _NotPlaced(str(error) or f"{file} cannot be read") from error
        self._file = file
        self._whole = text.endswith("\n")
        self._lines = text.removesuffix("\n").split("\n")
        self._ids = step_ids(_steps(self._document))

    def index(self, step: str) -> int:
        """Which step of the runbook it is; behind the last when it is none."""
        return self._ids.index(step) if step in self._ids else len(self._ids)

    def hunk(self, step: str, disputes: Sequence[Said], added: int) -> Iterator[str]:
        """The lines of a hunk behind `added` lines that are new. Raises _NotPlaced."""
        if step not in self._ids:
            raise _NotPlaced(f"{self._file} has no such step any more")
        start, end = self._block(self._document.place(("steps", self.index(step))).line - 1)
        shown = self._lines[start:end]
        if any(_acts(line) for line in shown):
            raise _NotPlaced(f"{self._file}:{start + 1} holds characters that a terminal would obey")
        indent = shown[0][: len(shown[0]) - len(shown[0].lstrip(" "))]
        more = [f"+{indent}# proposed by {inert(s.by)} at {moment(s.t)}: {inert(s.text)}" for s in disputes]
        head = f"@@ -{start + 1},{len(shown)} +{start + 1 + added},{len(shown) + len(more)} @@"
        return iter([head, *more, *(f" {line}" for line in shown), *self._torn(end)])

    def _block(self, start: int) -> tuple[int, int]:
        """The first line of a step, and the one behind its last."""
        lines = self._lines
        if not lines[start].lstrip().startswith("-") and lines[start - 1].strip() == "-":
            start -= 1
        depth = _depth(lines[start])
        end = start + 1
        if lines[start].lstrip().startswith("-"):
            while end < len(lines) and (not lines[end].strip() or _depth(lines[end]) > depth):
                end += 1
        while end > start + 1 and not lines[end - 1].strip():
            end -= 1
        return start, min(end, start + _SHOWN)

    def _torn(self, end: int) -> list[str]:
        return ["\\ No newline at end of file"] if end == len(self._lines) and not self._whole else []


def _steps(document: Document) -> list[object]:
    """Raises _NotPlaced when the file is no runbook, or no line of it is where YAML counts it."""
    from runner.specs.runbook_checks import steps_of

    steps = steps_of(document.value)
    if not steps:
        raise _NotPlaced(f"{document.file} is no runbook any more")
    text = document.content.decode().replace("\r\n", "\n")
    if any(end in text for end in "\r\x85\u2028\u2029"):
        raise _NotPlaced(f"{document.file} has line ends that a patch does not know")
    return steps


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _acts(line: str) -> bool:
    return inert(line.removesuffix("\r").replace("\t", " ")) != line.removesuffix("\r").replace("\t", " ")
