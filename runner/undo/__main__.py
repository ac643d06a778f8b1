"""Where an undo worker that is a process of its own begins: `python -m runner.undo FOLDER`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from runner.undo.worker import undo_on_word

if __name__ == "__main__":
    code = int(undo_on_word(Path(sys.argv[1]), sys.stdin.buffer, None))
    sys.stdout.flush()
    sys.stderr.flush()
    # The conductor waits for this end, and there is nothing left that taking the interpreter apart would do.
    os._exit(code)
