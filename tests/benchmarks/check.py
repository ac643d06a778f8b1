"""How long `gameday check` takes on many runbooks: `python tests/benchmarks/check.py [RUNBOOKS] [STEPS]`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def main(runbooks: int = 1000, steps: int = 20) -> int:
    """Prints one row; 1 when it took too long or found something."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        lay_out(root, runbooks, steps)
        code = "from pathlib import Path; from runner.specs.catalogue import Catalogue; "
        code += f"raise SystemExit(len(Catalogue.find(Path({name!r})).check()))"
        began = time.perf_counter()
        found = subprocess.run([sys.executable, "-c", code], check=False).returncode
        took = time.perf_counter() - began
    print(f"check, {runbooks} runbooks of {steps} steps: {took:.2f} s (reach: {LIMIT:g} s), problems: {found}")
    return int(bool(found) or took > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
