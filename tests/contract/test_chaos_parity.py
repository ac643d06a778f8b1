"""The kept journal tells what `chaos run --rollback-strategy always` tells of the same experiment."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from chaos_driver import bystander, experiment, http, play, probe, process, python, workshop

STATE = {"state": {"type": "env", "key": "STATE"}}
SECRET = "s3cret-token-value"
URL = "http://in.valid"

touch = process("touch", "touch", ["${state}/touched"])
LEARNT = (
    "before_experiment",
    "after_hypothesis",
    "before_method",
    "before_say",
    "after_say",
    "after_say_again",
    "after_method",
    "before_rollback",
    "before_undo",
    "forgotten",
)
clean = process("clean up", "rm", ["-f", "${state}/touched"])
clean_text = process("clean up again", "rm", "-f ${state}/touched")
calm = probe(process("calm", "test", "! -e ${state}/touched"), 0)


def controls(**arguments: Any) -> list[dict[str, Any]]:
    return [{"name": "ctrl", "provider": {"type": "python", "module": "ctrl", "arguments": arguments}}]


EXPERIMENTS: dict[str, dict[str, Any]] = {
    "commands": experiment(
        [
            process("as text", "echo", "a b ${state}"),
            process("as list", "echo", ["a", 1, "", None]),
            process("as mapping", "echo", {"--a": "b"}),
            probe(process("a look", "ls", ["${state}"])),
        ],
        [clean, clean_text],
        configuration=STATE,
    ),
    "exit code": experiment([process("wrong", "false"), process("right", "true")], [process("undo", "false")]),
    "timeout": experiment([{**process("slow", "sleep", "30"), "provider": {"type": "process", "path": "sleep", "arguments": "30", "timeout": 0.2}}], [clean], configuration=STATE),
    "http": experiment(
        [http("post", URL + "/ok", provider={"method": "POST", "arguments": {"a": 1}, "headers": {"Content-Type": "application/json"}})],
        [http("put back", URL + "/ok", provider={"method": "DELETE"})],
        probes=[probe(http("answers", URL + "/ok"), 200)],
    ),
    "http 500": experiment([http("bad", URL + "/500")], [http("bad too", URL + "/500")]),
    "http refused": experiment([http("nobody", "http://127.0.0.1:1/")], [clean], configuration=STATE),
    "python": experiment(
        [python("a function", "touch", {"path": "${state}/touched"}), python("odd values", "answer", {"value": [1, {"a": None}]})],
        [python("undo", "answer")],
        configuration=STATE,
        probes=[probe(python("yes", "answer"), True)],
    ),
    "python raises": experiment([python("breaks", "fail"), touch], [python("breaks too", "fail"), clean], configuration=STATE),
    "background": experiment(
        [
            python("long", "wait", {"seconds": 0.5}, background=True),
            process("short", "true"),
            process("also long", "sleep", "0.3", background=True),
            probe(process("seen", "true")),
        ],
        [clean],
        configuration=STATE,
    ),
    "background fails": experiment([python("breaks", "fail", background=True), process("next", "true")], [clean], configuration=STATE),
    "background rollback": experiment([touch], [{**clean, "background": True}], configuration=STATE),
    "controls": experiment([touch, process("other", "true")], [clean, clean_text], configuration=STATE, controls=controls()),
    "control of one activity": experiment([{**touch, "controls": controls()}, process("other", "true")], [clean], configuration=STATE),
    "control interrupts": experiment([process("first", "true"), touch], [clean], configuration=STATE, controls=controls(stop_at="touch")),
    "typed configuration": experiment(
        [python("pass on", "answer", {"value": "${n}"}), process("say", "echo", "${n} ${d} $$HOME")],
        [process("undo", "test", ["${n}", "-eq", "7"])],
        configuration={"n": {"type": "env", "key": "NUMBER", "env_var_type": "int"}, "d": {"type": "env", "key": "NONE", "default": "x"}},
    ),
    "probed configuration": experiment(
        [process("more", "touch", "${state}/touched"), process("say", "echo", "${before} ${answer} ${body} ${gone}")],
        [process("undo", "test", ["${before}", "=", "absent"]), clean],
        configuration={
            **STATE,
            "before": {"type": "probe", "name": "b", "provider": {"type": "process", "path": "sh", "arguments": ["-c", "test -e ${state}/touched && echo present || echo absent"]}},
            "answer": {"type": "probe", "name": "a", "provider": {"type": "python", "module": "acts", "func": "answer", "arguments": {"value": 42}}},
            "body": {"type": "probe", "name": "h", "provider": {"type": "http", "url": URL + "/ok"}},
            "gone": {"type": "probe", "name": "g", "provider": {"type": "process", "path": "false"}},
        },
    ),
    "secrets": experiment(
        [
            python("knows", "told", {"expect": "${token}"}, provider={"secrets": ["api"]}),
            http("sends", URL + "/echo", provider={"headers": {"Authorization": "Bearer ${token}"}}),
            process("says", "echo", ["${token}"]),
            python("breaks", "fail", {"why": "no ${token} here"}),
        ],
        [python("undo knows", "told", {"expect": "${token}"}, provider={"secrets": ["api"]})],
        secrets={"api": {"token": {"type": "env", "key": "TOKEN"}}},
    ),
    "steady throughout": experiment([process("harmless", "true")], [clean], probes=[calm], configuration=STATE),
    "not steady before": experiment([touch], [process("undo", "true")], probes=[probe(process("never", "false"), 0)], configuration=STATE),
    "probe breaks before": experiment([touch], [process("undo", "true")], probes=[probe(python("breaks", "fail"), True)], configuration=STATE),
    "deviates": experiment([touch], [clean], probes=[calm], configuration=STATE),
    "probe breaks after": experiment(
        [touch], [clean], strategy="after-method-only", probes=[probe(python("breaks", "fail"), True), calm], configuration=STATE
    ),
    "tolerances": experiment(
        [process("nothing", "true")],
        probes=[
            probe(http("range", URL + "/ok"), [200, 299]),
            probe(process("regex", "echo", "hello"), {"type": "regex", "target": "stdout", "pattern": "h.llo"}),
            probe(http("jsonpath", URL + "/ok"), {"type": "jsonpath", "target": "body", "path": "$.n", "expect": 5}),
            probe(python("by a probe", "answer", {"value": 3}), {"type": "probe", "name": "judge", "provider": {"type": "python", "module": "acts", "func": "answer", "arguments": {}}}),
            probe(python("in range", "answer", {"value": 3}), {"type": "range", "range": [1, 5]}),
        ],
    ),
    "before only": experiment([touch], [clean], probes=[calm], strategy="before-method-only", configuration=STATE),
    "after only": experiment([touch], [clean], probes=[calm], strategy="after-method-only", configuration=STATE),
    # The first look races with the first action, so the answer is the same before and after it.
    "during only": experiment([touch, process("lasts", "sleep", "1")], [clean], probes=[probe(process("never", "false"), 0)], strategy="during-method-only", configuration=STATE),
    "continuously": experiment([process("lasts", "sleep", "1")], [clean], probes=[calm], strategy="continuously", configuration=STATE),
    "skip": experiment([touch], [clean], probes=[calm], strategy="skip", configuration=STATE),
    "pauses": experiment(
        [{**touch, "pauses": {"before": "${nap}", "after": 0.1}}],
        [{**clean, "pauses": {"before": 0.1, "after": "${nap}"}}],
        configuration={**STATE, "nap": 0.2},
    ),
    "references": experiment([touch, {"ref": "calm"}, {"ref": "touch"}], [{"ref": "calm"}, clean], probes=[calm], configuration=STATE),
    "vanished command": experiment(
        [process("take away", "rm", "${state}/../tool"), process("missing", "./tool"), touch], [clean], configuration=STATE
    ),
    "learns": experiment(
        [process("say", "echo", ["something"]), {**process("say again", "echo", ["more"]), "background": True}],
        [process("undo", "echo", [f"{point} ${{{point}}}" for point in LEARNT]), process("undo more", "echo", ["${after_undo}"])],
        probes=[probe(process("calm", "true"), 0)],
        configuration={**dict.fromkeys(LEARNT, "as written"), "forgotten": "x", "after_undo": "as written"},
        controls=[{"name": "learner", "provider": {"type": "python", "module": "learner"}}],
    ),
    "learns in an activity": experiment(
        [python("keep", "keep", {"name": "made", "value": {"a": [1, "é"]}})],
        [process("undo", "echo", ["${made}"]), python("undo this", "keep", {"name": "made", "value": "gone"}), process("say", "echo", ["${made}"])],
        configuration={"made": "as written"},
    ),
    "probes alone": experiment([probe(process("change", "touch", "${state}/touched")), probe(process("a look", "ls", ["${state}"]), 0)], [clean], configuration=STATE),
    "a probe in the background alone": experiment([{**probe(process("change", "touch", "${state}/touched")), "background": True}], [clean], configuration=STATE),
    "nothing but rollbacks": experiment([], [clean, process("undo", "false")], configuration=STATE),
    "nothing but controls": experiment([], [clean], configuration=STATE, controls=controls()),
    "leaves": experiment([python("leave", "leave"), touch], [clean], configuration=STATE),
    "nothing": experiment([]),
}  # fmt: skip


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"n": 5, "auth": self.headers.get("Authorization")}).encode()
        self.send_response(500 if self.path == "/500" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815  the server's own way of naming
    do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def outcome(run: dict[str, Any]) -> tuple[Any, ...]:
    output = run.get("output")
    code = output.get("status") if isinstance(output, dict) else output
    activity = run["activity"]
    return (activity["name"], activity["type"], run.get("status"), run.get("tolerance_met"), code, "exception" in run)


def said(run: dict[str, Any]) -> Any:
    output = run.get("output")
    return output.get("stdout") if isinstance(output, dict) else None


def tale(journal: dict[str, Any]) -> dict[str, Any]:
    states = journal["steady_states"]
    told = {
        "status": journal["status"],
        "deviated": journal["deviated"],
        # Background activities end in any order.
        "run": sorted(map(outcome, journal["run"]), key=repr),
        "rollbacks": [(*outcome(run), said(run)) for run in journal["rollbacks"]],
        # How often it was looked at during the method is a matter of speed.
        "during": sorted({state["steady_state_met"] for state in states["during"]}),
    }
    for when in ("before", "after"):
        state = states[when]
        told[when] = state and (state["steady_state_met"], [outcome(run) for run in state["probes"]])
    return told


def prepared(folder: Path, name: str) -> dict[str, str]:
    env = workshop(folder, name) | {"TOKEN": SECRET, "NUMBER": "7"}
    tool = folder / "tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    return env


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_journal_tells_what_the_peer_tells(
    name: str, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = json.dumps(EXPERIMENTS[name]).replace(URL, url)
    peer = bystander(json.loads(text), tmp_path, prepared(tmp_path, "peer"))
    assert peer is not None, (tmp_path / "peer.log").read_text()

    story = asyncio.run(play(json.loads(text), tmp_path, env=prepared(tmp_path, "ours"), secrets=[SECRET], hold=True))

    assert story.journal is not None, (story.reports, story.log)
    assert tale(story.journal) == tale(peer), story.log
    notes = [tmp_path / who / "notes" for who in ("ours", "peer")]
    # Each rollback has its own process, and controls are configured in each.
    ours, theirs = ([n for n in lines(path) if n != "configured"] for path in notes)
    assert ours == theirs


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (experiment([{**python("a", "touch"), "provider": {"type": "python", "module": "nowhere", "func": "f"}}]), "nowhere"),
        (experiment([python("a", "no_such_function")]), "no_such_function"),
        (experiment([python("a", "wait")]), "seconds"),
        (experiment([process("a", "no-such-command")]), "no-such-command"),
        (experiment([touch], configuration={"x": {"type": "env", "key": "UNSET_NAME"}}), "UNSET_NAME"),
        (experiment([touch], secrets={"x": {"y": {"type": "env", "key": "UNSET_SECRET"}}}), "UNSET_SECRET"),
        (experiment([touch], strategy="now-and-then"), "now-and-then"),
    ],
)  # fmt: skip
def test_an_experiment_that_cannot_run_is_refused_in_one_line(
    document: dict[str, Any], says: str, tmp_path: Path
) -> None:
    story = asyncio.run(play({**document, "rollbacks": []}, tmp_path, env=workshop(tmp_path, "ours")))

    why = next(report.why for report in story.reports if hasattr(report, "why"))
    assert says in why
    assert "\n" not in why
    assert "Traceback" not in story.log
