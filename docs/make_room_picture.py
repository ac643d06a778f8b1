"""Make docs/room.svg, the room in the README, from a real run: `python docs/make_room_picture.py [RUN-FOLDER]`.

Without a folder the payment gateway outage is run first. The room is that of `gameday review`, three quarters of the
way from the impact to the recovery.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from runner.views.replay import Replay
from runner.views.tui.app import Review
from runner.views.tui.run_client import Visitor

HERE = Path(__file__).parent
SIZE = (120, 40)


def fresh_run(runs: Path) -> Path:
    """The folder of a run that this makes."""
    # A long warm-up, so that the plots have something to show.
    command = [sys.executable, "-m", "runner", "run", "payment-gateway-outage", "--headless", "--runs-dir", str(runs)]
    command += ["--set", "load.warm-up=90s"]
    subprocess.run(command, cwd=HERE.parent, check=True)
    return next(runs.iterdir())


def telling_moment(replay: Replay) -> float:
    """Seconds of the run's clock at which the fault is in and the team is at work."""
    at = {mark.label: mark.t for mark in reversed(replay.marks)}
    impact = at.get("impact", replay.end / 2)
    return impact + (at.get("recovered", replay.end) - impact) * 0.75


async def picture(folder: Path) -> str:
    replay = Replay(folder)
    app = Review(replay, folder, Visitor(name="ana", role="facilitator"), {})
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        # Not the one that was chosen last in this account's rooms.
        app.theme = "textual-dark"
        replay.seek(telling_moment(replay))
        await app.screen.look()  # type: ignore[attr-defined]
        await pilot.pause()
        return app.export_screenshot(title="gameday review", simplify=True)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gd-") as runs:
        folder = Path(sys.argv[1]) if sys.argv[1:] else fresh_run(Path(runs))
        (HERE / "room.svg").write_text(asyncio.run(picture(folder)))


if __name__ == "__main__":
    main()
