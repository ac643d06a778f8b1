"""Actions that Chaos Toolkit calls a success, and that may have done nothing."""

from __future__ import annotations

from typing import Any

import pytest

from runner.engine.doubt import Accepted, doubt


def command(status: int, stdout: str = "", stderr: str = "") -> dict[str, Any]:
    return {"status": status, "stdout": stdout, "stderr": stderr}


@pytest.mark.parametrize(
    ("provider", "output", "why"),
    [
        ("process", command(1), "exited with 1"),
        ("process", command(127), "exited with 127"),
        ("process", command(-9), "was killed by SIGKILL"),
        ("process", command(-63), "was killed by signal 63"),
        ("process", command(0, stdout="No resources found in shop namespace.\n"), "printed 'No resources found'"),
        ("process", command(0, stderr="\n0 pods deleted\n"), "printed '0 pods deleted'"),
        ("http", {"status": 404, "headers": {}, "body": ""}, "was answered with status 404"),
        ("http", {"status": 503, "headers": {}, "body": ""}, "was answered with status 503"),
        ("python", [], "gave back an empty result"),
        ("python", {}, "gave back an empty result"),
        ("python", [[], []], "gave back an empty result"),
        ("python", {"deleted": []}, "gave back an empty result"),
        ("python", "0 pods selected", "selected nothing"),
        ("python", "0 pods", "selected nothing"),
        ("process", command(0, stdout="No containers.\n"), "printed 'No containers.'"),
        ("python", False, "gave back false"),
        ("python", {"status": "Failure", "code": 409}, "gave back the status 'Failure'"),
        ("python", {"error": "no route"}, "gave back an error"),
        ("python", {"success": False}, "gave back success: false"),
        ("python", {"ok": False, "pods": ["shop-1"]}, "gave back ok: false"),
        ("python", {"returncode": 3}, "exited with 3"),
        ("python", command(3), "exited with 3"),
        ("python", {"status": 500, "body": ""}, "was answered with status 500"),
    ],
)
def test_what_may_have_done_nothing_is_named(provider: str, output: Any, why: str) -> None:
    assert why in doubt(provider, output, Accepted())


@pytest.mark.parametrize(
    ("provider", "output"),
    [
        ("process", command(0, "deployment.apps/shop scaled", "0 pods are what we want, some day")),
        ("http", {"status": 204, "headers": {}, "body": ""}),
        ("http", {"status": 302, "headers": {}, "body": []}),
        ("python", None),
        ("python", True),
        ("python", 0),
        ("python", "pod shop-1 deleted"),
        ("python", ["shop-1"]),
        ("python", [[], ["shop-1"]]),
        ("python", "10 pods"),
        ("python", {"success": True, "pods": []}),
        ("python", {"status": "Success", "errors": []}),
        ("python", {"status": {"replicas": 0}}),
    ],
)
def test_what_did_something_is_not_doubted(provider: str, output: Any) -> None:
    assert doubt(provider, output, Accepted()) == ""


def test_an_experiment_says_what_is_no_failure() -> None:
    own = {"name": "gameday", "ok-exit-codes": [0, 1], "ok-statuses": [404], "ok-empty": True}
    accepted = Accepted.of({"extensions": [{"name": "other"}, own]})
    assert doubt("process", command(1), accepted) == ""
    assert doubt("process", command(0, "no resources found"), accepted) == ""
    assert doubt("http", {"status": 404}, accepted) == ""
    assert doubt("python", [], accepted) == ""
    assert doubt("process", command(2), accepted) == "exited with 2"
    assert doubt("http", {"status": 500}, accepted) == "was answered with status 500"
    assert doubt("python", False, accepted) == "gave back false"
    assert Accepted.of({"title": "no extension"}) == Accepted()
