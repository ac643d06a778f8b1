"""Make docs/run.svg, the picture in the README, from a real run: `python docs/make_picture.py`."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS = 118


def run_in_terminal(command: list[str]) -> str:
    """What `command` shows on a terminal."""
    pieces: list[bytes] = []

    def keep(descriptor: int) -> bytes:
        data = os.read(descriptor, 65536)
        pieces.append(data)
        return data

    os.environ.update(COLUMNS=str(COLUMNS), TERM="xterm-256color")
    pty.spawn(command, keep)
    return b"".join(pieces).decode().replace("\r\n", "\n")


def main() -> None:
    drill = sys.argv[1] if len(sys.argv) > 1 else "payment-gateway-outage"
    shown = run_in_terminal([sys.executable, "-m", "runner", "run", drill, "--headless"])
    console = Console(record=True, width=COLUMNS, file=Path(os.devnull).open("w"), force_terminal=True)  # noqa: SIM115
    console.print(Text(f"$ gameday run {drill} --headless", style="bold"))
    console.print(Text.from_ansi(shown))
    (HERE / "run.svg").write_text(console.export_svg(title="gameday"))


if __name__ == "__main__":
    main()
