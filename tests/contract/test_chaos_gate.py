"""No action runs that nobody let through; what is asked is what runs; what is told holds no secret."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos_driver import Stage, experiment, http, obedient, play, probe, process, python, workshop

from runner.actuators.chaos import (
    ActivityEndedReport,
    ActivityStartedReport,
    Armed,
    Asking,
    ChaosChild,
    ChaosReport,
    ChildGone,
    ExperimentEndedReport,
    ExperimentLoadedReport,
    HypothesisCheckedReport,
    MethodEndedReport,
)

SECRET = 'tricky "secret" /value/ 42'


def ours(tmp_path: Path) -> dict[str, str]:
    return workshop(tmp_path, "ours") | {"TOKEN": SECRET}


def touching(tmp_path: Path, name: str = "touch", **more: Any) -> dict[str, Any]:
    return process(name, "touch", [str(tmp_path / name)], **more)


def refuse(child: ChaosChild, report: ChaosReport) -> None:
    if isinstance(report, Asking):
        child.refuse("not here")
    else:
        obedient(child, report)


def test_an_action_that_came_back_with_nothing_done_is_told(tmp_path: Path) -> None:
    controls = [{"name": "ctrl", "provider": {"type": "python", "module": "ctrl", "arguments": {"dry": "left out"}}}]
    method = [
        process("fails", "false"),
        process("allowed", "sh", ["-c", "exit 3"]),
        process("is killed", "sh", ["-c", "kill -9 $$"], background=True),
        python("finds nothing", "answer", {"value": []}),
        python("finds something", "answer", {"value": ["pod"]}),
        touching(tmp_path, "left out"),
        probe(process("only looks", "false")),
    ]
    extension = {"name": "gameday", "ok-exit-codes": [0, 3]}
    document = experiment(method, controls=controls, extensions=[extension])

    story = asyncio.run(play(document, tmp_path, env=ours(tmp_path)))

    assert {ended.name: ended.doubt for ended in story.all(ActivityEndedReport)} == {
        "fails": "exited with 1",
        "allowed": "",
        "is killed": "was killed by SIGKILL",
        "finds nothing": "selected nothing: it gave back an empty result",
        "finds something": "",
        "left out": "was left out: it is dry",
        "only looks": "",
    }
    assert not (tmp_path / "left out").exists()


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (process("no program", "./no-program"), "Exec format error"),
        (python("ends its process", "end_process"), "SystemExit: 3"),
    ],
)
def test_what_the_toolkit_does_not_expect_of_an_action_is_told(
    action: dict[str, Any], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "no-program"
    program.write_bytes(b"\x7f")
    program.chmod(0o700)

    story = asyncio.run(play(experiment([action]), tmp_path, env=ours(tmp_path)))

    ended = story.one(ActivityEndedReport)
    assert ended.status == "aborted"
    assert why in ended.exception


@pytest.mark.parametrize("background", [False, True])
def test_a_refused_action_and_all_that_follow_never_run(tmp_path: Path, background: bool) -> None:
    document = experiment([touching(tmp_path, "first", background=background), touching(tmp_path, "second")])

    story = asyncio.run(play(document, tmp_path, env=ours(tmp_path), handler=refuse))

    assert not (tmp_path / "first").exists()
    assert not (tmp_path / "second").exists()
    assert story.all(ActivityStartedReport) == []
    assert story.one(ExperimentEndedReport).status == "interrupted"
    assert story.journal is not None
    assert story.journal["status"] == "interrupted"


def test_refusing_an_action_in_the_background_ends_the_experiment(tmp_path: Path) -> None:
    document = experiment([touching(tmp_path, background=True), probe(process("last", "true"))])

    story = asyncio.run(play(document, tmp_path, env=ours(tmp_path), handler=refuse))

    assert story.one(ExperimentEndedReport).status == "interrupted"
    assert not (tmp_path / "touch").exists()


def test_no_rollback_runs_in_this_child_whatever_the_experiment_wants(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path)
        document = experiment([process("m", "true")], [touching(tmp_path)])
        document["runtime"] = {"rollbacks": {"strategy": "always"}}
        await stage.load(document, env=ours(tmp_path))
        await stage.until(ExperimentEndedReport)
        story = await stage.close()
        assert story.journal is not None
        assert story.journal["rollbacks"] == []

    asyncio.run(scene())

    assert not (tmp_path / "touch").exists()


def test_each_action_is_asked_for_and_a_probe_is_not(tmp_path: Path) -> None:
    document = experiment(
        [touching(tmp_path, "a"), probe(process("look", "true")), touching(tmp_path, "b"), {"ref": "a"}],
        probes=[probe(process("steady", "true"), 0)],
    )

    story = asyncio.run(play(document, tmp_path, env=ours(tmp_path)))

    assert [(a.index, a.name) for a in story.all(Asking)] == [(0, "a"), (2, "b"), (3, "a")]
    assert [(s.index, s.name, s.type) for s in story.all(ActivityStartedReport)] == [
        (0, "a", "action"),
        (1, "look", "probe"),
        (2, "b", "action"),
        (3, "a", "action"),
    ]
    stamps = [report.t for report in story.reports if hasattr(report, "t")]
    assert stamps == sorted(stamps)


def lose(child: ChaosChild) -> None:
    child._shim._socket.shutdown(socket.SHUT_RDWR)


def babble(child: ChaosChild) -> None:
    child._shim._socket.send(b"{not json\n")


def unknown(child: ChaosChild) -> None:
    child._shim.send({"do": "something else"})


@pytest.mark.parametrize("harm", [lose, babble, unknown])
@pytest.mark.parametrize("background", [False, True])
def test_an_action_never_runs_when_the_word_is_lost(
    tmp_path: Path, harm: Callable[[ChaosChild], None], background: bool
) -> None:
    def handler(child: ChaosChild, report: ChaosReport) -> None:
        if isinstance(report, Asking):
            harm(child)
        else:
            obedient(child, report)

    async def scene() -> int:
        stage = Stage(tmp_path, handler)
        await stage.load(experiment([touching(tmp_path, background=background)]), env=ours(tmp_path))
        await stage.until(ChildGone)
        return (await stage.close()).one(ChildGone).returncode

    assert asyncio.run(scene()) == 70
    assert not (tmp_path / "touch").exists()


def test_an_early_word_is_not_taken_for_an_answer(tmp_path: Path) -> None:
    def handler(child: ChaosChild, report: ChaosReport) -> None:
        if isinstance(report, ExperimentLoadedReport):
            child.release()
            child.arm()
        elif isinstance(report, Armed):
            child.inject()

    async def scene() -> None:
        stage = Stage(tmp_path, handler)
        await stage.load(experiment([touching(tmp_path)]), env=ours(tmp_path))
        await stage.until(Asking)
        await asyncio.sleep(0.3)
        assert not (tmp_path / "touch").exists()
        stage.child.go()
        await stage.until(ExperimentEndedReport)
        await stage.close()

    asyncio.run(scene())

    assert (tmp_path / "touch").exists()


def test_what_is_asked_is_what_a_control_made_of_it(tmp_path: Path) -> None:
    turn = {"touch": [str(tmp_path / "elsewhere")]}
    controls = [{"name": "ctrl", "provider": {"type": "python", "module": "ctrl", "arguments": {"turn": turn}}}]

    story = asyncio.run(play(experiment([touching(tmp_path)], controls=controls), tmp_path, env=ours(tmp_path)))

    assert story.one(Asking).provider["arguments"] == turn["touch"]
    assert (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "touch").exists()


def test_arguments_are_asked_as_they_are_resolved(tmp_path: Path) -> None:
    configuration = {
        "before": {"type": "probe", "name": "b", "provider": {"type": "process", "path": "echo", "arguments": "3"}},
        "host": "127.0.0.1",
    }
    document = experiment(
        [
            process("scale", "true", ["--from", "${before}", "$$x"]),
            http("call", "http://${host}:1/${before}", provider={"headers": {"X": "${host}"}}),
        ],
        configuration=configuration,
    )

    story = asyncio.run(play(document, tmp_path, env=ours(tmp_path)))

    first, second = story.all(Asking)
    assert first.configuration == {"before": "3", "host": "127.0.0.1"}
    assert first.provider["arguments"] == ["--from", "3", "$x"]
    assert (second.provider["url"], second.provider["headers"]) == ("http://127.0.0.1:1/3", {"X": "127.0.0.1"})


def test_a_held_fault_stays_until_it_is_released(tmp_path: Path) -> None:
    def handler(child: ChaosChild, report: ChaosReport) -> None:
        if not isinstance(report, MethodEndedReport):
            obedient(child, report)

    async def scene() -> None:
        stage = Stage(tmp_path, handler)
        steady = probe(process("steady", "test", ["!", "-e", str(tmp_path / "touch")]), 0)
        await stage.load(experiment([touching(tmp_path)], probes=[steady]), hold=True, env=ours(tmp_path))
        await stage.until(MethodEndedReport)
        await asyncio.sleep(0.3)
        assert [check.when for check in stage.story.all(HypothesisCheckedReport)] == ["before"]
        stage.child.release()
        await stage.until(ExperimentEndedReport)
        story = await stage.close()
        assert [(check.when, check.met) for check in story.all(HypothesisCheckedReport)] == [
            ("before", True),
            ("after", False),
        ]
        assert story.one(ExperimentEndedReport).deviated

    asyncio.run(scene())


def test_the_continuous_hypothesis_begins_with_the_injection(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(
            tmp_path, lambda child, report: child.arm() if isinstance(report, ExperimentLoadedReport) else None
        )
        document = experiment(
            [process("lasts", "sleep", "0.3")], probes=[probe(process("p", "true"), 0)], strategy="continuously"
        )
        await stage.load(document, env=ours(tmp_path))
        await stage.until(Armed)
        await asyncio.sleep(0.3)
        assert [check.when for check in stage.story.all(HypothesisCheckedReport)] == ["before"]
        stage.child.inject()
        await stage.until(Asking)
        stage.child.go()
        await stage.until(ExperimentEndedReport)
        story = await stage.close()
        assert {check.when for check in story.all(HypothesisCheckedReport)} == {"before", "during", "after"}
        assert [started.name for started in story.all(ActivityStartedReport)] == ["lasts"]

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("more", "asks"),
    [
        ({}, ("after",)),
        ({"strategy": "continuously"}, ("during", "after")),
        ({"strategy": "during-method-only"}, ("during",)),
        ({"strategy": "before-method-only"}, ()),
        ({"probes": []}, ()),
    ],
)
def test_it_says_when_the_hypothesis_will_be_asked(tmp_path: Path, more: dict[str, Any], asks: tuple[str, ...]) -> None:
    document = experiment([touching(tmp_path)], **{"probes": [probe(process("looks", "true"), 0)], **more})

    async def scene() -> None:
        stage = Stage(tmp_path, lambda _child, _report: None)
        await stage.load(document, env=ours(tmp_path))
        await stage.until(ExperimentLoadedReport)
        assert (await stage.close()).one(ExperimentLoadedReport).asks == asks

    asyncio.run(scene())


def test_stamps_leave_out_pauses_and_the_wait_for_the_word(tmp_path: Path) -> None:
    def slow(child: ChaosChild, report: ChaosReport) -> None:
        if isinstance(report, Asking):
            asyncio.get_running_loop().call_later(0.4, child.go)
        else:
            obedient(child, report)

    document = experiment([touching(tmp_path, pauses={"before": 0.5, "after": 0.6})])

    story = asyncio.run(play(document, tmp_path, env=ours(tmp_path), handler=slow))

    asked, started, ended = story.one(Asking), story.one(ActivityStartedReport), story.one(ActivityEndedReport)
    assert asked.t - story.one(Armed).t >= 0.5
    assert started.t - asked.t >= 0.4
    assert ended.duration == pytest.approx(ended.t - started.t, abs=1e-5)
    assert story.one(MethodEndedReport).t - ended.t >= 0.6


def test_secrets_are_in_nothing_that_is_told_or_kept(tmp_path: Path) -> None:
    basic = base64.b64encode(f"user:{SECRET}".encode()).decode()
    literal = "a-literal-secret"
    document = experiment(
        [
            process("says", "echo", ["${token}", "${own}"]),
            process("complains", "sh", ["-c", 'echo "$TOKEN" >&2; exit 3']),
            python("breaks", "fail", {"why": "bad ${token}"}),
            http("fails", "http://127.0.0.1:1/?q=${token}", provider={"headers": {"Authorization": f"Basic {basic}"}}),
        ],
        [process("says again", "echo", ["${token}"]), python("breaks again", "fail", {"why": "bad ${token}"})],
        probes=[probe(process("steady", "echo", ["${token}"]), 0)],
        # Anything dynamic makes the toolkit copy every secret into the journal.
        configuration={
            "x": {
                "type": "probe",
                "name": "x",
                "provider": {"type": "process", "path": "printenv", "arguments": "TOKEN"},
            }
        },
        secrets={"api": {"token": {"type": "env", "key": "TOKEN"}, "own": literal}},
    )

    story = asyncio.run(play(document, tmp_path, env=ours(tmp_path), secrets=[SECRET]))

    assert [result.status for result in story.rollbacks] == ["succeeded", "failed"]
    kept = "".join(path.read_text() for path in tmp_path.iterdir() if path.is_file())
    told = repr(story.reports) + repr(story.rollbacks)
    for secret in (
        SECRET,
        repr(SECRET)[1:-1],
        SECRET.replace('"', '\\"'),
        basic,
        "tricky+%22",
        "tricky%20%22",
        literal,
    ):
        assert secret not in kept
        assert secret not in told
    for name in ("kept.json", "chaos.log"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_secrets_only_the_child_has_seen_are_masked_too(tmp_path: Path) -> None:
    document = experiment(
        [process("says", "echo", ["${token}"])], secrets={"api": {"token": {"type": "env", "key": "TOKEN"}}}
    )

    story = asyncio.run(play(document, tmp_path, env=ours(tmp_path), secrets=[]))

    assert SECRET not in repr(story.reports)
    assert SECRET not in story.journal_path.read_text()


def test_an_action_that_reads_its_input_reads_nothing(tmp_path: Path) -> None:
    document = experiment([process("eats", "cat"), python("eats too", "read_stdin")])
    full, feed = os.pipe()
    os.write(feed, b"meant for somebody else")
    os.close(feed)
    before = os.dup(0)
    os.dup2(full, 0)
    try:
        story = asyncio.run(play(document, tmp_path, env=ours(tmp_path)))
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(full)

    eaten = [ended.output for ended in story.all(ActivityEndedReport)]
    assert eaten == [{"status": 0, "stdout": "", "stderr": ""}, ""]


def test_the_private_socket_is_not_inherited_by_an_action(tmp_path: Path) -> None:
    story = asyncio.run(play(experiment([process("look", "ls", "-l /proc/self/fd")]), tmp_path, env=ours(tmp_path)))

    assert "socket" not in story.one(ActivityEndedReport).output["stdout"]


def test_odd_and_long_values_end_neither_the_reports_nor_the_journal(tmp_path: Path) -> None:
    document = experiment([python("odd", "odd"), process("long", "seq", "100000")])

    story = asyncio.run(play(document, tmp_path, env=ours(tmp_path)))

    odd, long = story.all(ActivityEndedReport)
    assert odd.output["raw"] == "x"
    assert odd.output["nan"] == "nan"
    assert isinstance(long.output, str)
    assert len(long.output.encode()) <= 4096
    assert story.journal is not None
    assert story.journal["run"][1]["output"]["stdout"].endswith("100000\n")


def test_the_environment_is_what_was_given_and_a_folder_called_runner_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runner").mkdir()
    (tmp_path / "runner" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOT_FOR_THE_CHILD", "x")

    story = asyncio.run(play(experiment([process("look", "env")]), tmp_path, env=ours(tmp_path)))

    names = {line.partition("=")[0] for line in story.one(ActivityEndedReport).output["stdout"].splitlines()}
    assert {"STATE", "TOKEN", "PATH"} <= names
    assert "NOT_FOR_THE_CHILD" not in names


def test_a_full_disk_does_not_hide_the_end(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path)
        stage.story.journal_path = tmp_path / "no such folder" / "kept.json"
        await stage.load(experiment([touching(tmp_path)]), env=ours(tmp_path))
        await stage.until(ExperimentEndedReport)
        ended = (await stage.close()).one(ExperimentEndedReport)
        assert (ended.status, ended.journal_kept) == ("completed", False)

    asyncio.run(scene())


def test_a_spare_waits_beats_and_goes_without_a_trace(tmp_path: Path) -> None:
    child = ChaosChild.spawn()

    assert child.alive
    assert child.heard == 0
    assert child.discard() == []
    assert not child.alive
    assert not Path(f"/proc/{child.pid}").exists()


def test_beats_go_on_while_an_activity_lasts(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path)
        await stage.load(experiment([python("lasts", "wait", {"seconds": 30})]), env=ours(tmp_path))
        await stage.until(ActivityStartedReport)
        heard = stage.child.heard
        async with asyncio.timeout(20):
            while stage.child.heard < heard + 3:
                await asyncio.sleep(0.05)
        await stage.close()

    asyncio.run(scene())
