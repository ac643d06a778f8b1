"""What a run leaves for people to read never keeps it from closing."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from runner.conductor.handlers import report


def test_a_report_that_cannot_be_written_or_hangs_is_said_and_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written, never = [], threading.Event()

    def broken(_folder: Path, _root: Path) -> None:
        raise OSError(28, "No space left on device")

    def hanging(_folder: Path, _root: Path) -> None:
        never.wait(20)

    monkeypatch.setattr(report, "_PATIENCE", 0.2)
    monkeypatch.setattr(report, "writers", [broken, hanging, lambda *where: written.append(where)])

    async def leave() -> None:
        await report.leave_reports(tmp_path, tmp_path / "root")
        never.set()

    asyncio.run(leave())
    assert written == [(tmp_path, tmp_path / "root")]
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert "not written within 0.2 s" in said


def test_who_starts_runs_puts_the_writer_in_and_pays_nothing_for_it() -> None:
    code = (
        "import sys, runner.__main__ as main; from runner.conductor.handlers import report;"
        "main._leave = lambda code: sys.exit(0); sys.argv = ['gameday', '--version'];\n"
        "try: main.main()\nexcept SystemExit: pass\n"
        "print(len(report.writers), 'runner.views.report' in sys.modules, 'asyncio' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.splitlines()[-1] == "1 False False"


def test_a_full_disk_keeps_neither_the_report_nor_its_failure_from_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_folder: Path, _root: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "writers", [broken])
    with Path("/dev/full").open("w", buffering=1) as full:
        # The log lies on the same disk.
        monkeypatch.setattr(sys, "stderr", full)
        asyncio.run(report.leave_reports(tmp_path, tmp_path))
        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()
