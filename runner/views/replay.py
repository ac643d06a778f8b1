"""A finished run, to be moved through: any moment of it, at once."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from runner.clock import iso, utc_now
from runner.collector import no_collection
from runner.engine.events import Recorded
from runner.transcript.comments import Comment, add_comment, read_comments
from runner.transcript.reader import read
from runner.views.event_line import Line
from runner.views.event_text import EventText
from runner.views.timeline import Timeline
from runner.views.view_model import Mark, ViewModel, marked

#: Events between two view models that are kept: so many at most are read again to be at any moment.
_APART = 1000


class Replay(Timeline):
    """The events of a run and what was said of them later; the view model at `t` (s). Raises TranscriptError.

    `problems`: lines of the comments that are none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with no_collection(for_good=True):
            self.events: list[Recorded] = list(read(folder))
        # Children stamp their own events: a line may be a little older than the one before it.
        self._times = list(accumulate((recorded.t for recorded in self.events), max))
        self._moments = [t for t, each in zip(self._times, self.events, strict=True) if not each.event.sample]
        self._event_marks = [mark for mark in map(marked, self.events) if mark is not None]
        comments, self.problems = read_comments(folder)
        self._comments: defaultdict[int, list[Comment]] = defaultdict(list)
        for comment in comments:
            self._comments[comment.seq].append(comment)
        self._said: list[tuple[float, str]] | None = None
        self._kept: dict[int, ViewModel] = {0: ViewModel()}
        self._next = 0
        self._model = ViewModel()
        self._mark()

    @property
    def end(self) -> float:
        return self._times[-1] if self._times else 0.0

    @property
    def moments(self) -> Sequence[float]:
        return self._moments

    @property
    def model(self) -> ViewModel:
        """Everything up to `t`."""
        return self._model

    @property
    def current(self) -> Recorded | None:
        """The last event that is no sample; None before the first."""
        behind = range(self._next - 1, -1, -1)
        return next((self.events[at] for at in behind if not self.events[at].event.sample), None)

    def seek(self, t: float) -> None:
        self.t = min(max(t, 0.0), self.end)
        self._fold_to(bisect_right(self._times, self.t))

    def found(self, text: str) -> Sequence[float]:
        wanted = text.casefold()
        return [t for t, said in self._everything_said() if wanted in said]

    def comment(self, author: str, text: str) -> Comment:
        """Pin a comment to the current event, on disk. Raises InputError, OSError."""
        event = self.current or self.events[0]
        comment = Comment(author=author, seq=event.seq, t=event.t, text=text.strip(), when=iso(utc_now()))
        add_comment(self.folder, comment)
        self._comments[event.seq].append(comment)
        self._said = None
        self._mark()
        self._forget(next(at for at, each in enumerate(self.events) if each is event))
        return comment

    # -- folding ---------------------------------------------------------------------------------------------------------

    def _fold_to(self, wanted: int) -> None:
        """Have the first `wanted` events in the model."""
        if wanted < self._next:
            self._next = max(at for at in self._kept if at <= wanted)
            self._model = self._kept[self._next].copy()
        with no_collection():
            while self._next < wanted:
                self._take(self.events[self._next])
                self._next += 1
                if self._next % _APART == 0 and self._next not in self._kept:
                    self._kept[self._next] = self._model.copy()

    def _take(self, recorded: Recorded) -> None:
        self._model.take(recorded)
        for comment in self._comments.get(recorded.seq, ()):
            self._model.say(_line(comment))

    def _forget(self, at: int) -> None:
        """Read the event at this place anew, and what comes behind it."""
        self._kept = {kept: model for kept, model in self._kept.items() if kept <= at}
        wanted, self._next = self._next, len(self.events) + 1
        self._fold_to(wanted)

    def _mark(self) -> None:
        said = [Mark(each.t, "❝", f"{each.author}: {each.text}", "note") for each in self._all_comments()]
        self.marks = sorted([*self._event_marks, *said], key=lambda mark: mark.t)

    def _all_comments(self) -> list[Comment]:
        known = {recorded.seq for recorded in self.events}
        return [each for seq, comments in self._comments.items() if seq in known for each in comments]

    def _everything_said(self) -> list[tuple[float, str]]:
        if self._said is None:
            words = EventText()
            self._said = []
            for t, recorded in zip(self._times, self.events, strict=True):
                told = [*words.lines_of(recorded), *map(_line, self._comments.get(recorded.seq, ()))]
                self._said += [(t, f"{line.text} {line.by}".casefold()) for line in told]
        return self._said


def _line(comment: Comment) -> Line:
    return Line(comment.t, "❝", comment.text, "note", comment.author)
