"""Targets: the environments a drill may happen in, and how much of each may be touched."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from runner.specs.fields import Id, Model, Name, Passing, PositiveCount, VariableName, Word, wrong
from runner.specs.probe_spec import ProbeSpec
from runner.specs.runbook_spec import WebAddress
from runner.targets.registry import UNDECLARED, driver_of

#: A closed list: a misspelt `production` must not pass for something harmless.
Environment = Literal["sandbox", "development", "test", "staging", "production"]


def parse_share(value: object) -> float:
    """0.99 from `99%` or 0.99. Raises pydantic's custom error."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            share = float(value.strip()[:-1]) / 100
        except ValueError:
            wrong(f"{value!r} is not a share", "write it like 99%")
        if not 0 <= share <= 1:
            wrong(f"{value!r} is not a share", "it is from 0% to 100%")
        return share
    if isinstance(value, bool) or not isinstance(value, int | float):
        wrong(f"{value!r} is not a share", "write it like 99%")
    if not 0 <= value <= 1:
        wrong(f"{value} is not a share", f"did you mean {value:g}%?" if 0 <= value <= 100 else "write it like 99%")
    return float(value)


SHARE_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^\d+(\.\d+)?\s*%$"},
        {"type": "number", "minimum": 0, "maximum": 1},
    ]
}
#: 0..1, written 99% or 0.99.
Share = Annotated[float, BeforeValidator(parse_share), WithJsonSchema(SHARE_SCHEMA)]


class SecretSource(Model):
    """Where the value of a secret comes from; from the environment variable of its name when neither is given."""

    file: Name | None = None
    """A file that holds it."""
    command: str | None = None
    """A command that prints it."""


def _sources(value: Any) -> Any:
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | dict) for item in items):
        wrong("secrets are names", "[NAME], or {NAME: {file: PATH}}, or {NAME: {command: LINE}}")
    sources: dict[str, Any] = {}
    for item in items:
        sources.update({item: {}} if isinstance(item, str) else item)
    return sources


_SOURCES_SCHEMA = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {"file": {"type": "string"}, "command": {"type": "string"}},
        "additionalProperties": False,
    },
}
#: Name → source. Written as a list of names, as a mapping, or as a list of both.
Secrets = Annotated[
    dict[VariableName, SecretSource],
    BeforeValidator(_sources),
    WithJsonSchema(
        {"anyOf": [{"type": "array", "items": {"anyOf": [{"type": "string"}, _SOURCES_SCHEMA]}}, _SOURCES_SCHEMA]}
    ),
]


class Allow(Model):
    """The blast radius: what may be touched, and how much of it."""

    hosts: tuple[Name, ...] | None = None
    """Hosts that may be called; * stands for any part of a name."""
    namespaces: tuple[Name, ...] | None = None
    """Kubernetes namespaces."""
    selectors: tuple[Name, ...] | None = None
    """Kubernetes label selectors."""
    max_pods: PositiveCount | None = None
    """How many pods at most."""
    max_nodes: PositiveCount | None = None
    """How many nodes at most."""
    max_share: Share | None = None
    """Which share of them at most."""


class TargetSpec(Model):
    """One environment."""

    kind: Literal["sandbox", "local", "http", "kubernetes"]
    """sandbox: started for the run; local: this machine; http: addresses; kubernetes: a cluster."""
    environment: Environment
    """What it counts as: sandbox, development, test, staging or production."""
    url: WebAddress | None = None
    """Its base address: ${target.url}, $TARGET_URL."""
    vars: dict[Id, Word] = Field(default_factory=dict)
    """More of its attributes: ${target.NAME}, $TARGET_NAME."""
    headers: dict[Name, Word] = Field(default_factory=dict)
    """Sent with every probe of its hosts; may hold ${SECRET}."""
    secrets: Secrets = Field(default_factory=dict)
    """What is secret, and where it comes from."""
    env: tuple[Passing, ...] = ()
    """Variables of the shell that everything a run does here gets; * stands for any part of a name."""
    identity: ProbeSpec | None = None
    """A probe that must hold before anything may happen."""
    context: Name | None = None
    """The kube context."""
    cluster_uid: Name | None = None
    """The uid of the cluster's kube-system namespace."""
    allow: Allow = Field(default_factory=Allow)
    """The blast radius."""


class TargetsFile(Model):
    """The environments of a repository."""

    targets: dict[Id, TargetSpec]
    """Name → environment."""


#: Targets that exist without being declared. Nothing in them is to be checked, and building a model's checks takes long.
BUILT_IN: dict[str, TargetSpec] = {
    kind: TargetSpec.model_construct(kind=kind, environment="sandbox") for kind in UNDECLARED
}


def attributes(target: TargetSpec) -> tuple[str, ...]:
    """What follows `target.` in a placeholder: `url`, the names of its vars, and what every target of its kind has."""
    known = {*target.vars, *driver_of(target.kind).attributes}
    if target.url is not None:
        known.add("url")
    return tuple(sorted(known))
