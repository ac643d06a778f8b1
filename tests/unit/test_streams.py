"""Standard output and standard error in every encoding, closed, on a full disk."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.cli.streams import PlainStream, plain
from runner.views.prompt_text import AFTER_FAILURE

_SIGNS = "✓ ✗ ── │ → … ≤ ↯ ▶ é 日本 🚒 \udc80"
_ENCODINGS = ["ascii", "latin-1", "cp1252", "cp437", "koi8-r", "shift_jis", "utf-8", "utf-16-le"]


class _Full(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, _data: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("encoding", _ENCODINGS)
def test_no_sign_stops_a_line(encoding: str) -> None:
    under = io.BytesIO()
    stream = PlainStream(io.TextIOWrapper(under, encoding=encoding))
    assert stream.write(f"{_SIGNS}\n") == len(_SIGNS) + 1
    stream.flush()
    written = under.getvalue().decode(encoding)
    assert len(written) == len(_SIGNS) + 1
    assert written.endswith("?\n")
    if encoding == "ascii":
        assert written.startswith("+ x -- | > . < ! > ? ?? ? ?")


def test_a_sign_that_the_encoding_has_stays() -> None:
    under = io.BytesIO()
    stream = PlainStream(io.TextIOWrapper(under, encoding="latin-1"))
    stream.write("é ✓")
    stream.flush()
    assert under.getvalue().decode("latin-1") == "é +"


def test_what_is_in_ascii_stays_in_ascii_whatever_click_thinks_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import click

    under = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", PlainStream(io.TextIOWrapper(under, encoding="ascii")))
    click.echo(f"✓ {AFTER_FAILURE}")
    assert under.getvalue().decode("ascii").startswith("+ > gameday tell")


def test_only_standard_error_does_not_mind_a_full_disk() -> None:
    def full() -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BufferedWriter(_Full()), encoding="utf-8")

    stream = PlainStream(full(), unfailing=True)
    stream.write("x" * 100_000 + "\n")
    other = PlainStream(full())
    with pytest.raises(OSError, match="No space"):
        other.write("x" * 100_000 + "\n")


def test_our_own_signs_have_others_of_the_same_width() -> None:
    signs = "─│→✓✗●·…≤≋▶▲△▼■★↯↻↶»‖"
    assert "?" not in plain(signs)
    assert len(plain(signs)) == len(signs)


@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [(">/dev/full", 2, "No space left on device"), (">&-", 0, ""), ("<&- >&- 2>&-", 0, ""), ("2>/dev/full", 0, "")],
)
def test_the_command_line_on_streams_that_take_nothing(tmp_path: Path, redirected: str, code: int, said: str) -> None:
    (tmp_path / "drills/d").mkdir(parents=True)
    (tmp_path / "drills/d/drill.yaml").write_text("name: é ✓\ntarget: local\nrunbook: r\n")
    command = f'exec "$0" -m runner list {redirected}'
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        ["sh", "-c", command, sys.executable], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert said in done.stderr
