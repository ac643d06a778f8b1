"""The picker: what can be run here, overdue drills first; found by typing, picked by enter."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hostile_events import EVIL, acts
from transcript_samples import create, entries

from runner.engine.events import RunClosed, RunStarted
from runner.history.due_drills import Due
from runner.specs.catalogue import Catalogue
from runner.views.picking import Pick, due, fitting, outcome, picks, span
from runner.views.tui.picker_app import Picker
from runner.views.tui.screens.picker import Picked, Picks
from runner.views.tui.widgets.panel import Panel

_NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
_DAY = 86400.0
_SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)])
_DRILLS = (
    Due(slug="gateway", name="Gateway outage", target="staging", team="payments", cadence=90 * _DAY, overdue=True),
    Due(
        slug="cache-lost",
        name="Cache lost",
        target="sandbox",
        runbook="cache",
        last_outcome="passed",
        last_run="20261108-cache-lost-1a2b",
        last_at=_NOW - timedelta(days=12),
        rehearsed_at=_NOW - timedelta(days=12),
        cadence=90 * _DAY,
    ),
    Due(slug="queue", name="Queue stuck", target="staging", last_outcome="failed", last_at=_NOW - timedelta(hours=2)),
    Due(slug="wrong", problems=3),
)
_FOUND = picks(_DRILLS, {"gateway-errors": "experiments/gateway-errors.yaml"}, Path("/repo"))


class Seen:
    """What stood on the screen last, and how it was left."""

    def __init__(self) -> None:
        self.panels: dict[str, str] = {}
        self.options: list[str] = []
        self.running = True
        self.result: Picked | None = None

    def look(self, app: Picker) -> None:
        for panel in app.screen.query(Panel):
            self.panels[panel.id or ""] = str(panel.render())
        for shown in app.screen.query(Picks):
            self.options = [str(option.prompt) for option in shown.options]

    @property
    def slugs(self) -> list[str]:
        """The first word of every row that can be picked."""
        rows = (line for option in self.options for line in option.split("\n"))
        return [line[2:].split()[0] for line in rows if line[:2] in ("! ", "  ")]


def _play(*keys: str, found: Sequence[Pick] = _FOUND, size: tuple[int, int] = (80, 24)) -> Seen:
    seen = Seen()
    app = Picker("/repo", found, ("sandbox", "local"), _NOW)

    async def play() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            seen.look(app)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
                if app.is_running and not app._exit:
                    seen.look(app)
            seen.running = not app._exit

    asyncio.run(play())
    seen.result = app.return_value
    return seen


# -- what is shown -----------------------------------------------------------------------------------------------------


@_SIZES
def test_drills_as_given_then_experiments_each_in_its_group(size: tuple[int, int]) -> None:
    seen = _play(size=size)
    assert seen.slugs == ["gateway", "cache-lost", "queue", "wrong", "gateway-errors"]
    assert [option.strip() for option in seen.options if option.strip() in ("Drills", "Experiments alone")] == [
        "Drills",
        "Experiments alone",
    ]
    assert "4 drills, 1 overdue" in seen.panels["picker-head"]


@_SIZES
def test_each_drill_says_how_it_went_how_long_ago_and_whether_it_is_due(size: tuple[int, int]) -> None:
    rows = [" ".join(row.split()) for row in _play(size=size).options]
    assert rows[1].startswith("! gateway · never run overdue")
    assert rows[2].startswith("cache-lost ✓ passed 12 days ago due in 78 days")
    assert rows[3].startswith("queue ✗ failed 2 hours ago")
    assert rows[4].startswith("wrong ✗ 3 problems")
    assert ("sandbox Cache lost" in rows[2]) == (size[0] == 120)


def test_every_row_fits_whatever_its_names() -> None:
    wide = Due(slug="界" * 60, name="界" * 60, target="界" * 60, last_outcome="界" * 60, overdue=True)
    for width in (40, 80, 120, 200):
        seen = _play(found=picks((wide,), {"界" * 60: "x"}, Path("/")), size=(width, 24))
        cells = [sum(2 if letter == "界" else 1 for letter in row) for row in seen.options]
        assert max(cells) <= width - 6, width


def test_the_panel_below_tells_more_of_the_chosen_one() -> None:
    assert "never run" in _play().panels["picker-detail"]
    detail = _play("down").panels["picker-detail"]
    for word in ("Cache lost", "on sandbox", "runbook cache", "every 90 days", "20261108-cache-lost-1a2b passed"):
        assert word in detail
    assert "gameday check" in _play("down", "down", "down").panels["picker-detail"]
    assert "experiments/gateway-errors.yaml" in _play("end").panels["picker-detail"]


def test_an_empty_repository_says_what_to_do() -> None:
    seen = _play("enter", "down", found=())
    assert "gameday init" in seen.options[0]
    assert seen.running


# -- picking -----------------------------------------------------------------------------------------------------------


@_SIZES
@pytest.mark.parametrize(
    ("keys", "what"),
    [
        (("enter",), "gateway"),
        (("down", "enter"), "cache-lost"),
        (("down", "down", "up", "enter"), "cache-lost"),
        ((*"stuck", "enter"), "queue"),
        (("down", "down", *"stag", "enter"), "queue"),
        ((*"CACHE", "enter"), "cache-lost"),
        (("slash", *"qu", "enter"), "queue"),
    ],
)
def test_enter_picks(keys: tuple[str, ...], what: str, size: tuple[int, int]) -> None:
    assert _play(*keys, size=size).result == Picked(what=what)


def test_a_click_picks() -> None:
    async def click() -> Picked | None:
        app = Picker("/repo", _FOUND, (), _NOW)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await pilot.click(Picks, offset=(6, 3))
            await pilot.pause()
        return app.return_value

    assert asyncio.run(click()) == Picked(what="cache-lost")


def test_an_experiment_asks_where() -> None:
    assert _play("end", "enter").result is None
    assert _play("end", "enter", "down", "enter").result == Picked(what="gateway-errors", target="local")
    back = _play("end", "enter", "escape")
    assert (back.running, back.result) == (True, None)


def test_an_experiment_named_like_a_drill_is_meant_by_its_file() -> None:
    (_, experiment) = picks((Due(slug="same"),), {"same": "experiments/same.yaml"}, Path("/repo"))
    assert experiment.what == "/repo/experiments/same.yaml"


@pytest.mark.parametrize("keys", [("q",), ("escape",), ("slash", "escape", "q"), (*"ca", "escape", "escape")])
def test_leaving_picks_nothing(keys: tuple[str, ...]) -> None:
    seen = _play(*keys)
    assert (seen.running, seen.result) == (False, None)


# -- filtering ---------------------------------------------------------------------------------------------------------


def test_typing_filters_and_backspace_takes_it_back() -> None:
    assert _play(*"gate").slugs == ["gateway", "gateway-errors"]
    assert "2 of 5" in _play(*"gate").panels["picker-filter"]
    assert len(_play(*"gate", *(["backspace"] * 4)).slugs) == 5
    assert _play(*"pay", "space", *"gat").slugs == ["gateway"]


def test_nothing_fits_and_escape_shows_all_again() -> None:
    nothing = _play(*"zzz", "enter", "down", "enter")
    assert (nothing.slugs, nothing.running) == ([], True)
    assert "nothing fits" in nothing.options[0]
    again = _play(*"zzz", "escape")
    assert (len(again.slugs), again.running) == (5, True)


def test_q_is_a_letter_once_one_filters() -> None:
    assert _play("slash", "q").slugs == ["queue"]
    assert _play("c", "q").slugs == []


def test_the_chosen_one_stays_chosen_while_it_fits() -> None:
    assert "Queue stuck" in _play("down", "down", *"sta").panels["picker-detail"]
    assert "Gateway outage" in _play("down", *"sta").panels["picker-detail"]


def test_words_are_found_in_name_team_target_and_runbook() -> None:
    def found(text: str) -> list[str]:
        return [pick.slug for pick in fitting(_FOUND, text)]

    assert found("") == [pick.slug for pick in _FOUND]
    assert (found("payments"), found("outage gateway")) == (["gateway"], ["gateway"])
    assert found("staging") == ["gateway", "queue"]
    assert found("experiments/") == ["gateway-errors"]
    assert found("gateway sandbox") == []


# -- words -------------------------------------------------------------------------------------------------------------


def test_words_for_how_it_stands() -> None:
    assert outcome(Due(slug="a", problems=1)) == ("✗ 1 problem", "bad")
    assert outcome(Due(slug="a", last_outcome="broken")) == ("✗ broken", "bad")
    assert due(Due(slug="a"), _NOW) == ("", "")
    soon = Due(slug="a", cadence=_DAY, rehearsed_at=_NOW - timedelta(seconds=_DAY - 30))
    assert due(soon, _NOW) == ("due in less than a minute", "dim")
    assert [span(timedelta(seconds=s)) for s in (-5, 60, 3600, 2 * _DAY)] == [
        "less than a minute",
        "1 minute",
        "1 hour",
        "2 days",
    ]


# -- a repository ------------------------------------------------------------------------------------------------------


def test_of_a_real_repository(tmp_path: Path) -> None:
    drill = "target: local\nrunbook: talk\ncadence: 90d\nname: "
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "talk.yaml").write_text("name: Talk\nsteps: [{name: A}]\n")
    for slug in ("done", "never"):
        (tmp_path / "drills" / slug).mkdir(parents=True)
        (tmp_path / "drills" / slug / "drill.yaml").write_text(f"{drill}{slug}\n")
    (tmp_path / "experiments" / "pay").mkdir(parents=True)
    (tmp_path / "experiments" / "pay" / "off.yaml").write_text("title: t\n")
    (tmp_path / "drills" / "targets.yaml").write_text("targets: [wrong\n")
    writer = create(tmp_path / "run")
    plan = {"slug": "done", "name": "Done"}
    writer.append(*entries([RunStarted(run="r", plan=plan, attended=True), RunClosed(ending="passed", exit_code=0)]))
    writer.close()

    async def look() -> Seen:
        seen = Seen()
        app = Picker.here(Catalogue(tmp_path), [tmp_path / "run", tmp_path / "none"], datetime.now(UTC))
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            seen.look(app)
        return seen

    assert set(asyncio.run(look()).slugs) == {"never", "done", "pay/off"}
    (tmp_path / "drills" / "targets.yaml").unlink()
    seen = asyncio.run(look())
    assert seen.slugs == ["never", "done", "pay/off"]
    assert "✓ passed" in seen.options[2]


# -- text from files ---------------------------------------------------------------------------------------------------


@_SIZES
def test_what_files_say_neither_acts_nor_crashes(size: tuple[int, int]) -> None:
    evil = Due(
        slug=EVIL,
        name=EVIL,
        target=EVIL,
        runbook=EVIL,
        team=EVIL,
        last_outcome=EVIL,
        last_run=EVIL,
        last_at=_NOW,
        cadence=60.0,
    )
    seen = Seen()
    app = Picker(EVIL, picks((evil,), {EVIL: EVIL}, Path("/")), (EVIL,), _NOW)

    async def play() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            for keys in ((), ("down",), ("enter",), ("escape",), tuple("[/nope"), ("up",)):
                await pilot.press(*keys)
                await pilot.pause()
                seen.look(app)
            assert not app._exit

    asyncio.run(play())
    for text in (*seen.panels.values(), *seen.options):
        assert acts(text) == []
    assert "[/nope" in seen.panels["picker-filter"]
    assert "[/nope]" in seen.panels["picker-detail"]


def test_a_click_on_markup_from_a_file_does_nothing() -> None:
    async def click() -> bool:
        name = "[@click=app.exit]leave[/]"
        app = Picker(name, picks((Due(slug=name, name=name, target=name),), {}, Path("/")), (), _NOW)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            for panel in ("#picker-head", "#picker-detail"):
                for x in range(2, 40, 4):
                    await pilot.click(panel, offset=(x, 1 if "detail" in panel else 0))
            await pilot.pause()
            return not app._exit

    assert asyncio.run(click())
