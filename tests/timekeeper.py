"""No test runs for ever, and no run of the tests does: a pytest plugin.

Three bounds, each for what the one before it cannot end:

1. A signal fails the test where it waits. Setup, call and teardown have `test_timeout` seconds each, also after a
   failure.
2. Code that never comes back to the interpreter, or that catches everything, does not see the signal. A thread that
   needs nothing of the interpreter ends the process `test_grace` seconds later, with every stack on stderr. Under
   pytest-xdist that test has failed, and a new worker runs what is left.
3. A worker that is stopped does not end either. When the process that hands out the tests has heard of no worker for
   longer than that, it kills those; when that does not help, it ends the run.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

#: The descriptor that stacks go to: stderr, before pytest captures it.
_STDERR = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("test_timeout", "seconds that each of setup, call and teardown of a test may take", default="180")
    parser.addini("test_grace", "seconds until a test that its time-out could not end costs its process", default="60")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_STDERR] = os.dup(2)
    _heed_signals()


def pytest_unconfigure(config: pytest.Config) -> None:
    os.close(config.stash[_STDERR])


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    # Registered while the other plugins are configured, in whatever order.
    if config.pluginmanager.hasplugin("dsession"):
        limit, grace = _bounds(config)
        config.pluginmanager.register(_Overseer(limit + 2 * grace, config.stash[_STDERR]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _bounded(item, "setup"):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _bounded(item, "call"):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with _bounded(item, "teardown"):
        return (yield)


@contextmanager
def _bounded(item: pytest.Item, phase: str) -> Iterator[None]:
    limit, grace = _bounds(item.config)
    stderr = item.config.stash[_STDERR]

    def over(_number: int, _frame: FrameType | None) -> None:
        __tracebackhide__ = True
        # Of the other threads too; by number, as whatever stands for sys.stderr now need not have one.
        faulthandler.dump_traceback(file=2)
        pytest.fail(f"{item.nodeid}: its {phase} took longer than {limit:g} s")

    before = signal.signal(signal.SIGALRM, over)
    # Again and again: the first may hit code that catches everything.
    signal.setitimer(signal.ITIMER_REAL, limit, grace / 4)
    # Once, and for the phase that comes as well as for what is said of this one.
    faulthandler.dump_traceback_later(limit + grace, exit=True, file=stderr)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _bounds(config: pytest.Config) -> tuple[float, float]:
    return float(config.getini("test_timeout")), float(config.getini("test_grace"))


def _heed_signals() -> None:
    """A program that is tested is started as by a terminal, whoever started the tests (`nohup`, a shell's `&`)."""
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGQUIT, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


class _Overseer:
    """Watches the workers, in the process that hands out the tests to them."""

    def __init__(self, patience: float, stderr: int) -> None:
        self._patience = patience
        self._stderr = stderr
        self._heard = time.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="overseer", daemon=True).start()

    def pytest_sessionfinish(self) -> None:
        self._over.set()

    def pytest_testnodeready(self) -> None:
        self._heard = time.monotonic()

    def pytest_testnodedown(self) -> None:
        self._heard = time.monotonic()

    def pytest_xdist_node_collection_finished(self) -> None:
        self._heard = time.monotonic()

    def pytest_runtest_logreport(self) -> None:
        self._heard = time.monotonic()

    def _watch(self) -> None:
        killed = None
        while not self._over.wait(1.0):
            silent = time.monotonic() - self._heard
            if silent <= self._patience:
                continue
            if killed == self._heard:
                self._say("nothing happens even so: the run ends here")
                os._exit(pytest.ExitCode.INTERNAL_ERROR)
            self._say(f"no worker was heard of for {silent:.0f} s: what hangs is killed")
            killed = self._heard = time.monotonic()
            _kill_workers()

    def _say(self, words: str) -> None:
        os.write(self._stderr, f"\n{words}\n".encode())


def _kill_workers() -> None:
    """Those that are stopped or wait for a device; all, when there is none. A worker that only waits for work is spared.

    The process that hands out the tests has no other children.
    """
    everyone = [pid for its in Path("/proc/self/task").glob("*/children") for pid in its.read_text().split()]
    for pid in [pid for pid in everyone if _state(pid) in "TtD"] or everyone:
        os.kill(int(pid), signal.SIGKILL)


def _state(pid: str) -> str:
    """One letter, as in proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
