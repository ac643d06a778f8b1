"""The kit of the guard's tests: a repository with targets of each kind, and where in its files something stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from file_fault import Repo

DRILL_FILE = "drills/files/drill.yaml"
RUNBOOK_FILE = "runbooks/files.yaml"
EXPERIMENT_FILE = "experiments/files.yaml"
TARGETS_FILE = "drills/targets.yaml"
TARGETS = """\
targets:
  stage:
    kind: http
    environment: staging
    url: "http://127.0.0.1:9"
  shop:
    kind: http
    environment: production
    url: "http://127.0.0.1:9"
  eu:
    kind: kubernetes
    environment: staging
    context: eu
    cluster-uid: 5b9cf7a0-0000-4000-8000-000000000001
    allow: {namespaces: [shop], max-pods: 2, max-share: 30%}
"""
PODS = """\
title: Pods go
description: A controller brings them back.
method:
  - type: action
    name: take pods
    provider:
      type: python
      module: chaosk8s.pod.actions
      func: terminate_pods
      arguments: {ns: shop, label_selector: app=web, qty: 1}
"""
ON_STAGE = ("files", "--target", "stage")
ON_SHOP = ("files", "--target", "shop")
PODS_FILE = "experiments/pods.yaml"
ON_EU = (PODS_FILE, "--target", "eu")


@contextmanager
def guarded(root: Path) -> Iterator[Repo]:
    """A repository with these targets, an experiment for the cluster, and a kubeconfig that says nothing."""
    with Repo.make(root) as repo:
        repo.write(TARGETS_FILE, TARGETS)
        repo.write(PODS_FILE, PODS)
        repo.write("config", "")
        yield repo


def place(repo: Repo, file: str, text: str) -> str:
    """`file:line:column` of the first time this text stands there."""
    lines = (repo.root / file).read_text().splitlines()
    number, line = next((number, line) for number, line in enumerate(lines, 1) if text in line)
    return f"{file}:{number}:{line.index(text) + 1}"


def changed(text: str, old: str, new: str) -> str:
    """The text with `old`, which must be in it, replaced."""
    assert old in text
    return text.replace(old, new)
