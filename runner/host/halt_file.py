"""The halt as a file: while it is there no run begins on this machine, whoever starts it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from runner.clock import iso, utc_now
from runner.errors import InputError, Problem, Refused
from runner.host.state_folder import remove_durably, state_dir, state_path, write_durably
from runner.lazy_dataclass import lazy_dataclass

_FILE = "halted.json"


@lazy_dataclass(frozen=True, kw_only=True)
class HaltRecord:
    """Who halted, when, why. `runs`: the folders of the runs it stopped. A field that cannot be read is ''."""

    person: str = ""
    uid: int = -1
    host: str = ""
    at: str = ""
    why: str = ""
    runs: Sequence[str] = ()

    def __str__(self) -> str:
        """`ana at 2026-11-20T17:40:00Z: the shop is down`."""
        who = self.person or "somebody"
        when = f" at {self.at.partition('.')[0]}Z" if self.at else ""
        return f"{who}{when}" + (f": {self.why}" if self.why else "")


def halted() -> HaltRecord | None:
    """The halt of this machine; None when there is none. One that cannot be read is a halt all the same."""
    path = state_path() / _FILE
    try:
        text = path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return HaltRecord(why=f"{path} cannot be read: {error.strerror}")
    known = {each.name for each in fields(HaltRecord)}
    try:
        said = json.loads(text)
        return HaltRecord(**{name: value for name, value in said.items() if name in known})
    except (ValueError, AttributeError):
        return HaltRecord(why=f"{path} is damaged")


def refuse_halted() -> None:
    """Raises Refused, naming who halted, why, and the cure, while this machine is halted."""
    if (halt := halted()) is not None:
        raise Refused(f"halted by {halt}; nothing runs here until: gameday resume --why ...")


def write_halt(person: str, why: str, runs: Sequence[str]) -> HaltRecord:
    """Halt, on disk when it returns; who halted first stays the one. Raises InputError."""
    first = halted()
    known = [] if first is None else list(first.runs)
    halt = HaltRecord(
        person=person if first is None else first.person,
        uid=os.getuid() if first is None else first.uid,
        host=socket.gethostname(),
        at=iso(utc_now()) if first is None else first.at,
        why=why if first is None else first.why,
        runs=[*known, *(run for run in runs if run not in known)],
    )
    path = state_dir() / _FILE
    try:
        write_durably(path, json.dumps(asdict(halt)))
    except OSError as error:
        raise InputError(_not_kept(path, error)) from error
    return halt


def lift_halt() -> None:
    """Runs may begin again. Raises InputError."""
    path = state_path() / _FILE
    try:
        remove_durably(path)
    except OSError as error:
        raise InputError(_not_kept(path, error)) from error


def _not_kept(path: Path, error: OSError) -> Problem:
    return Problem(
        file=str(path),
        what=f"the halt cannot be kept there: {error.strerror}",
        meant="make room on that disk, then try again",
    )
