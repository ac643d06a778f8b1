"""The kinds of target there are. Whoever asks what a kind is like asks its driver, and never compares its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from runner.errors import Refused
from runner.targets.driver import TargetDriver


def _sandbox() -> TargetDriver:
    from runner.targets.sandbox import SandboxDriver

    return SandboxDriver()


def _local() -> TargetDriver:
    from runner.targets.local import LocalDriver

    return LocalDriver()


def _http() -> TargetDriver:
    from runner.targets.http import HttpDriver

    return HttpDriver()


def _kubernetes() -> TargetDriver:
    from runner.targets.kubernetes import KubernetesDriver

    return KubernetesDriver()


def _tabletop() -> TargetDriver:
    from runner.targets.tabletop import TabletopDriver

    return TabletopDriver()


#: Kind → what makes its driver. A run has one kind of target: the modules of the others stay where they are.
_DRIVERS: dict[str, Callable[[], TargetDriver]] = {
    "sandbox": _sandbox,
    "local": _local,
    "http": _http,
    "kubernetes": _kubernetes,
    "none": _tabletop,
}
#: The kinds that targets.yaml may declare.
DECLARABLE = tuple(kind for kind in _DRIVERS if kind != "none")
#: The kinds of which there is a target without a declaration, of the kind's own name.
UNDECLARED = ("sandbox", "local")


@cache
def driver_of(kind: str) -> TargetDriver:
    """The driver of this kind. Raises Refused for a kind that there is not."""
    made = _DRIVERS.get(kind)
    if made is None:
        raise Refused(f"there is no kind of target {kind!r}; the kinds are {', '.join(DECLARABLE)}")
    return made()


def recorded_driver(kind: str) -> TargetDriver:
    """As `driver_of`, for a plan that is on disk already: of a kind that only a later version knows, one that has nothing special.

    An undo must not fail for it.
    """
    return driver_of(kind) if kind in _DRIVERS else TargetDriver()


def drivers() -> tuple[TargetDriver, ...]:
    """Of every kind that can be declared."""
    return tuple(driver_of(kind) for kind in DECLARABLE)


def started_roles() -> frozenset[str]:
    """The roles of the processes that runs start as their targets."""
    return frozenset(driver.started_as for driver in drivers() if driver.discarded)


def kinds_for_clusters() -> str:
    """The kinds that Kubernetes clients reach, as a message names them."""
    return " or ".join(driver.kind for driver in drivers() if driver.is_cluster)


def discarded_kinds() -> str:
    """The kinds that are thrown away with the run, as a message names them."""
    return " or ".join(driver.kind for driver in drivers() if driver.discarded)
