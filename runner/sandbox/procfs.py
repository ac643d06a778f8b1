"""What /proc says of a process: enough to know one again and to see that a session is empty."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """`state` is the letter of proc(5) (T: frozen, Z: ended, not yet reaped); `started` counts clock ticks since boot."""

    pid: int
    state: str
    session: int
    started: int


def read_stat(pid: int) -> ProcessStat | None:
    """None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name in brackets may itself hold brackets and spaces; everything after the last one is plain.
    fields = text.rpartition(")")[2].split()
    return ProcessStat(pid=pid, state=fields[0], session=int(fields[3]), started=int(fields[19]))


def is_alive(pid: int, started: int) -> bool:
    """Is this very process, not a later one with its number, still there? A zombie is not."""
    stat = read_stat(pid)
    return stat is not None and stat.started == started and stat.state not in "ZX"


def session_members(session: int) -> list[int]:
    """The pids of a session's living processes."""
    found = (read_stat(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return sorted(stat.pid for stat in found if stat and stat.session == session and stat.state not in "ZX")


def boot_id() -> str:
    """The kernel's name for this boot; empty where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
