"""Every figure beside its peer: `python tests/benchmarks [FAMILY…] [--quick] [--markdown]`.

Exit code 1 when a figure misses its reach. A busy machine slows both sides of a ratio, but not always by as much: the
load average stands above the table.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

from figures import Row, as_markdown, table

FAMILIES = (
    "help",
    "noop",
    "gate",
    "stamps",
    "abort",
    "ttr",
    "lessons",
    "throughput",
    "check",
    "documents",
    "memory",
    "transcript",
    "room",
    "room_cost",
    "room_day",
)


def measure(family: str, *, quick: bool) -> Iterator[Row]:
    """Its rows. What cannot be measured has missed its reach, and the others are measured all the same."""
    try:
        # As a file, "help" is called what it measures: the start.
        yield from import_module({"help": "startup"}.get(family, family)).rows(quick=quick)
    except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"{family}: {error}", file=sys.stderr)
        yield Row(what=f"{family}: could not be measured", value="", reach="", met=False)


def main() -> int:
    """Measure the families that were named, else all."""
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description="Gameday's figures beside its peers'.")
    parser.add_argument("family", nargs="*", choices=[*FAMILIES, []], help=f"of {', '.join(FAMILIES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and smaller inputs")
    parser.add_argument("--markdown", action="store_true", help="the table as Markdown")
    wanted = parser.parse_args()
    rows: list[Row] = []
    before = os.getloadavg()[0]
    for family in wanted.family or FAMILIES:
        print(f"measuring {family} …", file=sys.stderr, flush=True)
        for row in measure(family, quick=wanted.quick):
            rows.append(row)
            print(f"  {row.what}: {row.value}", file=sys.stderr, flush=True)
    machine = f"{os.cpu_count()} cores, {platform.platform(terse=True)}, Python {platform.python_version()}"
    print(f"{machine}; load average {before:.1f} before, {os.getloadavg()[0]:.1f} after\n")
    print(as_markdown(rows) if wanted.markdown else table(rows))
    return int(not all(row.met for row in rows))


if __name__ == "__main__":
    sys.exit(main())
