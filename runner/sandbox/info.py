"""Where a running sandbox is, and how to know it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from runner.errors import Broken
from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class SandboxInfo:
    """A sandbox that answers. The addresses are `http://127.0.0.1:PORT`, without a slash at the end.

    `pid`, `pid_start` (clock ticks since boot) and `boot_id` name the supervisor; `services` are the pids its
    services started with.
    """

    url: str
    admin: str
    proxy: str
    monitor: str
    folder: Path
    pid: int
    pid_start: int
    boot_id: str
    services: Mapping[str, int]

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self) | {"folder": str(self.folder)})

    @classmethod
    def from_json(cls, text: str) -> SandboxInfo:
        """The inverse of `to_json`. Raises `Broken` when the text is something else."""
        try:
            fields = json.loads(text)
            return cls(**fields | {"folder": Path(fields["folder"])})
        except (ValueError, TypeError, KeyError) as error:
            raise Broken(f"this is no description of a sandbox: {text[:80]!r}") from error
