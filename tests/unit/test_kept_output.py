"""The beginning of what a child prints is kept, whatever it prints and whatever the disk does."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

import pytest

from runner.actuators import kept
from runner.actuators.kept import KeptOutput


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (["one\n", "two\n"], "one\ntwo\n"),
        (["0123456789"], "0123456789"),
        (
            ["01234", "56789x", "more"],
            "0123456789\n[gameday keeps the first 10 bytes; what came after them is left out]\n",
        ),
    ],
)
def test_the_beginning_is_kept_and_a_cut_is_said(
    written: list[str], found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 10)
    output = KeptOutput(tmp_path / "log")
    for text in written:
        output.write(text)
    output.close()
    output.write("after the end")
    assert (tmp_path / "log").read_text() == found
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


def test_without_a_file_it_is_lost_and_nothing_else(tmp_path: Path) -> None:
    output = KeptOutput(tmp_path / "no such folder" / "log")
    output.write("x")
    output.close()


def test_on_a_full_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    output = KeptOutput(tmp_path / "log")
    monkeypatch.setattr("os.write", full)
    output.write("x")
    output.close()
