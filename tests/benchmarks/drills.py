"""A drill on this machine that a benchmark lays out for itself."""

from __future__ import annotations

import json
from collections.abc import Sequence

from figures import Place

_STEP = """\
  - id: step-{n}
    name: Step {n}
    run: {run}
"""


def lay_out_drill(
    here: Place,
    *,
    steps: Sequence[str],
    experiments: int = 0,
    actions: int = 1,
    apart: int = 1,
    command: Sequence[str] = ("true",),
    extra: str = "",
) -> None:
    """`drills/bench`: a runbook of these commands, and `experiments` that begin so many steps `apart`.

    Each runs `command` as often as it has `actions`. The first step lets nothing go, so that every experiment is armed
    by then.
    """
    body = "".join(_STEP.format(n=n, run=json.dumps(run)) for n, run in enumerate(steps))
    here.write("runbooks/bench.yaml", f"name: Bench\nsteps:\n{body}")
    path, *arguments = command
    for n in range(experiments):
        provider = {"type": "process", "path": path, "arguments": arguments}
        method = [{"type": "action", "name": f"action {m}", "provider": provider} for m in range(actions)]
        experiment = {"title": f"Bench {n}", "description": "For the benchmark.", "method": method, "rollbacks": []}
        here.write(f"experiments/bench-{n}.yaml", json.dumps(experiment))
    planned = "".join(
        f"  - {{experiment: bench-{n}, inject: {{at-step: step-{n * apart + 1}}}, no-undo: It does nothing.}}\n"
        for n in range(experiments)
    )
    listed = f"experiments:\n{planned}" if experiments else ""
    here.write("drills/bench/drill.yaml", f"name: Bench\ntarget: local\nrunbook: bench\n{listed}{extra}")
