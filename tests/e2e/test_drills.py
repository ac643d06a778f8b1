"""The shipped drills, run as a user runs them, and judged by what the sandbox and the machine say of them."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest
import request_log
from harness import REPOSITORY, Finished, World, ask, declared, eventually, finish, refuses
from request_log import Outage, Request


@dataclass(frozen=True)
class Expected:
    """What a drill must have done to the shop: all changes at the fault proxy and the admin address, and the harm."""

    slug: str
    changes: Sequence[str]
    harmed: Callable[[Request], bool]


DRILLS = (
    Expected(
        "payment-gateway-outage",
        (
            "POST /proxies/gateway/toxics",
            "PUT /flags/gateway",
            "DELETE /proxies/gateway/toxics/gateway-resets",
        ),
        lambda request: request.route == "POST /checkout" and request.status in (502, 503),
    ),
    Expected(
        "checkout-process-killed",
        (
            "POST /processes/checkout/kill",
            "POST /processes/checkout/restart",
            "POST /processes/checkout/start",
        ),
        lambda request: request.route == "POST /checkout" and request.status == 502,
    ),
    Expected(
        "slow-dependency",
        (
            "PUT /flags/breaker",
            "PUT /flags/gateway-timeout",
            "POST /proxies/gateway/toxics",
            "POST /proxies/gateway/toxics/gateway-latency",
            "PUT /flags/gateway-timeout",
            "PUT /flags/breaker",
            "PUT /flags/gateway",
            "DELETE /proxies/gateway/toxics/gateway-latency",
            "DELETE /flags/gateway-timeout",
            "DELETE /flags/breaker",
        ),
        lambda request: request.route == "GET /catalogue" and request.seconds > 0.9,
    ),
    Expected(
        "cache-lost",
        (
            "PUT /cache/mode",
            "PUT /flags/catalogue-mode",
            "PUT /cache/mode",
            "POST /cache/warm",
        ),
        lambda request: request.route == "GET /catalogue" and request.status == 499,
    ),
)


@dataclass(frozen=True)
class Played:
    """A drill that was run, and its outage as the request log tells it."""

    expected: Expected
    run: Finished
    outage: Outage


@pytest.fixture(scope="module", params=DRILLS, ids=lambda expected: expected.slug)
def played(request: pytest.FixtureRequest, shared_world: World) -> Played:
    expected: Expected = request.param
    run = shared_world.drill(expected.slug)
    assert run.card["times"]["injected"]["seconds"] is not None, run.story
    return Played(expected, run, request_log.judge(run.folder, until=run.card["ended"]))


def test_it_passes_without_people(played: Played) -> None:
    card = played.run.card
    assert (played.run.exit_code, card["ending"]) == (0, "passed"), played.run.story
    assert card["service"]["status"] == card["runbook"]["status"] == "met"
    assert [alert["name"] for alert in card["alerts"] if alert["status"] != "fired"] == []
    assert card["findings"] == []
    assert [episode["character"] for episode in card["episodes"]] == ["recovered"]


def test_its_times_are_those_of_the_request_log(played: Played) -> None:
    times, outage = played.run.card["times"], played.outage
    assert outage.time_to_recover is not None
    assert times["recovered"]["seconds"] == pytest.approx(outage.time_to_recover, abs=0.5)
    assert times["impact"]["seconds"] == pytest.approx(outage.impact, abs=0.5)
    # The proxy or the admin address hears of the fault only after it was recorded.
    assert times["injected"]["seconds"] <= outage.injected + 0.005


def test_the_fault_really_hurt_and_really_went(played: Played) -> None:
    outage = played.outage
    assert outage.impact is not None
    assert outage.recovered is not None
    log = request_log.requests(played.run.folder / "sandbox", request_log.terms_of(played.run.folder).zero)
    harmed = [request.t for request in log if played.expected.harmed(request)]
    before = [t for t in harmed if t < outage.injected]
    during = [t for t in harmed if outage.impact - 0.5 <= t <= outage.recovered + 0.001]
    after = [t for t in harmed if outage.recovered + 0.001 < t < played.run.card["ended"]]
    assert len(during) >= 5
    assert len(before) + len(after) <= len(during) / 5


def test_nothing_but_fault_mitigation_and_undo_changed_the_target(played: Played) -> None:
    changes = request_log.all_changes(played.run.folder / "sandbox")
    # A rollback that got no answer in time is tried again, and the creeping latency is one change after another.
    assert [change for change, _ in groupby(changes)] == list(played.expected.changes)


def test_the_undo_was_seen_to_work(played: Played) -> None:
    card = played.run.card
    assert {(fault["state"], fault["how"]) for fault in card["faults"]} == {("undone", "verified")}
    assert [check for check in card["checks"] if not (check["bites"] and check["held"])] == []
    rollbacks = json.loads(next(played.run.folder.glob("journal-*.json")).read_text())["rollbacks"]
    assert rollbacks
    assert {rollback["status"] for rollback in rollbacks} == {"succeeded"}


def test_the_record_is_whole(played: Played, shared_world: World) -> None:
    verified = shared_world.call("verify", played.run.card["run"], "--runs-dir", str(shared_world.runs))
    assert verified.returncode == 0, verified.stderr


def test_nothing_is_left(played: Played, shared_world: World) -> None:
    sandbox = json.loads((played.run.folder / "sandbox" / "sandbox.json").read_text())
    assert shared_world.processes() == {}
    assert shared_world.open_runs() == []
    assert shared_world.sockets() == []
    assert [name for name in ("url", "admin", "proxy", "monitor") if not refuses(sandbox[name])] == []


# -- in the middle of it -----------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A user's own repository with the shipped drills in it."""
    for folder in ("drills", "experiments", "runbooks"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def shop(world: World, repository: Path) -> Iterator[dict[str, str]]:
    """A sandbox that outlives its runs, declared as the target `standing`: it can be asked what a run left in it."""
    up = world.call("sandbox", "up")
    words = (line.removeprefix("export TARGET_").split("=", 1) for line in up.stdout.splitlines())
    addresses = {name.lower(): url for name, url in words}
    (repository / "drills" / "targets.yaml").write_text(declared(addresses))
    yield addresses
    world.call("sandbox", "down")


@pytest.mark.parametrize(
    ("slug", "faults"),
    [("payment-gateway-outage", 1), ("slow-dependency", 3)],
)
def test_interrupted_with_the_fault_in_it_leaves_none(
    slug: str, faults: int, world: World, repository: Path, shop: dict[str, str]
) -> None:
    before = ask(f"{shop['admin']}/flags")
    own = set(world.processes())
    options = ("--headless", "--json", "--target", "standing", "--runs-dir", str(world.runs))
    run = world.start("run", slug, *options, "--set", "load.warm-up=5s", cwd=repository)

    assert eventually(lambda: ask(f"{shop['proxy']}/proxies/gateway")["toxics"], within=60), "the fault never came"
    run.send_signal(signal.SIGINT)
    ended = world.finished(finish(run))

    assert (ended.exit_code, ended.card["ending"]) == (4, "aborted"), ended.story
    assert ask(f"{shop['proxy']}/proxies/gateway")["toxics"] == []
    assert {**ask(f"{shop['admin']}/flags"), "gateway": "primary"} == before
    assert len(ended.card["faults"]) >= faults
    assert {fault["state"] for fault in ended.card["faults"]} == {"undone"}
    assert set(world.processes()) == own
    assert (world.open_runs(), world.sockets()) == ([], [])
    assert world.call("verify", ended.card["run"], "--runs-dir", str(world.runs)).returncode == 0


# -- what the page about them says ---------------------------------------------------------------------------------------


def test_the_example_on_the_page_passes_every_check(world: World, repository: Path) -> None:
    page = (REPOSITORY / "docs" / "drills.md").read_text()
    blocks = re.findall(r"```yaml\n# (\S+\.yaml)\S*(.*?)```", page, flags=re.DOTALL)
    assert [name for name, _ in blocks] == [
        "drills/bad-flag/drill.yaml",
        "runbooks/bad-flag.yaml",
        "experiments/checkout-off.yaml",
    ]
    for name, text in blocks:
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(f"#{text}")
    shutil.copy(REPOSITORY / "drills" / "payment-gateway-outage" / "locustfile.py", repository / "drills" / "bad-flag")

    checked = world.call("check", cwd=repository)
    planned = world.call("plan", "bad-flag", cwd=repository)

    assert (checked.returncode, planned.returncode) == (0, 0), checked.stdout + checked.stderr + planned.stderr
    assert "switch checkout off" in planned.stdout


def test_the_page_tells_of_every_drill() -> None:
    page = (REPOSITORY / "docs" / "drills.md").read_text()
    shipped = {folder.name for folder in (REPOSITORY / "drills").iterdir() if (folder / "drill.yaml").exists()}
    assert shipped == {drill.slug for drill in DRILLS}
    assert [slug for slug in shipped if f"| `{slug}` |" not in page] == []
