"""The embedded staging stack: a small shop of real processes on loopback ports, made to be broken.

    with a pipe as lifeline:   info = start(folder, lifeline=read_end)  …  stop(info)
    on its own:                standalone.up(state_dir)  …  standalone.down(state_dir)

See docs/sandbox.md for services, flags, alerts and faults.
"""

from __future__ import annotations

from runner.sandbox import standalone
from runner.sandbox.info import SandboxInfo
from runner.sandbox.sandbox_process import is_running, start, start_async, stop

__all__ = ["SandboxInfo", "is_running", "standalone", "start", "start_async", "stop"]
