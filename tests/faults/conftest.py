"""Where the sample finds the other rooms of the tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parents[1] / room) for room in ("e2e", "contract")]
