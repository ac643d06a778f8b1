"""Names of things as names of files."""

from __future__ import annotations

import hashlib
import re

#: Characters; with what stands around it a name stays far below the 255 bytes that a file's may have.
_MOST = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def file_stem(name: str) -> str:
    """`name` as a part of a file's name: in one folder, and not too long. Two names never become the same."""
    safe = _UNSAFE.sub("-", name)
    if safe == name and len(name) <= _MOST:
        return name
    return f"{safe[:_MOST]}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:8]}"
