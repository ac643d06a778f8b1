"""A fake of a target that a run starts itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class FakeTarget:
    """A `RunningTarget` without a process. Set `ended` to have its process gone."""

    url: str = "http://127.0.0.1:8000"
    vars: Mapping[str, str] = field(
        default_factory=lambda: {
            "admin": "http://127.0.0.1:8001",
            "proxy": "http://127.0.0.1:8002",
            "monitor": "http://127.0.0.1:8003",
        }
    )
    pid: int = 4
    pid_start: int = 1
    ended: bool = False

    def stop(self) -> None:
        self.ended = True
