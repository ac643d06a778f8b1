"""Secrets are in no file, no screen and no process list: real runs that use them in every way, looked at from outside."""

from __future__ import annotations

import contextlib
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from file_fault import DRILL, SHORT, Repo, Said
from secret_shop import WORDS, Echo, environment, found_in, lay_out, value

from runner.redact import MASK


@dataclass
class Watch:
    """Looks at every process that was started on the machine, again and again, while the block runs."""

    ours: Path
    #: Command line → the secrets that were in it.
    told: dict[str, list[str]] = field(default_factory=dict)
    #: Command line → the variables whose values stood in its environment.
    given: dict[str, set[str]] = field(default_factory=dict)
    #: (address, port) of every listening socket that a process of the run held, IPv4 and IPv6, as the kernel writes it.
    listening: set[str] = field(default_factory=set)
    looks: int = 0

    @contextlib.contextmanager
    def on(self) -> Iterator[Watch]:
        over = threading.Event()
        thread = threading.Thread(target=self._look_until, args=(over,))
        thread.start()
        try:
            yield self
        finally:
            over.set()
            thread.join()

    def _look_until(self, over: threading.Event) -> None:
        before = set(Path("/proc").iterdir())
        while not over.is_set():
            self.looks += 1
            for entry in set(Path("/proc").iterdir()) - before:
                # It may end while it is looked at.
                with contextlib.suppress(OSError):
                    self._look_at(entry)
            over.wait(0.05)

    def _look_at(self, entry: Path) -> None:
        command = (entry / "cmdline").read_bytes()
        if leaks := found_in(command):
            self.told[command.decode(errors="replace")] = leaks
        environ = (entry / "environ").read_bytes()
        if str(self.ours).encode() not in environ + command:
            return
        line = command.replace(b"\0", b" ").decode(errors="replace").strip()
        self.given.setdefault(line, set()).update(name for name, word in WORDS.items() if word.encode() in environ)
        self._sockets_of(entry)

    def _sockets_of(self, entry: Path) -> None:
        held = set()
        for link in (entry / "fd").iterdir():
            with contextlib.suppress(OSError):
                if (name := str(link.readlink())).startswith("socket:["):
                    held.add(name[8:-1])
        for table in ("tcp", "tcp6"):
            for line in (entry / "net" / table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == "0A" and words[9] in held:
                    self.listening.add(words[1])


@dataclass(frozen=True)
class Seen:
    """What there was to be seen of the runs."""

    repo: Repo
    echo: Echo
    watch: Watch
    drill: Said
    failing: Said
    screens: tuple[Said, ...]

    @property
    def files(self) -> list[Path]:
        folders = (self.repo.root / "runs", self.repo.root / ".state", self.repo.runtime)
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    @property
    def folder(self) -> Path:
        return next(folder for folder in self.repo.run_folders if "-failing-" not in folder.name)


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with Repo.make(tmp_path_factory.mktemp("secrets")) as repo, Echo.serve() as echo:
        lay_out(repo, echo.port)
        env = environment(repo)
        with Watch(repo.root).on() as watch:
            drill = repo.gameday("run", "files", "--operator", "op.yaml", env=env)
            failing = repo.gameday("run", "experiments/failing.yaml", "--target", "shop", env=env)
        lines = (
            ("runs",), ("runs", "--json"), ("plan", "files"), ("list",), ("check",), ("verify",)
        )  # fmt: skip
        folder = next(each for each in repo.run_folders if "-failing-" not in each.name)
        screens = [repo.gameday(*line, env=env) for line in lines]
        screens += [repo.gameday("show", folder.name, *more, env=env) for more in ((), ("--json",))]
        yield Seen(repo, echo, watch, drill, failing, tuple(screens))


def test_the_runs_did_what_they_were_to_do(seen: Seen) -> None:
    """Else nothing is proven: each place held a secret before it was taken out."""
    assert f"Bearer {value('FILE_TOKEN')}".encode().decode("latin-1") in seen.echo.heard, seen.drill.err
    for name in (
        "transcript.jsonl",
        "journal-files.json",
        "chaos-files.log",
        "probes.log",
        "steps/look-1.log",
        "steps/use-1.log",
        "load/load_stats.csv",
        "load/load_failures.csv",
        "load/load_exceptions.csv",
        "load/load.html",
        "load/load.log",
    ):
        assert MASK in (seen.folder / name).read_text(), name
    assert (seen.folder / "steps/look-1.log").read_text().count(MASK) >= 3 * 18
    assert "the marker is gone" in seen.drill.err
    assert not seen.repo.marker.exists()
    assert MASK in seen.failing.err
    assert seen.failing.code == 6


def test_no_secret_is_in_any_file(seen: Seen) -> None:
    leaks = {str(path): found for path in seen.files if (found := found_in(path.read_bytes()))}
    assert leaks == {}


def test_no_secret_is_on_any_screen(seen: Seen) -> None:
    for said in (seen.drill, seen.failing, *seen.screens):
        assert found_in(said.out.encode() + said.err.encode()) == []
        assert "Traceback" not in said.err


def test_no_secret_is_in_any_process_list(seen: Seen) -> None:
    assert seen.watch.looks > 20
    assert seen.watch.told == {}


def test_a_secret_is_in_the_environment_of_whom_it_is_for_alone(seen: Seen) -> None:
    """What the terminal itself knew from its own environment it keeps; the others come from a file and a command."""
    fetched = {"FILE_TOKEN", "COMMAND_TOKEN"}

    def given(part: str) -> set[str]:
        return set().union(*(names for line, names in seen.watch.given.items() if part in line))

    assert given("print.py ENV_TOKEN FILE_TOKEN COMMAND_TOKEN") == {*fetched, "ENV_TOKEN"}
    assert given("sh faults.sh") == {*fetched, "ENV_TOKEN", "OWN_TOKEN"}
    assert given("print.py ANSWER") == {"ANSWER"}
    # An answer is a variable of every later step; the others are for those who name them.
    assert given("sleep 2") == {"ANSWER"}
    # Front, guardian, conductor and undo worker.
    assert given("-m runner run") == {"ENV_TOKEN", "OWN_TOKEN"}
    for name in WORDS:
        assert f"{name}=" not in (seen.folder / "steps/none-1.log").read_text().replace("ANSWER=", "")


def test_whatever_is_kept_is_the_owners_alone(seen: Seen) -> None:
    kept = [path for path in seen.repo.root.joinpath("runs").rglob("*") if path != seen.repo.root / "runs"]
    assert len(kept) > 20
    for path in [*kept, seen.repo.root / ".state" / "gameday", seen.repo.runtime / "gameday"]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path}: {mode:o}"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        yield made


def test_more_than_can_be_kept_for_the_undo_is_refused(repo: Repo) -> None:
    """Else the guardian would be cut short by its own pipe in the moment when it is all that is left."""
    repo.write("drills/files/drill.yaml", DRILL + "secrets: [{SMALL: {file: a}}, {LARGE: {file: b}}]\n")
    repo.write("runbooks/files.yaml", SHORT)
    repo.write("a", "s" * 10_000)
    repo.write("b", "l" * 31_000)
    said = repo.gameday("run", "files")
    assert said.code == 2
    assert "drills/files/drill.yaml:8:10: the secrets of this run take 41,026 bytes, the largest is LARGE" in said.err
    assert "40,960 are the most" in said.err
    assert repo.leftovers() == []
    assert repo.run_folders == []
    repo.write("b", "l" * 30_000)
    assert repo.gameday("run", "files").code == 0
    assert repo.leftovers() == []


def test_nothing_listens_beyond_this_machine(seen: Seen) -> None:
    """Locust's master does, on a port: with two processes there is one."""
    own = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
    addresses = {each.split(":")[0] for each in seen.watch.listening}
    assert addresses
    assert addresses <= own
