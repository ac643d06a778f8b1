"""Whether a fault ever outlives its run: `python tests/faults [CELL…] [--n N] [--jobs J] [--join FILE…] [--markdown]`.

Every trial is a real run in a PID namespace of its own, hit at a random moment and judged from outside; the peers go
through the same. Exit code 1 when anything of ours was left behind, 2 when this machine permits no namespaces.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

# The program beside these tests, and the other rooms: how they start it, and what they count requests with.
_TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(_TESTS.parent), str(_TESTS / "e2e"), str(_TESTS / "contract")]

if __name__ == "__main__":
    sys.exit(import_module("torture").main())
