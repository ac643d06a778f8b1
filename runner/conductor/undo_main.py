"""Where the undo worker's process begins: `python -m runner.conductor.undo_main FOLDER [--warm]`.

With `--warm` the process of the first rollback is started before anything is imported here: both then do that at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from runner.actuators.spawn import Spawned, spawn


def main() -> int:
    """Wait for the word, then undo; 0 when nothing is left, 6 when something is."""
    warm: Spawned | None = None
    if "--warm" in sys.argv[2:]:
        # Only time is lost without one: a rollback that finds none ready starts its own.
        with contextlib.suppress(OSError):
            warm = spawn("rollback")
    from runner.conductor.undo import undo_on_word

    return undo_on_word(Path(sys.argv[1]), warm)


if __name__ == "__main__":
    code = int(main())
    sys.stdout.flush()
    sys.stderr.flush()
    # The conductor waits for this end, and there is nothing left that taking the interpreter apart would do.
    os._exit(code)
