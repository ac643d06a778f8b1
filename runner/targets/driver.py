"""What every kind of target answers: the questions that files, guard, conductor, undo and views ask about one.

A driver answers from what is declared and starts nothing; what starts a target for a run is in
`runner.conductor.started_targets`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from runner.lazy_dataclass import lazy_dataclass

#: Fields of targets.yaml that kinds take or leave together.
ADDRESS_FIELDS = ("url", "vars", "headers", "identity")
CLUSTER_FIELDS = ("context", "cluster-uid")
#: This machine, as people are shown it.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class DeclaredTarget(Protocol):
    """A target as the plan has it: what is not declared is empty."""

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def vars(self) -> Mapping[str, str]: ...
    @property
    def identity(self) -> Mapping[str, Any] | None: ...
    @property
    def context(self) -> str: ...
    @property
    def cluster_uid(self) -> str: ...


@lazy_dataclass(frozen=True, kw_only=True)
class IdentityCheck:
    """A probe that holds where the target is the declared one. `key` is the field of targets.yaml that declares it.

    `permanent` says that no fault can change the answer: it is asked at every action, also while faults are in.
    """

    name: str
    probe: Mapping[str, Any]
    key: str
    permanent: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class Unreachable:
    """Why this machine cannot reach the target, under which field of targets.yaml that belongs, and what to do."""

    key: str
    what: str
    cure: str


class TargetDriver:
    """One kind of target. The attributes and methods here hold for a kind that has nothing special about it."""

    kind: str
    #: What a message calls one.
    noun: str = "target"

    # -- in targets.yaml -----------------------------------------------------------------------------------------------

    #: Fields that must be there.
    needs: tuple[str, ...] = ()
    #: Fields that make no sense.
    refuses: tuple[str, ...] = ()
    #: The only `environment` that it can be; '' where it is for its author to say.
    environment: str = ""
    #: Attributes that every target of the kind has, besides the declared ones: `${target.NAME}`.
    attributes: tuple[str, ...] = ()
    #: Why `stop-when: target: gone` makes no sense: what the target is; '' where it may be gone.
    never_gone: str = ""

    # -- for the guard -------------------------------------------------------------------------------------------------

    #: The hosts that may be called, whatever is declared; empty where the declaration says it.
    allowed_hosts: tuple[str, ...] = ()
    #: Whether Kubernetes clients reach it. Calls to a cluster are refused for any other target.
    is_cluster: bool = False

    # -- in a run ------------------------------------------------------------------------------------------------------

    #: The role of the process that a run starts as its target, as in `process-started`; '' for a target that is there.
    started_as: str = ""
    #: Those of `attributes` that are known once the target was found.
    found_attributes: tuple[str, ...] = ()
    #: Seconds that a need gets to hold. One lost packet is no reason to refuse a target that is there, silence is.
    settles_within: float = 2.0
    #: Seconds that one question about its identity may take while the run goes on.
    answers_within: float = 2.0

    @property
    def discarded(self) -> bool:
        """Whether it ends with the run that started it, and every fault in it too."""
        return bool(self.started_as)

    def variables(self, target: DeclaredTarget) -> dict[str, str]:
        """What `${target.NAME}` stands for, as far as the declaration says it; empty for what it leaves open."""
        return {"name": target.name, "url": target.url, **target.vars}

    def found_variables(self, target: DeclaredTarget) -> dict[str, str]:
        """The attributes that this machine adds, read when the run begins. Raises Refused."""
        del target
        return {}

    def child_environment(self, found: Mapping[str, str]) -> dict[str, str]:
        """What its tools read from the environment, by the attributes it was found with. Children get it besides TARGET_…"""
        del found
        return {}

    def unreachable(self, target: DeclaredTarget) -> Unreachable | None:
        """What this machine lacks to reach it; None where nothing is lacking."""
        del target
        return None

    def misleads(self, variable: str) -> bool:
        """Whether this environment variable would lead its clients to another target."""
        del variable
        return False

    def identity_checks(self, target: DeclaredTarget) -> tuple[IdentityCheck, ...]:
        """What must hold for it to be the declared one; none where nothing is declared."""
        if not target.identity:
            return ()
        name = f"target {target.name} is what was declared"
        return (IdentityCheck(name=name, probe=target.identity, key="identity"),)

    def details(self, target: DeclaredTarget) -> Iterable[tuple[str, str]]:
        """Label and value of what a reader of the plan is shown besides kind, environment and address."""
        del target
        return ()

    def addresses(self, target: DeclaredTarget) -> dict[str, str]:
        """What makes two targets the same one, whatever they are called; empty where nothing tells them apart."""
        return {"url": target.url, **target.vars} if target.url else {}

    def lock_key(self, target: DeclaredTarget) -> str:
        """The name under which one run at a time holds it on this machine."""
        addresses = self.addresses(target)
        return f"{self.kind}:{_digest(addresses) if addresses else target.name}"


def _digest(addresses: Mapping[str, str]) -> str:
    import hashlib  # files are checked without it
    import json

    return hashlib.sha256(json.dumps(sorted(addresses.items())).encode()).hexdigest()[:12]
