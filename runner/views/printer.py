"""The headless printer: a run, line by line, for a log or a terminal without a room."""

from __future__ import annotations

from typing import TextIO

from runner.engine.events import Recorded
from runner.views.event_line import Line
from runner.views.event_text import EventText
from runner.views.text import Paint, clock, inert

_UNDER_WIDTH = 100


class Printer:
    """Writes to `stream` what each event means to somebody who watches. A broken stream is not an error: the run goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._paint = Paint(stream)
        self._words = EventText(prompts=True)
        self._broken = False

    def take(self, recorded: Recorded) -> None:
        """One more event."""
        for line in self._words.lines_of(recorded):
            self._write(self._under(line) if line.under else self._full(line))

    def _full(self, line: Line) -> str:
        who = f"  ({inert(line.by)})" if line.by else ""
        when = self._paint("dim", clock(line.t))
        sign, text = self._paint(line.style, line.sign), self._paint(line.style, inert(line.text))
        return f"{when}  {sign} {text}{self._paint('dim', who)}\n"

    def _under(self, line: Line) -> str:
        text = inert(line.text)
        text = text if len(text) <= _UNDER_WIDTH else text[: _UNDER_WIDTH - 1] + "…"
        return f"{'':11}  {self._paint('dim', f'{line.sign} {text}')}\n"

    def _write(self, text: str) -> None:
        if self._broken:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._broken = True
