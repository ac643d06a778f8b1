"""The target: each indicator with its tolerance, its value and its last minutes; the load; the faults; the alerts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from textual.content import Content

from runner.engine.events import LoadSampled
from runner.engine.plan import Indicator
from runner.engine.state import ExperimentView, IndicatorView, LoadView, State
from runner.views.plot import Cell, blocks, marks
from runner.views.series import Series
from runner.views.text import clock
from runner.views.tui.paint import Part, line
from runner.views.tui.widgets.rows import Tall
from runner.views.view_model import FAILURES, RATE, ViewModel, revealed

#: Seconds that one cell of a plot may stand for: as few as show the whole run. A plot moves by a cell at a time, and is
#: sent whole then.
_STEPS = (2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
#: Cells from which on words are written out.
_ROOMY = 44
_FAULTS = {
    "waiting": ("·", "waiting", "dim"),
    "loaded": ("·", "loaded", "dim"),
    "arming": ("◌", "arming", "dim"),
    "armed": ("◌", "armed", "note"),
    "ordered": ("◌", "going in", "warn"),
    "injected": ("↯", "IN", "bad"),
    "undoing": ("↶", "being undone", "warn"),
    "undone": ("✓", "gone", "good"),
    "ended": ("·", "ended", "dim"),
    "failed": ("✗", "failed", "bad"),
    "left": ("✗", "LEFT BEHIND", "bad"),
}
_UNITS = {"success-ratio": "%", "failure-ratio": "%", "rate": "/s", "p50": "s", "p95": "s", "p99": "s"}


def target_lines(model: ViewModel, now: float, role: str, width: int) -> Iterator[Content | Tall]:
    """The panel's lines and its plots, for a width in cells."""
    state = model.state
    if state.plan.tabletop:
        yield from _tabletop()
        return
    if not revealed(state, role):
        yield from _sealed(state)
        return
    since, until = _window(state, now, width)
    yield from _faults(state, width)
    if _over(state):
        yield line(("as last seen, before the end", "dim"))
    yield from _alerts(state, width)
    for indicator in state.plan.indicators:
        view = state.indicators.get(indicator.name) or IndicatorView(name=indicator.name)
        yield from _indicator(indicator, view, model.series.get(indicator.name), since, until, width)
    if state.plan.indicators:
        yield _row(marks(model.marks, since, until, width))
    yield from _load(model, since, until, width)
    for need, held in state.needs.items():
        if not held.met:
            yield line(("✗ ", "bad"), f"{need}: {held.why}")
    if state.target_lost_t is not None:
        yield line(("✗ the target is gone: ", "bad"), state.target_lost_why)


def _tabletop() -> Iterator[Content]:
    yield line(("A tabletop: no target, no fault, no load.", "bold"))
    yield line("")
    yield line("Nothing is run. Talk each step through, its command too, then say it is done.")
    yield line("What does not work: ", ("!", "key"), " says what the step should say.")


def _sealed(state: State) -> Iterator[Content]:
    yield line(("You are on call. Watch the target with your own tools.", "bold"))
    yield line("")
    yield line("What is wrong, and since when, is shown here as soon as somebody says")
    yield line(("1", "key"), " detected, or an alert fires.")
    if state.target_url:
        yield line("")
        yield line("target  ", (state.target_url, "bold"))
    if state.load.users:
        yield line("load    ", (f"{state.load.users} users", "bold"))


def _over(state: State) -> bool:
    """Nothing is looked at any more."""
    return state.over


def _window(state: State, now: float, cells: int) -> tuple[float, float]:
    """What the plots show. It moves on by whole cells, and widens by steps: else every cell would change each second."""
    begin = (
        state.baseline.since
        if state.baseline is not None
        else (state.phase_t if state.live_t is None else state.live_t)
    )
    until = now if state.end_t is None else max(now, state.end_t)
    span = max(until - begin, 0.0)
    step = next((each for each in _STEPS if each * cells >= span), span / cells)
    edge = math.ceil(until / step) * step
    return edge - step * cells, edge


def _indicator(
    indicator: Indicator, view: IndicatorView, series: Series | None, since: float, until: float, width: int
) -> Iterator[Content | Tall]:
    sign, style = ("·", "dim") if view.ok is None else ("✓", "good") if view.ok else ("✗", "bad")
    value = _value(indicator, view.value) if view.ok is not None else "—"
    tolerance = _tolerance(indicator)
    room = max(4, width - len(value) - len(tolerance) - 4)
    name = _short(indicator.name, room)
    gap = " " * max(1, width - 2 - len(name) - len(value) - len(tolerance) - 1)
    yield line((f"{sign} ", style), (name, "bold"), gap, (value, style), (f" {tolerance}", "dim"))
    if series is not None:
        ratio = indicator.source == "probe" or indicator.metric.endswith("ratio")
        high = 1.0 if ratio else None
        yield Tall(
            lambda rows: [_row(row) for row in blocks(series, since, until, width, 0.0, high, rows)],
            every=(until - since) / width,
        )


def _value(indicator: Indicator, value: float | None) -> str:
    if value is None:
        return "nothing came"
    unit = _UNITS.get(indicator.metric, "") if indicator.source == "load" else "%"
    return f"{value * 100:.1f}%" if unit == "%" else f"{value:.3g} {unit}" if unit == "s" else f"{value:.1f}{unit}"


def _tolerance(indicator: Indicator) -> str:
    bound = indicator.at_least if indicator.at_least is not None else indicator.at_most
    return f"{'≥' if indicator.at_least is not None else '≤'} {_value(indicator, bound)}"


def _load(model: ViewModel, since: float, until: float, width: int) -> Iterator[Content | Tall]:
    load = model.state.load
    if load.failed:
        yield line(("✗ load: ", "bad"), load.failed)
    if load.last is None:
        return
    yield _load_ended(load) if _over(model.state) or load.ended_t is not None else _load_now(load, load.last, width)
    series = model.series.get(RATE)
    failed = model.series.get(FAILURES)
    if series is not None and failed is not None:
        worse = [point is not None and not point.ok for point in failed.between(since, until, width)]
        yield Tall(
            lambda rows: [_row(_worse(row, worse)) for row in blocks(series, since, until, width, 0.0, rows=rows)],
            every=(until - since) / width,
        )


def _load_now(load: LoadView, last: LoadSampled, width: int) -> Content:
    several = list(last.requests.values())
    lasted = (last.until - last.since) or 1.0
    rate = sum(int(row.get("n") or 0) for row in several) / lasted
    failures = sum(int(row.get("failures") or 0) for row in several) / lasted
    p95 = max((float(row["p95"]) for row in several if row.get("p95") is not None), default=None)
    slow = "—" if p95 is None else f"{p95 * 1000:.0f} ms" if p95 < 1 else f"{p95:.1f} s"
    words = "fail/s" if width < _ROOMY else "failures/s"
    return line(
        ("≋ ", "note"),
        f"{load.users} users {rate:.0f}/s ",
        (f"{failures:.0f} {words}", "bad" if failures else "dim"),
        f" p95 {slow}",
    )


def _load_ended(load: LoadView) -> Content:
    return line(("≋ ", "note"), (f"no load now; {load.requests} requests, {load.failures} failed", "dim"))


def _worse(row: list[Cell], failed: Sequence[bool]) -> list[Cell]:
    return [(each, "bad" if bad and each != " " else style) for (each, style), bad in zip(row, failed, strict=True)]


def _faults(state: State, width: int) -> Iterator[Content]:
    for experiment in state.plan.experiments:
        view = state.experiments.get(experiment.slug) or ExperimentView(slug=experiment.slug)
        sign, word, style = _FAULTS[view.status]
        # The moment, not how long ago: that would be sent again each second.
        since = f" since {clock(view.injected_t)[:-3]}" if view.status == "injected" and view.injected_t else ""
        if len(experiment.slug) + len(word) + len(since) + 4 > width:
            since = ""
        why = (
            f": {view.why or view.refused}" if (view.why or view.refused) and view.status in ("failed", "left") else ""
        )
        name = _short(experiment.slug, width - len(word) - 4)
        yield line((f"{sign} ", style), (name, "bold"), "  ", (f"{word}{since}{why}", style))


def _alerts(state: State, width: int) -> Iterator[Content]:
    for alert in state.alerts.values():
        if alert.firing:
            word = f"firing{' (before the fault)' if alert.before else ''}"
            yield line(("◉ ", "warn"), (_short(alert.name, width - len(word) - 4), "bold"), (f"  {word}", "warn"))


def _short(name: str, room: int) -> str:
    """On one row, beside what stands there too."""
    return name if len(name) <= room else name[: max(4, room) - 1] + "…"


def _row(cells: list[Cell]) -> Content:
    """Neighbours that are meant alike are one part: a narrow line is sent fewer escapes."""
    parts: list[Part] = []
    for character, style in cells:
        if parts and isinstance(parts[-1], tuple) and parts[-1][1] == style:
            parts[-1] = (parts[-1][0] + character, style)
        else:
            parts.append((character, style))
    return line(*parts)
