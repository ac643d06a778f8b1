"""Who listens where, and who talks to whom through the fault proxy.

shopper ─▶ storefront ─┬─▶ checkout ─┬─(proxy)─▶ gateway
                       │             └─(proxy)─▶ backup
                       ├─(proxy)─▶ cache
                       └─(proxy)─▶ backend
admin: flags and processes        monitor: scrapes everybody, fires alerts
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"

#: The service that answers for processes and flags; it cannot be killed through itself.
ADMIN = "admin"

#: What the fault proxy stands in front of.
PROXIED = ("gateway", "backup", "cache", "backend")

#: Service → the names of the ports it listens on, its own first.
PORTS: Mapping[str, tuple[str, ...]] = {
    ADMIN: (ADMIN,),
    "proxy": ("proxy", *(f"to-{name}" for name in PROXIED)),
    "gateway": ("gateway",),
    "backup": ("backup",),
    "cache": ("cache",),
    "backend": ("backend",),
    "checkout": ("checkout",),
    "storefront": ("storefront",),
    "monitor": ("monitor",),
}

SERVICES = tuple(PORTS)


@dataclass(frozen=True)
class Addresses:
    """Port name → number; `folder` takes the logs; `supervisor` is its pid."""

    ports: Mapping[str, int]
    folder: Path
    supervisor: int

    def address(self, port_name: str) -> str:
        """`127.0.0.1:PORT`."""
        return f"{HOST}:{self.ports[port_name]}"

    def url(self, port_name: str) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://{self.address(port_name)}"

    def proxied_url(self, service: str) -> str:
        """The way to a service that leads through the fault proxy."""
        return self.url(f"to-{service}")
