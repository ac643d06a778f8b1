"""Which boot of this machine it is: process numbers and clock readings mean something only within one."""

from __future__ import annotations

from pathlib import Path


def boot_id() -> str:
    """The kernel's id of this boot; '' where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
