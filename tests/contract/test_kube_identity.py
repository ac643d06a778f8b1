"""A cluster says who it is, through its context and no other way; what goes wrong is one line."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kube_api import Cluster, serving, write_kubeconfig

from runner.actuators.command import minimal_env
from runner.actuators.probe import ProbeCaller
from runner.actuators.python_probe import ProbeChild
from runner.clock import SystemClock
from runner.engine.plan import Target
from runner.specs.probe_spec import ProbeSpec
from runner.targets.registry import driver_of


@pytest.fixture
def staging() -> Iterator[Cluster]:
    with serving(Cluster()) as cluster:
        yield cluster


@pytest.fixture
def production() -> Iterator[Cluster]:
    with serving(Cluster(uid="66666666-0000-4000-8000-000000000666")) as cluster:
        yield cluster


def _target(uid: str, context: str = "staging") -> Target:
    return Target(name="eu", kind="kubernetes", environment="staging", context=context, cluster_uid=uid)


def _ask(target: Target, env: Mapping[str, str], log: Path) -> str:
    """Why it is not the declared one, asked as a run asks."""

    async def ask() -> str:
        clock = SystemClock()
        child = ProbeChild.spawn()
        try:
            await child.attach(origin=clock.origin, env=minimal_env(env), log=log)
            caller = ProbeCaller(clock, env={}, variables={}, python=child.call)
            (check,) = driver_of(target.kind).identity_checks(target)
            async with asyncio.timeout(60):
                result = await caller.call(ProbeSpec.model_validate(check.probe))
            await caller.close()
            return "" if result.ok else result.why
        finally:
            await child.stop()

    return asyncio.run(ask())


def _env(kubeconfig: object, context: str = "staging") -> dict[str, str]:
    return driver_of("kubernetes").child_environment({"kubeconfig": str(kubeconfig), "context": context})


def test_the_declared_cluster_is_known_by_its_uid_whatever_context_is_current(
    staging: Cluster, production: Cluster, tmp_path: Path
) -> None:
    config = write_kubeconfig(tmp_path / "config", "production", staging=staging.url, production=production.url)
    assert _ask(_target(staging.uid), _env(config), tmp_path / "log") == ""
    assert staging.asked == ["GET /api/v1/namespaces/kube-system"]
    assert production.asked == []


def test_another_cluster_behind_the_same_context_is_found_out(production: Cluster, tmp_path: Path) -> None:
    config = write_kubeconfig(tmp_path / "config", "staging", staging=production.url)
    why = _ask(_target("5b9cf7a0"), _env(config), tmp_path / "log")
    assert production.uid in why
    assert "5b9cf7a0" in why


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_an_api_that_does_not_say_is_not_believed(status: int, staging: Cluster, tmp_path: Path) -> None:
    staging.refuses = status
    config = write_kubeconfig(tmp_path / "config", "staging", staging=staging.url)
    why = _ask(_target(staging.uid), _env(config), tmp_path / "log")
    assert f"the API of context 'staging' said {status}" in why
    assert "\n" not in why


def _closed() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_an_api_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = write_kubeconfig(tmp_path / "config", "staging", staging=(url := _closed()))
    why = _ask(_target("x"), _env(config), tmp_path / "log")
    assert f"the API of context 'staging' ({url}) does not answer" in why
    assert "refused" in why


def test_a_context_that_the_file_does_not_have(staging: Cluster, tmp_path: Path) -> None:
    config = write_kubeconfig(tmp_path / "config", "staging", staging=staging.url)
    why = _ask(_target(staging.uid, "prod"), _env(config, "prod"), tmp_path / "log")
    assert f"{config} does not lead to context 'prod'" in why
    assert staging.asked == []


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "apiVersion: v1\nkind: Config\ncontexts: 3\n", "{", "\x00"])
def test_a_file_that_is_no_kubeconfig(text: str, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(text)
    assert "does not lead to context 'staging'" in _ask(_target("x"), _env(config), tmp_path / "log")


@pytest.mark.parametrize("value", ["{config}:{config}", "{config}-nowhere", ""])
def test_what_is_no_file_leads_nowhere_rather_than_to_this_machine(
    value: str, staging: Cluster, tmp_path: Path
) -> None:
    config = write_kubeconfig(tmp_path / "config", "staging", staging=staging.url)
    why = _ask(_target(staging.uid), _env(value.format(config=config)), tmp_path / "log")
    assert "which is not a file" in why
    assert staging.asked == []


def test_a_childs_way_to_the_cluster_is_the_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody/elses")
    env: Mapping[str, Any] = minimal_env(_env("/the/targets"))
    assert (env["KUBECONFIG"], env["KUBERNETES_CONTEXT"]) == ("/the/targets", "staging")
    assert driver_of("kubernetes").child_environment({"context": "x"}) == {}
