"""Drills and targets that are wrong, among the files that belong to them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runner.errors import InputError
from runner.specs.catalogue import Catalogue

_EVERYTHING = Path(__file__).parent / "fixtures" / "everything"
_DRILL = "drills/payment-gateway-outage/drill.yaml"
_RUNBOOK = "runbooks/payment-gateway-outage.yaml"
_EXPERIMENT = "experiments/payment-gateway-errors.yaml"
_TARGETS = "drills/targets.yaml"
_LOCUSTFILE = "drills/payment-gateway-outage/locustfile.py"

# File, what stands in it, what stands there instead; then every problem of the drill.
CASES: dict[str, tuple[str, str, str, list[str]]] = {
    "unknown-key": (
        _DRILL,
        "  spawn-rate: 20",
        "  spawn_rate: 20",
        [f"{_DRILL}:21:3: unknown key 'spawn_rate'; did you mean 'spawn-rate'?"],
    ),
    "users-in-words": (
        _DRILL,
        "users: 40",
        "users: forty",
        [f"{_DRILL}:20:10: users: 'forty' is not a whole number"],
    ),
    "users-a-fraction": (
        _DRILL,
        "users: 40",
        "users: 40.5",
        [f"{_DRILL}:20:10: users: 40.5 is not a whole number"],
    ),
    "no-users": (
        _DRILL,
        "users: 40",
        "users: 0",
        [f"{_DRILL}:20:10: users: 0 is too small; it is at least 1"],
    ),
    "spawn-rate-negative": (
        _DRILL,
        "spawn-rate: 20",
        "spawn-rate: -1",
        [f"{_DRILL}:21:15: spawn-rate: -1 is too small; it is more than 0"],
    ),
    "unknown-target": (
        _DRILL,
        "target: staging",
        "target: stagging",
        [f"{_DRILL}:6:9: there is no target 'stagging'; did you mean 'staging'?"],
    ),
    "unknown-runbook": (
        _DRILL,
        "runbook: payment-gateway-outage",
        "runbook: payment-gateway-outtage",
        [f"{_DRILL}:7:10: there is no runbook 'payment-gateway-outtage'; did you mean 'payment-gateway-outage'?"],
    ),
    "unknown-experiment": (
        _DRILL,
        "experiment: pod-kill",
        "experiment: pods-kill",
        [f"{_DRILL}:15:17: there is no experiment 'pods-kill'; did you mean 'pod-kill'?"],
    ),
    "experiment-twice": (
        _DRILL,
        "experiment: pod-kill",
        "experiment: payment-gateway-errors",
        [f"{_DRILL}:15:17: 'payment-gateway-errors' is there already; an experiment runs once"],
    ),
    "inject-at-unknown-step": (
        _DRILL,
        "{at-step: fail-over}",
        "{at-step: failover}",
        [f"{_DRILL}:16:23: the runbook has no step 'failover'; did you mean 'fail-over'?"],
    ),
    "inject-backwards": (
        _DRILL,
        "{between: [1m, 8m]}",
        "{between: [8m, 1m]}",
        [f"{_DRILL}:14:13: inject: nothing lies between 8m and 1m; the earlier moment comes first"],
    ),
    "inject-unknown": (
        _DRILL,
        "{between: [1m, 8m]}",
        "at-once",
        [
            f"{_DRILL}:14:13: inject: 'at-once' is no moment; "
            "one of: after-warm-up, on-command, {at-step: ID}, {between: [1m, 8m]}"
        ],
    ),
    "unknown-placeholder": (
        _DRILL,
        "${target.monitor}",
        "${target.moniter}",
        [f"{_DRILL}:46:33: nothing defines ${{target.moniter}}; did you mean 'target.monitor'?"],
    ),
    "need-without-name": (
        _DRILL,
        '  - name: catalogue is loaded\n    provider: {type: http, url: "${target.url}',
        '  - provider: {type: http, url: "${target.url}',
        [f"{_DRILL}:9:5: 'name' is missing; give it a name"],
    ),
    "metric-unknown": (
        _DRILL,
        "metric: p95",
        "metric: p59",
        [
            f"{_DRILL}:33:22: metric: 'p59' is not possible here; one of: success-ratio, failure-ratio, rate, p50, p95, p99"
        ],
    ),
    "bound-not-a-share": (
        _DRILL,
        "at-least: 99%",
        "at-least: 99",
        [f"{_DRILL}:30:17: at-least: 99 is not a share; did you mean 99%?"],
    ),
    "bound-over-all": (
        _DRILL,
        "at-least: 99%",
        "at-least: 101%",
        [f"{_DRILL}:30:17: at-least: '101%' is not a share; it is from 0% to 100%"],
    ),
    "bound-not-a-duration": (
        _DRILL,
        "at-most: 400ms",
        "at-most: 400 ms",
        [f"{_DRILL}:34:16: at-most: '400 ms' is not a duration; write it like 90s, 5m, 1h30m or 500ms"],
    ),
    "bound-missing": (
        _DRILL,
        "      at-most: 400ms\n      degraded: 1s\n",
        "",
        [f"{_DRILL}:32:7: 'at-least' or 'at-most' is missing; such as at-most: 400ms"],
    ),
    "two-bounds": (
        _DRILL,
        "at-most: 400ms",
        "at-most: 400ms\n      at-least: 1ms",
        [f"{_DRILL}:34:7: 'at-least' and 'at-most' exclude each other; make two indicators"],
    ),
    "degraded-stricter": (
        _DRILL,
        "degraded: 95%",
        "degraded: 99.5%",
        [f"{_DRILL}:31:17: degraded: is stricter than 'at-least'; good enough lies below it"],
    ),
    "degraded-latency-stricter": (
        _DRILL,
        "degraded: 1s",
        "degraded: 300ms",
        [f"{_DRILL}:35:17: degraded: is stricter than 'at-most'; good enough lies above it"],
    ),
    "indicator-twice": (
        _DRILL,
        "- name: checkout p95",
        "- name: checkouts succeed",
        [
            f"{_DRILL}:32:13: the name 'checkouts succeed' is taken; each indicator has its own",
            f"{_DRILL}:58:17: there is no indicator 'checkout p95'; did you mean 'checkouts succeed'?",
        ],
    ),
    "indicator-of-the-runbook": (
        _RUNBOOK,
        "indicator: checkouts succeed",
        "indicator: checkout succeeds",
        [f"{_RUNBOOK}:39:25: {_DRILL} has no indicator 'checkout succeeds'; did you mean 'checkouts succeed'?"],
    ),
    "stop-on-unknown-indicator": (
        _DRILL,
        "{indicator: storefront answers, below",
        "{indicator: storefront answer, below",
        [f"{_DRILL}:57:17: there is no indicator 'storefront answer'; did you mean 'storefront answers'?"],
    ),
    "stop-without-bound": (
        _DRILL,
        "below: 95%, for: 10s",
        "for: 10s",
        [f"{_DRILL}:57:5: 'below' or 'above' is missing; such as"],
    ),
    "stop-bound": (
        _DRILL,
        "above: 30s, for",
        "above: 30%, for",
        [f"{_DRILL}:58:38: above: '30%' is not a duration"],
    ),
    "expect-unknown": (
        _DRILL,
        "expect: {impact-within: 60s}",
        "expect: noimpact",
        [f"{_DRILL}:48:9: expect: 'noimpact' cannot be expected; one of: no-impact, {{impact-within: 60s}}"],
    ),
    "objective-unknown": (
        _DRILL,
        "time-to-recover: 5m",
        "time-to-recovery: 5m",
        [f"{_DRILL}:54:3: unknown key 'time-to-recovery'; did you mean 'time-to-recover'?"],
    ),
    "time-box-a-clock": (
        _DRILL,
        "time-box: 15m",
        "time-box: 15:00",
        [f"{_DRILL}:55:20: time-box: '15:00' is not a duration"],
    ),
    "reveal": (
        _DRILL,
        "reveal: always",
        "reveal: allways",
        [f"{_DRILL}:66:9: reveal: 'allways' is not possible here; did you mean 'always'?"],
    ),
    "allow-production-yes": (
        _DRILL,
        "allow-production: false",
        "allow-production: yes",
        [f"{_DRILL}:63:19: allow-production: 'yes' is text in Gameday's files; write true or false"],
    ),
    "secret-nobody-declares": (
        _RUNBOOK,
        "secrets: [STAGING_TOKEN]",
        "secrets: [STAGIN_TOKEN]",
        [f"{_RUNBOOK}:27:15: neither {_DRILL} nor its target declares the secret 'STAGIN_TOKEN'; did you mean"],
    ),
    "experiment-is-wrong-too": (
        _EXPERIMENT,
        "title: The card",
        "titel: The card",
        [
            f"{_EXPERIMENT}:1:1: 'title' is missing",
            f"{_EXPERIMENT}:2:1: unknown key 'titel'; did you mean 'title'?",
        ],
    ),
    "target-lacks-an-attribute": (
        _EXPERIMENT,
        "key: TARGET_PROXY",
        "key: TARGET_PROXI",
        [
            f"{_EXPERIMENT}:7:27: the target 'staging' has no 'proxi', so there is no TARGET_PROXI; "
            "did you mean 'TARGET_PROXY'?"
        ],
    ),
    "undone-when-asks-for-more": (
        _EXPERIMENT,
        'provider: {type: http, url: "${proxy}/proxies/gateway", timeout: 1}',
        'provider: {type: http, url: "${target.proxi}/x", timeout: 1}',
        [f"{_EXPERIMENT}:51:37: nothing defines ${{target.proxi}}; did you mean 'target.proxy'?"],
    ),
    "environment-misspelt": (
        _TARGETS,
        "kind: http\n    environment: staging",
        "kind: http\n    environment: prodution",
        [f"{_TARGETS}:10:18: environment: 'prodution' is not possible here; did you mean 'production'?"],
    ),
    "http-target-without-url": (
        _TARGETS,
        "    url: https://checkout.staging.example.com\n",
        "",
        [f"{_TARGETS}:9:5: 'url' is missing; a target of kind http has one"],
    ),
    "cluster-without-uid": (
        _TARGETS,
        "    cluster-uid: 5b9cf7a0-0c4e-4f43-8a8e-0c3f0d5f4e11\n",
        "",
        [f"{_TARGETS}:23:5: 'cluster-uid' is missing; a target of kind kubernetes has one"],
    ),
    "share-without-percent": (
        _TARGETS,
        "max-share: 30%",
        "max-share: 30",
        [f"{_TARGETS}:27:57: max-share: 30 is not a share; did you mean 30%?"],
    ),
    "allow-key": (
        _TARGETS,
        "{namespaces: [shop]",
        "{namespace: [shop]",
        [f"{_TARGETS}:27:13: unknown key 'namespace'; did you mean 'namespaces'?"],
    ),
    "header-of-no-secret": (
        _TARGETS,
        "Bearer ${STAGING_TOKEN}",
        "Bearer ${STAGING_TOKE}",
        [f"{_TARGETS}:16:30: nothing defines ${{STAGING_TOKE}}; did you mean 'STAGING_TOKEN'?"],
    ),
    "sandbox-that-is-not-one": (
        _TARGETS,
        "kind: sandbox",
        "kind: local",
        [f"{_TARGETS}:3:11: kind: the target 'sandbox' is always of kind sandbox; choose another name"],
    ),
    "cluster-keys-elsewhere": (
        _TARGETS,
        "    allow: {hosts",
        "    context: staging\n    allow: {hosts",
        [f"{_TARGETS}:21:5: 'context' is not for targets of kind http; leave it out"],
    ),
    "locustfile-syntax": (
        _LOCUSTFILE,
        "def checkout(self) -> None:",
        "def checkout(self) -> None",
        [f"{_LOCUSTFILE}:6:31: is not Python: expected ':'"],
    ),
    "locustfile-without-users": (
        _LOCUSTFILE,
        "class Shopper(FastHttpUser):",
        "class Shopper:",
        [f"{_LOCUSTFILE}:1:1: defines no User class; define one, such as `class Shopper(HttpUser):`"],
    ),
    "locustfile-missing": (
        _DRILL,
        "locustfile: locustfile.py",
        "locustfile: locust.py",
        ["drills/payment-gateway-outage/locust.py: there is no such file"],
    ),
    "nothing-to-do": (
        _DRILL,
        "runbook: payment-gateway-outage",
        "# no runbook",
        [f"{_DRILL}:16:23: the drill has no runbook; name one under runbook"],
    ),
    "no-load-to-measure": (
        _DRILL,
        "load:\n  locustfile: locustfile.py\n  users: 40\n  spawn-rate: 20\n  processes: 1\n  warm-up: 10s\n  env: {BASKET: 3}\n",
        "",
        [
            f"{_DRILL}:22:7: the drill has no load to measure; add `load:`, or measure with a probe",
            f"{_DRILL}:26:7: the drill has no load to measure",
            f"{_DRILL}:30:7: the drill has no load to measure",
        ],
    ),
}


def _changed(root: Path, file: str, before: str, after: str) -> Catalogue:
    shutil.copytree(_EVERYTHING, root, dirs_exist_ok=True)
    text = (root / file).read_text()
    assert before in text
    (root / file).write_text(text.replace(before, after, 1))
    return Catalogue(root)


@pytest.mark.parametrize("name", CASES)
def test_a_bad_drill_is_explained_at_its_place(name: str, tmp_path: Path) -> None:
    file, before, after, expected = CASES[name]
    catalogue = _changed(tmp_path, file, before, after)
    with pytest.raises(InputError) as caught:
        catalogue.load_drill("payment-gateway-outage")
    said = [str(problem) for problem in caught.value.problems]
    assert len(said) == len(expected), said
    for line, start in zip(said, expected, strict=True):
        assert line.startswith(start), said


@pytest.mark.parametrize("name", CASES)
def test_check_says_the_same(name: str, tmp_path: Path) -> None:
    file, before, after, expected = CASES[name]
    said = [str(problem) for problem in _changed(tmp_path, file, before, after).check()]
    assert len(said) == len(expected), said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("expect: {impact-within: 60s}", "expect: no-impact", "expects no impact"),
        ("experiments:", "_experiments:", "has no experiment that could have an impact"),
        ("steady-state:", "_steady-state:", "has no indicator that could show an impact"),
    ],
)
def test_a_step_cannot_wait_for_an_impact_that_nothing_can_show(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    verify = ("{indicator: checkouts succeed, for: 5s, within: 60s}", "{impact: true}")
    catalogue = _changed(tmp_path, _RUNBOOK, *verify)
    assert catalogue.check() == []
    path = tmp_path / _DRILL
    path.write_text(path.read_text().replace(before, after, 1))
    found = [str(problem) for problem in Catalogue(tmp_path).check()]
    assert f"{_RUNBOOK}:39:14: {_DRILL} {said}; verify something else" in found


def test_the_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    _changed(tmp_path, _DRILL, "users: 40", "users: forty")
    for file, before, after in (
        (_RUNBOOK, "milestone: detected", "milestone: seen"),
        (_EXPERIMENT, "after: 0.5", "after: -0.5"),
        (_TARGETS, "environment: staging", "environment: stage"),
        (_LOCUSTFILE, "-> None:", "-> None"),
    ):
        text = (tmp_path / file).read_text()
        (tmp_path / file).write_text(text.replace(before, after, 1))
    with pytest.raises(InputError) as caught:
        Catalogue(tmp_path).load_drill("payment-gateway-outage")
    assert {problem.file for problem in caught.value.problems} == {_DRILL, _RUNBOOK, _EXPERIMENT, _TARGETS, _LOCUSTFILE}
