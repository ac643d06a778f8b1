"""How long `gameday check` takes on many runbooks."""

from __future__ import annotations

from pathlib import Path

from figures import BIN, Row, place

LIMIT = 4.0

_STEP = """\
  - id: step-{n}
    name: Route checkout {n} to the backup gateway
    description: |
      Open the storefront dashboard. Is the error rate of **POST /checkout** above 1 %?
    target-time: 60s
    run: curl -fsS -X PUT "$TARGET_ADMIN/flags/gateway" -d backup
    timeout: 10s
    on-failure: continue
    retry: {{max: 2, delay: 5s}}
    verify: {{indicator: checkouts succeed, for: 5s, within: 60s}}
"""


def lay_out(root: Path, runbooks: int, steps: int) -> None:
    """Writes that many runbooks of that many steps."""
    folder = root / "runbooks"
    folder.mkdir()
    body = "".join(_STEP.format(n=n) for n in range(steps))
    for number in range(runbooks):
        (folder / f"runbook-{number}.yaml").write_text(f"name: Runbook {number}\nservice: checkout\nsteps:\n{body}")


def rows(*, quick: bool) -> list[Row]:
    """The command as a user types it, in a folder with nothing wrong in it."""
    runbooks, steps = (200, 20) if quick else (1000, 20)
    most = LIMIT * runbooks / 1000
    with place() as here:
        lay_out(here.folder, runbooks, steps)
        used, wall = min(here.processor(BIN / "gameday", "check") for _ in range(3))
    return [
        Row(
            what=f"gameday check, {runbooks} runbooks of {steps} steps, processor time, best of 3",
            ours=f"{wall:.2f} s wall",
            value=f"{used:.2f} s",
            reach=f"≤ {most:g} s",
            met=used <= most,
        )
    ]
