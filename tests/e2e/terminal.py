"""A real terminal for tests: a tmux server of its own, keys that are sent to it, and what then stands on its screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: What this terminal decides, not the one (or the test runner) that it is started from.
_OWN = frozenset({"TMUX", "TMUX_PANE", "COLUMNS", "LINES", "NO_COLOR"})
#: Seconds until a test stops hoping, on a machine that is busy with other things.
PATIENCE = 60.0

_SETTINGS = """\
set -s exit-empty off
set -s escape-time 0
set -g status off
set -g remain-on-exit on
set -g default-terminal screen-256color
set -g history-limit 5000
"""


_CODE = "exit-code"


def why_not() -> str:
    """Why there can be no terminal here; '' when there can."""
    return "" if shutil.which("tmux") else "there is no tmux; on Debian: apt-get install tmux"


def _kept(command: Sequence[str], folder: Path) -> list[str]:
    # tmux knows how a command ended too, but now and then forgets it.
    return ["sh", "-c", '"$@"; echo $? >"$0"', str(folder / _CODE), *command]


@dataclass(frozen=True)
class Terminal:
    """One window with a shell in it, that runs one command and keeps its exit code."""

    folder: Path

    @classmethod
    @contextmanager
    def open(
        cls, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], columns: int = 120, rows: int = 40
    ) -> Iterator[Terminal]:
        """Start it; at the end the server and all that hangs on it are gone."""
        # Short, for a socket; and no server of somebody's own is ever spoken to.
        folder = Path(tempfile.mkdtemp(prefix="gd-tmux-"))
        settings = folder / "tmux.conf"
        settings.write_text(_SETTINGS)
        terminal = cls(folder)
        try:
            # The server names neither the command nor its folder: who looks for what is left of a run must not find it.
            terminal._tmux("-f", str(settings), "start-server", env=env)
            size = ("-x", str(columns), "-y", str(rows))
            terminal._tmux("new-session", "-d", *size, "-c", str(cwd), *_kept(command, folder), env=env)
            yield terminal
        finally:
            terminal.close()
            shutil.rmtree(folder, ignore_errors=True)

    def type(self, *keys: str) -> None:
        """Press these keys, by tmux's names: `Enter`, `Escape`, `Down`, `1`."""
        self._tmux("send-keys", *keys)

    def write(self, text: str) -> None:
        """Type this text, and Enter."""
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    def resize(self, columns: int, rows: int) -> None:
        """Somebody pulls at the window's corner."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self) -> str:
        """What can be seen."""
        return self._tmux("capture-pane", "-p")

    def everything(self) -> str:
        """What can be seen, and what has scrolled away above it, with wrapped lines joined."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-")

    def wait(self, *texts: str, within: float = PATIENCE) -> str:
        """The screen as soon as all these are on it. Raises AssertionError with the screen."""
        deadline = time.monotonic() + within
        while any(text not in (shown := self.screen()) for text in texts):
            missing = [text for text in texts if text not in shown]
            assert time.monotonic() < deadline, f"not on the screen within {within} s: {missing}\n{shown}"
            time.sleep(0.05)
        return shown

    @property
    def pid(self) -> int:
        """Of the command."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text())

    def ended(self, within: float = PATIENCE) -> int:
        """Wait for the command's end; its exit code, 128 and more for a signal. Raises AssertionError."""
        deadline = time.monotonic() + within
        code = self.folder / _CODE
        while not (code.is_file() and (said := code.read_text()).endswith("\n")):
            assert time.monotonic() < deadline, f"it goes on after {within} s:\n{self.screen()}"
            time.sleep(0.05)
        return int(said)

    def close(self) -> None:
        """The window is shut, with whatever runs in it."""
        subprocess.run(self._command("kill-server"), capture_output=True, check=False)

    def _command(self, *words: str) -> list[str]:
        return ["tmux", "-S", str(self.folder / "s"), *words]

    def _tmux(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        clean = {key: value for key, value in (env or os.environ).items() if key not in _OWN}
        done = subprocess.run(self._command(*words), env=clean, cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"tmux {words}: {done.stderr}"
        return done.stdout
