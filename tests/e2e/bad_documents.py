"""Documents that nobody should be able to run, and what they cost: the test and the benchmark share them.

Each stands in a repository that is right but for this one file; then somebody tries to run it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from file_fault import DRILL, EXPERIMENT, SHORT, Repo

DRILL_FILE, RUNBOOK, EXPERIMENT_FILE = "drills/files/drill.yaml", "runbooks/files.yaml", "experiments/files.yaml"
TARGETS, OPERATOR, JSON = "drills/targets.yaml", "op.yaml", "experiments/bad.json"

_MEGABYTE = 1 << 20
_RUN = ("run", "files")
_ARGS = {
    OPERATOR: ("run", "files", "--operator", OPERATOR),
    JSON: ("run", JSON, "--target", "local"),
    EXPERIMENT_FILE: ("run", EXPERIMENT_FILE, "--target", "local"),
}
_LOAD = "load: {locustfile: locustfile.py, users: 1, spawn-rate: 1, warm-up: 1s}\n"
_STEADY = "steady-state: {indicators: [{name: a, at-least: 99%, load: {metric: success-ratio}}]}\n"


@dataclass(frozen=True)
class Bad:
    """`make` writes the file at `path`; what is said of it holds `says`."""

    name: str
    path: str
    says: str
    make: Callable[[Path], object]

    @property
    def args(self) -> tuple[str, ...]:
        return _ARGS.get(self.path, _RUN)


def _text(name: str, path: str, content: str | bytes, says: str) -> Bad:
    data = content if isinstance(content, bytes) else content.encode()
    return Bad(name, path, says, lambda place: place.write_bytes(data))


def _steps(text: str) -> str:
    return f"name: Files\nsteps:\n{text}\n"


def _step(fields: str) -> str:
    return _steps(f"  - {{name: Look, {fields}}}")


def _bomb(levels: int, width: int) -> str:
    """Each level holds the one before it `width` times."""
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def _merges(levels: int) -> str:
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: {{<<: *a{n - 1}}}}}" for n in range(1, levels)]
    return "\n".join(lines)


def _json(method: str = "[]", more: str = "") -> str:
    return f'{{"title": "t",\n "description": "d",\n "method": {method}{more}}}'


def _in_json(arguments: str) -> str:
    provider = f'{{"type": "process", "path": "true", "arguments": {arguments}}}'
    return _json(f'[{{"type": "action", "name": "n",\n   "provider": {provider}}}]')


def _sparse(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(100 * _MEGABYTE)


def _full(place: Path) -> None:
    place.write_bytes(b"# a comment that goes on\n" * (100 * _MEGABYTE // 25))


def _socket(place: Path) -> None:
    # The path of a test's folder may be longer than a socket's.
    before = Path.cwd()
    os.chdir(place.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(place.name)
    finally:
        os.chdir(before)


def _link(to: str) -> Callable[[Path], None]:
    return lambda place: place.symlink_to(to)


def _loop(place: Path) -> None:
    place.symlink_to(place.name)


BAD: list[Bad] = [
    # what is no text, or no YAML
    _text("empty", RUNBOOK, "", "1:1: is empty"),
    _text("comments alone", RUNBOOK, "# nothing\n", "1:1: is empty"),
    _text("null", RUNBOOK, "~\n", "1:1: is empty"),
    _text("a list", RUNBOOK, "- a\n", "1:1: a list stands where a mapping is meant"),
    _text("a word", RUNBOOK, "hello\n", "1:1: "),
    _text("binary", RUNBOOK, bytes(range(256)), "is not UTF-8"),
    _text("latin-1", RUNBOOK, "name: caf\xe9\n".encode("latin-1"), "1:10: is not UTF-8"),
    _text("utf-16", RUNBOOK, SHORT.encode("utf-16"), "1:1: is not UTF-8"),
    _text("utf-32", RUNBOOK, SHORT.encode("utf-32"), "1:1: is not UTF-8"),
    _text("overlong", RUNBOOK, b"name: \xc0\xaf\n", "1:7: is not UTF-8"),
    _text("an encoded half", RUNBOOK, b"name: \xed\xa0\x80\n", "1:7: is not UTF-8"),
    _text("a zero byte", RUNBOOK, b"name: a\0b\n", "1:8: holds U+0000"),
    _text("a raw escape", RUNBOOK, "name: a\x1b[31mb\n", "1:8: holds U+001B"),
    _text("unclosed list", RUNBOOK, "name: [x\n", "2:1: is not YAML: a list in [ ] is not closed"),
    _text("unclosed quote", RUNBOOK, 'name: "x\n', "is not YAML: the file ends inside a quoted text"),
    _text("a tab", RUNBOOK, "name: a\n\tsteps: []\n", "2:1: is not YAML: a tab cannot indent"),
    _text("two documents", RUNBOOK, f"{SHORT}---\n{SHORT}", "a second document begins here"),
    _text("another YAML", RUNBOOK, f"%YAML 9.9\n---\n{SHORT}", "is not YAML"),
    _text("a key of lists", RUNBOOK, "? [a]\n: b\n", "1:3: a key must be one word"),
    # caps
    _text("just too big", RUNBOOK, f"{SHORT}# {'x' * _MEGABYTE}\n", "is too big"),
    Bad("100 MB of nothing", RUNBOOK, "is too big: 104,857,600 bytes", _sparse),
    Bad("100 MB of comments", RUNBOOK, "is too big", _full),
    _text("one endless line", RUNBOOK, f"name: {'x' * (_MEGABYTE - 50)}\n", "'steps' is missing"),
    _text("nested lists", RUNBOOK, f"name: a\nsteps: {'[' * 500_000}\n", "nests too deep"),
    _text("nested blocks", RUNBOOK, "- " * 400_000, "nests too deep"),
    _text("nested mappings", RUNBOOK, "{a: " * 200_000, "nests too deep"),
    _text("nested by indent", RUNBOOK, "".join(f"{' ' * n}a:\n" for n in range(1000)), "nests too deep"),
    _text("a billion laughs", RUNBOOK, _bomb(10, 9), "too many"),
    _text("a wide bomb", RUNBOOK, _bomb(3, 90), "too many"),
    _text("a deep bomb", RUNBOOK, _bomb(99, 1), "nests too deep"),
    _text("merged for ever", RUNBOOK, _merges(30), "too many"),
    _text("in itself", RUNBOOK, "a: &a [*a]\n", "1:8: there is no anchor &a before this"),
    _text("many aliases", RUNBOOK, f"a: &a 1\nb: [{'*a, ' * 50_000}]\n", "too many aliases"),
    _text("many values", RUNBOOK, f"[{'1,' * 400_000}]", "too many values"),
    _text("many keys", RUNBOOK, "\n".join(f"k{n}: 1" for n in range(60_000)), "too many values"),
    _text("many mistakes", RUNBOOK, "\n".join(f"k{n}: 1" for n in range(10_000)), "holds 10,002 mistakes; these are the first 50"),
    _text("many steps that are wrong", RUNBOOK, _steps("  - {nam: x}\n" * 9_000), "holds 18,001 mistakes"),
    _text("many ways to no step", RUNBOOK, _steps("".join(f"  - {{name: s{n}, on-failure: {{go-to: x{n}}}}}\n" for n in range(3_000))), "holds 3,000 mistakes; these are the first 50"),
    _text("many conditions on nothing", RUNBOOK, _steps("".join(f"  - {{name: s{n}, if: answers.A{n}}}\n" for n in range(4_000))), "holds 4,000 mistakes; these are the first 50"),
    _text("many questions in conditions", RUNBOOK, _steps("".join(f"  - {{name: s{n}, ask: [{{name: A{n}, prompt: x}}], if: answers.B{n}}}\n" for n in range(2_000))), "holds 2,000 mistakes; these are the first 50"),
    _text("many equal ids", RUNBOOK, _steps("  - {name: s, id: s}\n" * 4_000), "holds 3,999 mistakes; these are the first 50"),
    _text("equal keys", RUNBOOK, "\n".join(["k: 1"] * 60_000), "holds more than 50 mistakes"),
    # keys
    _text("twice", RUNBOOK, f"name: b\n{SHORT}", "2:1: the key 'name' stands here twice"),
    _text("unknown", RUNBOOK, SHORT.replace("steps", "stesp"), "2:1: unknown key 'stesp'; did you mean 'steps'?"),
    _text("unknown in a step", RUNBOOK, _step("runs: x"), "3:18: unknown key 'runs'"),
    _text("unknown in a drill", DRILL_FILE, f"{DRILL}allow-producton: true\n", "8:1: unknown key 'allow-producton'"),
    _text("unknown in targets", TARGETS, "targets: {a: {knd: http}}\n", "1:15: unknown key 'knd'"),
    _text("unknown in answers", OPERATOR, "name: a\nstep: {}\n", "op.yaml:2:1: unknown key 'step'"),
    _text("unknown in an experiment", EXPERIMENT_FILE, EXPERIMENT.replace("method", "methods"), "unknown key 'methods'"),
    # numbers
    _text("not a number", DRILL_FILE, DRILL.replace("40s", ".nan"), "7:20: .nan is not a finite number"),
    _text("infinite", DRILL_FILE, DRILL.replace("40s", ".inf"), "7:20: .inf is not a finite number"),
    _text("minus infinite", DRILL_FILE, DRILL.replace("40s", "-.INF"), "-.INF is not a finite number"),
    _text("too large", DRILL_FILE, DRILL.replace("40s", "1.0e+999"), "1.0e+999 is too large a number"),
    _text("fifty digits", DRILL_FILE, DRILL.replace("40s", "9" * 50), "a number of 50 digits"),
    _text("a million digits", DRILL_FILE, DRILL.replace("40s", "9" * 1_000_000), "a number of 1000000 digits"),
    _text("a million digits of milliseconds", DRILL_FILE, DRILL.replace("40s", "9" * 1_000_000 + "ms"), "is not a duration"),
    _text("a million of a share", DRILL_FILE, DRILL + _LOAD + _STEADY.replace("99%", "9" * 1_000_000 + "%"), "is not a share"),
    _text("many placeholders", EXPERIMENT_FILE, EXPERIMENT.replace("-f", "${x}" * 30_000), "nothing defines ${x}"),
    _text("an endless word", EXPERIMENT_FILE, EXPERIMENT.replace("-f", "${x}" * 200_000), "a word of 800,011 bytes"),
    _text("a million conditions", RUNBOOK, _step(f"if: \"{'(' * 900_000}\""), "if: "),
    _text("a million ands", RUNBOOK, _step(f"if: \"{'a == b and ' * 80_000}\""), "if: "),
    _text("a long id", RUNBOOK, _step(f"id: {'-' * 900_000}"), "is not an id"),
    _text("negative time", DRILL_FILE, DRILL.replace("40s", "-5s"), "7:20: time-box: '-5s'"),
    _text("negative number", DRILL_FILE, DRILL.replace("40s", "-5"), "7:20: time-box: -5"),
    _text("negative users", DRILL_FILE, DRILL + _LOAD.replace("users: 1", "users: -1"), "users: -1 is too small"),
    _text("users by the billion", DRILL_FILE, DRILL + _LOAD.replace("users: 1", "users: 1e9"), "users: '1e9'"),
    _text("no processes", DRILL_FILE, DRILL + _LOAD.replace("warm-up", "processes: 0, warm-up"), "processes: 0"),
    _text("more than all", DRILL_FILE, DRILL + _LOAD + _STEADY.replace("99%", "101%"), "'101%' is not a share"),
    _text("negative retries", RUNBOOK, _step("run: x, retry: {max: -1}"), "max: -1 is too small"),
    # types
    _text("steps as a mapping", RUNBOOK, "name: a\nsteps: {a: {name: x}}\n", "2:8: steps"),
    _text("no steps", RUNBOOK, "name: a\nsteps: []\n", "2:8: steps"),
    _text("a list for a name", RUNBOOK, "name: [a]\nsteps: [{name: x}]\n", "1:7: name"),
    _text("a list for a command", RUNBOOK, _step("run: [rm, -rf]"), "run"),
    _text("a word for a flag", DRILL_FILE, f"{DRILL}allow-production: maybe\n", "8:19: allow-production: 'maybe'"),
    _text("a word for targets", TARGETS, "targets: all\n", "1:10: targets"),
    # words that YAML 1.1 takes for something else
    _text("on", RUNBOOK, "name: on\nsteps: [{name: x}]\n", "1:7: "),
    _text("no", RUNBOOK, _step("env: {COUNTRY: no}"), "no"),
    _text("half past twelve", RUNBOOK, _step("env: {AT: 12:30}"), "12:30"),
    _text("a version", RUNBOOK, _step("env: {VERSION: 1.10}"), "1.10"),
    _text("octal", RUNBOOK, _step("run: x, env: {MODE: 0644}"), "0644"),
    _text("a date", RUNBOOK, "name: 2026-11-20\nsteps: [{name: x}]\n", "1:7: "),
    # tags
    _text("a Python call", RUNBOOK, 'name: !!python/object/apply:os.system ["touch pwned"]\n', "is not allowed"),
    _text("a Python name", RUNBOOK, "name: !!python/name:os.system\n", "'!!python/name:os.system' is not allowed"),
    _text("a Python module", RUNBOOK, "name: !!python/module:antigravity\n", "is not allowed"),
    _text("a Python tuple", RUNBOOK, "name: a\nsteps: !!python/tuple [{name: x}]\n", "is not allowed"),
    _text("a tag of one's own", RUNBOOK, "name: !secret x\n", "1:7: the tag '!secret' is not allowed"),
    _text("base64", RUNBOOK, "name: !!binary aGk=\n", "'!!binary' is not allowed"),
    # what nobody sees
    _text("an escape in quotes", RUNBOOK, 'name: "a\\e[31m"\nsteps: [{name: x}]\n', "1:7: holds the invisible character U+001B"),
    _text("a bell", RUNBOOK, 'name: "a\\a"\nsteps: [{name: x}]\n', "U+0007"),
    _text("a carriage return", RUNBOOK, 'name: "a\\rb"\nsteps: [{name: x}]\n', "1:7: name: runs over several lines"),
    _text("a C1 control", RUNBOOK, 'name: "a\\x9bb"\nsteps: [{name: x}]\n', "U+009B"),
    _text("turned round", RUNBOOK, "name: a\u202eb\nsteps: [{name: x}]\n", "1:8: holds the invisible character U+202E"),
    _text("isolated", RUNBOOK, "name: a\u2066b\nsteps: [{name: x}]\n", "U+2066"),
    _text("a mark in the middle", RUNBOOK, "name: a\ufeffb\nsteps: [{name: x}]\n", "U+FEFF"),
    _text("a line of its own", RUNBOOK, 'name: "a\\nb"\nsteps: [{name: x}]\n', "1:7: name: runs over several lines"),
    _text("an unseen key", RUNBOOK, '"na\\u200bme": a\nsteps: [{name: x}]\n', "1:1: holds the invisible character U+200B"),
    # JSON
    _text("JSON: empty", JSON, "", "bad.json:1:1: is not JSON"),
    _text("JSON: null", JSON, "null", "bad.json:1:1: is empty"),
    _text("JSON: a list", JSON, "[1]", "bad.json:1:1: a list stands where a mapping is meant"),
    _text("JSON: NaN", JSON, _in_json("[NaN]"), "bad.json:4:66: NaN is not a finite number"),
    _text("JSON: NaN behind its name", JSON, _in_json('["NaN", NaN]'), "bad.json:4:73: NaN is not a finite number"),
    _text("JSON: Infinity", JSON, _in_json("[-Infinity]"), "bad.json:4:66: -Infinity is not a finite number"),
    _text("JSON: 1e999", JSON, _in_json("[1e999]"), "bad.json:4:66: 1e999 is not a finite number"),
    _text("JSON: many digits", JSON, _in_json(f"[{'9' * 5000}]"), "bad.json:4:66: holds a number with too many digits"),
    _text("JSON: twice", JSON, _json(more=', "title": "u"'), "bad.json:3:16: the key 'title' stands here twice"),
    _text("JSON: a comma", JSON, '{"title": "t",}', "bad.json:1:15: is not JSON"),
    _text("JSON: a comment", JSON, '{"title": "t" // why\n}', "bad.json:1:15: is not JSON"),
    _text("JSON: cut off", JSON, '{"title": "t"', "bad.json:1:14: is not JSON"),
    _text("JSON: with a mark before it", JSON, "\ufeff" + _json(), "bad.json:1:1: "),
    _text("JSON: UTF-16", JSON, _json().encode("utf-16"), "bad.json:1:1: is not UTF-8"),
    _text("JSON: latin-1", JSON, '{"title": "\xe9"}'.encode("latin-1"), "bad.json:1:12: is not UTF-8"),
    _text("JSON: deep", JSON, "[" * 500_000, "bad.json:"),
    _text("JSON: wide", JSON, f"[{'1,' * 400_000}1]", "too many values"),
    _text("JSON: many keys", JSON, "{" + ",".join(f'"{n}":1' for n in range(60_000)) + "}", "too many values"),
    _text("JSON: equal keys", JSON, "{" + ",".join(['"k":1'] * 100_000) + "}", "the key 'k' stands here twice"),
    _text("JSON: an escape", JSON, _json().replace('"t"', '"t\\u001b[31m"'), "bad.json:1:11: holds the invisible character U+001B"),
    _text("JSON: half a character", JSON, _json().replace('"t"', '"\\ud800"'), "bad.json:1:11: holds U+D800"),
    _text("JSON: a raw line end", JSON, '{"title": "a\nb"}', "bad.json:1:13: is not JSON"),
    # what is no file
    Bad("a pipe", RUNBOOK, "is not a regular file", os.mkfifo),
    Bad("a folder", RUNBOOK, "is a folder", Path.mkdir),
    Bad("a socket", RUNBOOK, "is not a regular file", _socket),
    Bad("zeros for ever", RUNBOOK, "is not a regular file", _link("/dev/zero")),
    Bad("nothing for ever", RUNBOOK, "is not a regular file", _link("/dev/null")),
    Bad("a terminal", RUNBOOK, "is not a regular file", _link("/dev/tty")),
    Bad("a link to nothing", RUNBOOK, "there is no such file", _link("/nonexistent/x")),
    Bad("a link to itself", RUNBOOK, "cannot be read", _loop),
    Bad("a pipe for a drill", DRILL_FILE, "is not a regular file", os.mkfifo),
    Bad("a pipe for targets", TARGETS, "is not a regular file", os.mkfifo),
    Bad("a pipe for an experiment", EXPERIMENT_FILE, "is not a regular file", os.mkfifo),
    Bad("a pipe for answers", OPERATOR, "is not a regular file", os.mkfifo),
    Bad("no memory to read", RUNBOOK, "cannot be read", _link("/proc/self/mem")),
]  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What a command said and took: processor and wall seconds and the most memory (MB) of it and all it started."""

    code: int
    said: str
    seconds: float
    wall: float
    megabytes: float


def lay_out(repo: Repo, bad: Bad) -> None:
    """A repository that is right but for this document."""
    repo.write(RUNBOOK, SHORT)
    repo.write("drills/files/locustfile.py", "from locust import User\n\n\nclass Shopper(User):\n    pass\n")
    place = repo.root / bad.path
    place.unlink(missing_ok=True)
    bad.make(place)


def attempt(repo: Repo, bad: Bad, patience: float = 60.0) -> Cost:
    """Try to run it. Raises AssertionError when it does not end."""
    return measured([sys.executable, "-m", "runner", *bad.args], repo.root, repo.env(), patience)


def measured(command: list[str], folder: Path, env: Mapping[str, str], patience: float) -> Cost:
    """Run it to its end."""
    began = time.monotonic()
    with (folder / "said").open("wb") as said:
        # A process begins with its parent's peak, and this one may be large: a small one stands between them.
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", _BETWEEN, *command],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )
        try:
            told, _ = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError("it does not end") from None
    code, seconds, kilobytes = told.split()
    text = (folder / "said").read_text(errors="replace")
    return Cost(int(code), text, float(seconds), time.monotonic() - began, int(kilobytes) / 1024)


#: Runs its arguments with their output on its stderr; tells exit code, processor time (s) and peak memory (kB).
_BETWEEN = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def nothing_ran(repo: Repo) -> Iterator[str]:
    """What there is although nothing should have begun."""
    yield from repo.leftovers()
    yield from (str(folder) for folder in repo.run_folders)
    if (repo.root / "pwned").exists():
        yield "a command from a document ran"
