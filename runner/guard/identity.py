"""Which cluster or environment is meant, and how it is asked whether it is that one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.engine.plan import RunPlan
from runner.guard.refusal import Refusal
from runner.guard.secret_exposure import let_through_at
from runner.specs.place import Path_

#: What Chaos Toolkit's extension reads besides KUBECONFIG and its context, and what would lead it elsewhere.
_LEADING = ("KUBECONFIG", "CHAOSTOOLKIT_IN_POD", "HTTP_PROXY", "HTTPS_PROXY")
_LEADING_PREFIX = "KUBERNETES_"


def kubeconfig(env: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The one file that says where clusters are, as an absolute path; and why there is none, '' when there is.

    Chaos Toolkit's extension takes a list of files for the name of a file, and one that is not there for a cluster on
    this machine.
    """
    env = os.environ if env is None else env
    said = env.get("KUBECONFIG", "")
    written = said or str(Path.home() / ".kube" / "config")
    origin = "KUBECONFIG" if said else "without KUBECONFIG,"
    if os.pathsep in written:
        return "", f"KUBECONFIG names several files ({written})"
    path = Path(written).expanduser().absolute()
    return (str(path), "") if path.is_file() else ("", f"{origin} {written} is not a file")


def judge_identity(plan: RunPlan) -> Iterator[Refusal]:
    """Whatever would make a cluster another one than the declared one."""
    target = plan.target
    if target.kind != "kubernetes":
        return
    _, why = kubeconfig()
    if why:
        cure = "set KUBECONFIG to the one file that has the context"
        what = f"context {target.context!r}: {why}"
        yield replace(_refusal(what, target.file, ("targets", target.name, "context"), cure), here=True)
    for name in filter(_leads, plan.passed):
        yield _refusal(f"{name} would lead to another cluster", *let_through_at(plan, name), "do not let it through")
    for name in filter(_leads, plan.secret_sources):
        of_target = name in target.secrets
        file, at = (target.file, ("targets", target.name, "secrets")) if of_target else (plan.file, ("secrets",))
        yield _refusal(f"the secret {name} would lead to another cluster", file, at, "give it another name")
    for experiment in plan.experiments:
        for name, place in _variables(experiment.document):
            if _leads(name):
                what = f"{name} would lead {experiment.slug} to another cluster than {target.name}"
                cure = "leave it out: the target says where its cluster is"
                yield _refusal(what, experiment.file, place, cure)


def _variables(document: Mapping[str, Any]) -> Iterator[tuple[str, Path_]]:
    """What its secrets are called, since the extension looks for them by name; and what else its process is given."""
    for group, entries in (document.get("secrets") or {}).items():
        for name in entries if isinstance(entries, Mapping) else ():
            yield name, ("secrets", group, name)
    for name, entry in (document.get("configuration") or {}).items():
        if isinstance(entry, Mapping) and entry.get("type") == "env":
            yield str(entry.get("key")), ("configuration", name, "key")


def _leads(name: str) -> bool:
    return name in _LEADING or name.startswith(_LEADING_PREFIX)


def _refusal(what: str, file: str, at: Path_, cure: str) -> Refusal:
    return Refusal(rule="identity", what=what, where=file, at=at, cure=cure)
