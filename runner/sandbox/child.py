"""A service's process, from the fork on."""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import os
import signal
import socket
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from runner.sandbox.addresses import SERVICES, Addresses

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_LIBC = ctypes.CDLL(None, use_errno=True)

#: Service → its module, where the names differ.
_MODULES = {"proxy": "proxy.api", "backup": "gateway"}


def load() -> None:
    """In the supervisor, once: 0.4 s of imports that no service then has to pay after its fork."""
    for name in SERVICES:
        _module(name)


def live(
    name: str,
    addresses: Addresses,
    sockets: Mapping[str, socket.socket],
    announce: int,
    control: socket.socket | None,
    forget: Callable[[], None],
) -> NoReturn:
    """`forget` closes what is the parent's. Never returns: the parent's code must not go on in two processes."""
    status = 1
    try:
        _belong_to(addresses.supervisor)
        forget()
        _settle_in(name, addresses)
        status = _serve(name, addresses, sockets, announce, control)
    except BaseException:
        # To the service's log: standard error leads there.
        traceback.print_exc()
    finally:
        os._exit(status)


def _serve(
    name: str, addresses: Addresses, sockets: Mapping[str, socket.socket], announce: int, control: socket.socket | None
) -> int:
    from runner.sandbox.service import Post, quieten

    def say_ready() -> None:
        os.write(announce, b"ready")
        os.close(announce)

    quieten()
    asyncio.run(_module(name).main(Post(name, addresses, sockets, say_ready, control)))
    return 0


def _belong_to(parent: int) -> None:
    """Die when the supervisor dies, however it dies."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _settle_in(name: str, addresses: Addresses) -> None:
    _LIBC.prctl(_PR_SET_NAME, f"sb-{name}".encode()[:15], 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    # A Ctrl-C or a hang-up is for the supervisor to act on.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    log = os.open(addresses.folder / f"{name}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _module(name: str) -> Any:
    return importlib.import_module(f"runner.sandbox.{_MODULES.get(name, name)}")
