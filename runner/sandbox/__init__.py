"""The embedded staging stack: a small shop of real processes on loopback ports, made to be broken.

    with a pipe as lifeline:   info = start(folder, lifeline=read_end)  …  stop(info)
    on its own:                standing.up(state_dir)  …  standing.down(state_dir)

See docs/sandbox.md for services, flags, alerts and faults.
"""

from __future__ import annotations

from runner.sandbox import standing
from runner.sandbox.info import SandboxInfo
from runner.sandbox.launch import is_running, start, start_async, stop

__all__ = ["SandboxInfo", "is_running", "standing", "start", "start_async", "stop"]
