"""When no drill is named: what there is to run here, overdue drills first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from runner.history.due_drills import Due
from runner.views.picking import DRILLS, EXPERIMENTS, Pick, due, fitting, outcome, span
from runner.views.tables import ago
from runner.views.tui.paint import line, lines
from runner.views.tui.screens.ask import AskChoice
from runner.views.tui.widgets.keys import Keys
from runner.views.tui.widgets.panel import Panel

#: Cells of the columns that every row has behind its name: last outcome, how long ago, due.
_OUTCOME, _AGO, _DUE = 14, 14, 15
#: Those of the target, and the fewest for the drill's title; without room they are left to the panel below.
_TARGET, _TITLE = 14, 12
#: Cells of a row that are not its name's: the sign in front, the columns, a space behind each.
_FIXED = 2 + 1 + _OUTCOME + 1 + _AGO + 1 + _DUE + 1


@dataclass(frozen=True, kw_only=True)
class Picked:
    """What to run, as `gameday run` takes it; `target` for an experiment, None where the drill says its own."""

    what: str
    target: str | None = None


class Picks(OptionList):
    """The list; its keys stand in the footer."""

    BINDINGS = [Binding("down", "cursor_down", "Choose", key_display="↑↓")]


class PickerScreen(Screen[Picked | None]):
    """Its result is what was picked; None when it was left. `targets`: where an experiment may be run; none, not asked."""

    BINDINGS = [
        Binding("enter", "pick", "Pick", priority=True),
        Binding("slash", "filter", "Filter, or just type"),
        Binding("escape", "back", "Back", show=False),
        Binding("q", "leave", "Leave"),
    ]

    def __init__(self, where: str, found: Sequence[Pick], targets: Sequence[str], now: datetime) -> None:
        super().__init__()
        self._where = where
        self._found = tuple(found)
        self._targets = tuple(targets)
        self._now = now
        self._shown: tuple[Pick, ...] = ()
        self._text = ""
        self._typing = False

    def compose(self) -> ComposeResult:
        yield Panel(id="picker-head")
        yield Panel(id="picker-filter")
        yield Picks(id="picks", markup=False)
        yield Panel(id="picker-detail")
        yield Keys()

    def on_mount(self) -> None:
        self.query_one(Picks).border_title = "What to rehearse"
        self.query_one(Picks).focus()

    def on_resize(self) -> None:
        self._show()

    # -- what is shown ---------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        self._shown = fitting(self._found, self._text)
        self.query_one("#picker-head", Panel).show(_head(self._where, self._found, self.size.width - 2))
        self.query_one("#picker-filter", Panel).show(self._filter_line())
        picks = self.query_one(Picks)
        before = self._highlighted
        picks.clear_options()
        picks.add_options(self._options(self.size.width - 6))
        kept = before if before in self._shown else next(iter(self._shown), None)
        picks.highlighted = None if kept is None else picks.get_option_index(_key(kept))
        self._detail(kept)

    def _filter_line(self) -> Content:
        if not self._typing and not self._text:
            return line(("type to filter", "dim"))
        count = f"  {len(self._shown)} of {len(self._found)}"
        return line(("/ ", "key"), (self._text, "bold"), ("▌", "key" if self._typing else "dim"), (count, "dim"))

    def _options(self, width: int) -> Iterator[Option]:
        if not self._found:
            yield Option(line("nothing to run here; gameday init lays out a small drill that runs"), disabled=True)
        elif not self._shown:
            yield Option(line(("nothing fits; ", "dim"), ("esc", "key"), (" shows all again", "dim")), disabled=True)
        name = min(max((cell_len(pick.slug) for pick in self._found), default=0), max(_TITLE, width - _FIXED))
        for group in (DRILLS, EXPERIMENTS):
            members = [pick for pick in self._shown if pick.group == group]
            if members:
                title = line((group, "title"))
                yield Option(title if group == self._shown[0].group else lines([line(""), title]), disabled=True)
            yield from (Option(_row(pick, self._now, name, width), id=_key(pick)) for pick in members)

    @property
    def _highlighted(self) -> Pick | None:
        option = self.query_one(Picks).highlighted_option
        return next((pick for pick in self._found if option is not None and _key(pick) == option.id), None)

    def _detail(self, pick: Pick | None) -> None:
        panel = self.query_one("#picker-detail", Panel)
        panel.show(lines(_details(pick, self._now)) if pick else line(""))

    def on_option_list_option_highlighted(self, _: OptionList.OptionHighlighted) -> None:
        self._detail(self._highlighted)

    # -- what a person may do --------------------------------------------------------------------------------------------

    def on_option_list_option_selected(self, _: OptionList.OptionSelected) -> None:
        self.action_pick()

    def action_pick(self) -> None:
        pick = self._highlighted
        if pick is None:
            return
        if pick.group == DRILLS or not self._targets:
            self.dismiss(Picked(what=pick.what))
            return
        asked = AskChoice(f"Where is {pick.slug} run?", self._targets, yes="pick", no="goes back")
        self.app.push_screen(asked, lambda target: self._aimed(pick, target))

    def _aimed(self, pick: Pick, target: str | None) -> None:
        if target is not None:
            self.dismiss(Picked(what=pick.what, target=target))

    def on_key(self, event: events.Key) -> None:
        """Letters filter at once. Only `q`, which leaves, needs a `/` before it."""
        letter = event.character if event.is_printable else None
        if event.key == "backspace":
            self._filter(self._text[:-1])
        elif letter and (self._typing or letter not in "/q ?"):
            self._filter(self._text + letter)
        else:
            return
        event.prevent_default().stop()

    def on_paste(self, event: events.Paste) -> None:
        self._filter(self._text + " ".join(event.text.split()))
        event.stop()

    def _filter(self, text: str) -> None:
        self._typing = bool(text)
        self._text = text
        self._show()

    def action_filter(self) -> None:
        self._typing = True
        self._show()

    def action_back(self) -> None:
        if self._typing:
            self._filter("")
        else:
            self.dismiss(None)

    def action_leave(self) -> None:
        self.dismiss(None)


def _key(pick: Pick) -> str:
    return f"{pick.group}/{pick.slug}"


def _head(where: str, found: Sequence[Pick], width: int) -> Content:
    drills = [pick.drill for pick in found if pick.drill]
    overdue = sum(drill.overdue for drill in drills)
    number = f"{len(drills)} drill{'' if len(drills) == 1 else 's'}"
    told = line(number, (f", {overdue} overdue" if overdue else "", "warn"))
    name = line(("GAMEDAY", "title"), "  ", (where, "dim")).truncate(
        max(10, width - told.cell_length - 2), ellipsis=True
    )
    return Content.assemble(name, " " * max(2, width - name.cell_length - told.cell_length), told)


def _row(pick: Pick, now: datetime, name: int, width: int) -> Content:
    """`name`: cells for the slug, of the row's `width`."""
    drill = pick.drill
    if drill is None:
        return Content.assemble("  ", _cell(pick.slug, "", min(width - 2, max(name, _FIXED))))
    when = ago(drill.last_at, now) if drill.last_at else ""
    columns = [(drill.slug, "bold" if drill.overdue else "", name)]
    columns += [(*outcome(drill), _OUTCOME), (when, "dim", _AGO), (*due(drill, now), _DUE)]
    left = width - _FIXED - name
    if left >= _TARGET + _TITLE:
        columns += [(drill.target, "", _TARGET), (drill.name, "dim", left - _TARGET - 2)]
    cells = [Content.assemble(_cell(text, style, cells), " ") for text, style, cells in columns]
    return Content.assemble(line(("! " if drill.overdue else "  ", "warn")), *cells).truncate(width)


def _cell(text: str, style: str, cells: int) -> Content:
    """So many cells, whatever the text."""
    return line((text, style)).truncate(cells, ellipsis=True, pad=True)


def _details(pick: Pick, now: datetime) -> Iterator[Content]:
    if pick.drill is None:
        yield line((pick.slug, "bold"), "  an experiment alone")
        yield line("no runbook, no load; it is undone when its method ends")
        yield line((pick.file, "dim"))
        return
    drill = pick.drill
    yield line((drill.name or drill.slug, "bold"), (f"  {drill.team}" if drill.team else "", "dim"))
    if drill.problems:
        yield line((f"{outcome(drill)[0]} in its files: ", "bad"), "gameday check names them")
    else:
        yield line(*_belongs(drill))
    yield line(*_history(drill, now))


def _belongs(drill: Due) -> Iterator[tuple[str, str]]:
    yield "on ", "dim"
    yield drill.target, ""
    if drill.runbook:
        yield "  runbook ", "dim"
        yield drill.runbook, ""
    if drill.cadence is not None:
        yield f"  every {span(timedelta(seconds=drill.cadence))}", "dim"


def _history(drill: Due, now: datetime) -> Iterator[tuple[str, str]]:
    if drill.last_at is None:
        yield "never run", "dim"
        return
    yield f"last run {drill.last_run} ", "dim"
    yield drill.last_outcome, outcome(drill)[1]
    yield f" {ago(drill.last_at, now)}", "dim"
