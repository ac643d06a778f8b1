"""A few whole screens, as they are looked at: `GAMEDAY_SNAPSHOTS=write` keeps what they are now, to be read in the diff."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tui_kit import Room, enter

from runner.engine.commands import Milestone, Role
from runner.engine.plan import Link, Step, Verify
from runner.testing import Drive, sample_plan

_FOLDER = Path(__file__).parent / "snapshots"
_STEPS = (
    Step(id="look", name="Confirm the impact", description="Is the error rate **above 1 %**?", target_time=15.0),
    Step(
        id="fix",
        name="Fail over to the backup gateway",
        run='curl -fsS -X PUT "$TARGET_ADMIN/flags/gateway" -d backup',
        verify=Verify(indicator="checkouts succeed", lasting=3.0, within=60.0),
        target_time=30.0,
    ),
    Step(id="tell", name="Update the status page", anytime=True),
)


def _hurt() -> Drive:
    plan = sample_plan(
        *_STEPS,
        reveal="detected",
        briefing="You are on call for the shop.",
        links=(Link(name="Status page", url="https://status.example.com"),),
        time_to_recover=60.0,
    )
    drive = Drive(plan).start().join("alice").join("fay", role="facilitator")
    drive.health["checkouts succeed"] = 0.2
    return drive.wait(8)


@pytest.mark.parametrize(
    ("name", "role", "detected", "size"),
    [
        ("on-call-80x24", "participant", False, (80, 24)),
        ("live-120x40", "participant", True, (120, 40)),
        ("facilitator-200x60", "facilitator", False, (200, 60)),
    ],
)
def test_a_whole_screen(name: str, role: Role, detected: bool, size: tuple[int, int]) -> None:
    drive = _hurt()
    if detected:
        drive.say(Milestone(name="detected"), role="participant").wait(2)
    shown = ""

    async def scene(room: Room) -> None:
        nonlocal shown
        # The widths of the panels are known after the first painting.
        await room.tell()
        await room.settle()
        shown = "\n".join(line.rstrip() for line in room.screen.splitlines()) + "\n"

    enter(drive, scene, role=role, size=size)
    kept = _FOLDER / f"{name}.txt"
    if os.environ.get("GAMEDAY_SNAPSHOTS") == "write":
        kept.write_text(shown)
    assert shown == kept.read_text()


def test_the_screens_differ_in_what_may_be_seen() -> None:
    sealed, open_ = (_FOLDER.joinpath(f"{name}.txt").read_text() for name in ("on-call-80x24", "facilitator-200x60"))
    assert "gateway-errors" not in sealed
    assert "gateway-errors" in open_
