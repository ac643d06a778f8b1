"""A finished run, to be moved through: any moment of it, at once."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

from runner.engine.events import PROCESSES, Recorded
from runner.transcript.reader import read
from runner.views.story import Mark, Story, marked

#: Events between two stories that are kept: so many at most are folded to be at any moment.
_APART = 1000
#: Kinds that come several times a second, and are no event that anybody steps to.
_SAMPLES = frozenset({"load-sampled", "probes-sampled", "indicator-judged"})


class Reel:
    """The events of a run, and the story at `t` (s). Raises TranscriptError when it cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.events: list[Recorded] = list(read(folder))
        self._times = [recorded.t for recorded in self.events]
        self.marks: list[Mark] = sorted(filter(None, map(marked, self.events)), key=lambda mark: mark.t)
        self._kept: dict[int, Story] = {0: Story()}
        self._next = 0
        self._story = Story()
        self.t = 0.0

    @property
    def end(self) -> float:
        """The run's last moment (s)."""
        return self._times[-1] if self._times else 0.0

    @property
    def story(self) -> Story:
        """Everything up to `t`."""
        return self._story

    def seek(self, t: float) -> None:
        """Be at this moment, or at the nearest that there is."""
        self.t = min(max(t, 0.0), self.end)
        wanted = bisect_right(self._times, self.t)
        if wanted < self._next:
            self._next = max(at for at in self._kept if at <= wanted)
            self._story = self._kept[self._next].copy()
        while self._next < wanted:
            self._story.take(self.events[self._next])
            self._next += 1
            if self._next % _APART == 0 and self._next not in self._kept:
                self._kept[self._next] = self._story.copy()

    def step(self, by: int) -> None:
        """To the next event (`by` 1) or the one before (-1); samples are passed over."""
        at = self._next if by > 0 else self._next - 2
        while 0 <= at < len(self.events):
            if self.events[at].event.kind not in _SAMPLES and (by > 0 or self._times[at] < self.t):
                self.seek(self._times[at])
                return
            at += by
        self.seek(self.end if by > 0 else 0.0)

    def next_mark(self, by: int) -> None:
        """To the next mark (`by` 1) or the one before (-1)."""
        times = [mark.t for mark in self.marks]
        found = [t for t in times if t > self.t + 0.001] if by > 0 else [t for t in times if t < self.t - 0.001]
        if found:
            self.seek(found[0] if by > 0 else found[-1])

    def to(self, label: str) -> bool:
        """To the first mark of this label ("impact", "recovered"); whether there is one."""
        mark = next((each for each in self.marks if each.label == label), None)
        if mark is not None:
            self.seek(mark.t)
        return mark is not None

    def search(self, text: str, by: int = 1) -> bool:
        """To the next event whose words hold `text`; whether there is one."""
        wanted = text.casefold()
        story = Story()
        found = []
        for recorded in self.events:
            before = story.told
            story.take(recorded)
            lines = list(story.lines)[before - story.told :] if story.told > before else []
            if any(wanted in f"{line.text} {line.by}".casefold() for line in lines):
                found.append(recorded.t)
        ahead = [t for t in found if t > self.t + 0.001] if by > 0 else [t for t in found if t < self.t - 0.001]
        if ahead:
            self.seek(ahead[0] if by > 0 else ahead[-1])
        return bool(ahead)

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who did something, in the order of their first deed."""
        return tuple(dict.fromkeys(each.by for each in self.events if each.by not in PROCESSES))
