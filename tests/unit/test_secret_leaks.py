"""Secrets in the arguments of a process are refused, whichever way they got there."""

from __future__ import annotations

from typing import Any

import pytest
from guard_samples import FILE, LOCAL, STAGING, command, plan_of

from runner.engine.plan import Ask, Check, Step
from runner.guard.refusal import Refusal
from runner.guard.secret_leaks import judge_leaks, judge_values

_SECRET = {"secret_sources": {"TOKEN": {}}, "secrets": ("TOKEN",)}
_GROUP = {"secrets": {"api": {"key": {"type": "env", "key": "API_KEY"}}}}
_READ = {"configuration": {"token": {"type": "env", "key": "TOKEN"}}}


@pytest.mark.parametrize(
    ("provider", "document", "name"),
    [
        (command("curl", "-H", "Authorization: ${token}"), _READ, "TOKEN"),
        (command("curl", "-H", "Authorization: ${key}"), _GROUP, "key"),
        ({"type": "process", "path": "curl", "arguments": "-u x:$TOKEN"}, {}, "TOKEN"),
        ({"type": "process", "path": "curl", "arguments": {"-u": "${key}"}}, _GROUP, "key"),
        (command("sh", "-c", "curl -u x:$TOKEN"), {}, "TOKEN"),
    ],
)
def test_a_secret_by_its_name(provider: dict[str, Any], document: dict[str, Any], name: str) -> None:
    for part in ("method", "rollbacks"):
        method, undo = ([provider], []) if part == "method" else ([], [provider])
        plan = plan_of(LOCAL, *method, rollbacks=undo, document=document, **_SECRET)
        (refusal,) = judge_leaks(plan)
        assert f"the secret {name} would stand in the arguments" in refusal.what
        assert (refusal.where, refusal.at) == (FILE, (part, 0, "provider", "arguments"))


@pytest.mark.parametrize(
    ("provider", "document"),
    [
        (command("sh", "-c", 'printf %s "$TOKEN" | curl -K -'), {}),
        (command("run-it", "$TOKEN"), {}),
        (command("run-it", "${base}"), {"configuration": {"base": {"type": "env", "key": "TARGET_URL"}}}),
        ({"type": "http", "url": "https://x/", "headers": {"Authorization": "${token}"}}, _READ),
    ],
)
def test_the_environment_and_requests_are_no_process_list(provider: dict[str, Any], document: dict[str, Any]) -> None:
    assert list(judge_leaks(plan_of(LOCAL, provider, document=document, **_SECRET))) == []


def test_steps_and_probes_are_looked_at_too() -> None:
    probe = {"provider": command("curl", "-u", "x:${TOKEN}"), "tolerance": 0}
    step = Step(id="a", name="A", run="curl -u x:$TOKEN", secrets=("TOKEN",))
    asks = Step(id="b", name="B", run="curl -u x:$PIN", ask=(Ask(name="PIN", prompt="?", secret=True),))
    python = Step(id="c", name="C", run="print('$TOKEN')", shell="python3", secrets=("TOKEN",))
    plan = plan_of(
        STAGING, needs=(Check(name="n", probe=probe),), steps=(step, asks, python), runbook_file="r.yaml", **_SECRET
    )
    assert [(each.where, each.at) for each in judge_leaks(plan)] == [
        ("drills/d/drill.yaml", ("needs", 0, "provider", "arguments")),
        ("r.yaml", ("steps", 0, "run")),
        ("r.yaml", ("steps", 1, "run")),
    ]


def test_a_secrets_value_is_found_wherever_it_is_written() -> None:
    step = Step(id="a", name="A", run="curl -u x:hunter22")
    plan = plan_of(LOCAL, command("curl", "-u", "aHVudGVyMjI="), steps=(step,), runbook_file="r.yaml")
    found = judge_values(plan, ["hunter22"])
    assert [(each.where, each.at) for each in found] == [
        (FILE, ("method", 0, "provider", "arguments")),
        ("r.yaml", ("steps", 0, "run")),
    ]
    assert "hunter22" not in "".join(map(str, found))
    assert judge_values(plan, ["another"]) == ()
    assert all(isinstance(each, Refusal) for each in found)
