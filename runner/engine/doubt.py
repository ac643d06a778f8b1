"""Whether an action that came back did anything: the toolkit calls all of these a success.

A command that exits with 1, a request that is answered with an error and a selector that finds nothing have all
"succeeded" for Chaos Toolkit, and the fault may not be in.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from runner.lazy_dataclass import lazy_dataclass

#: HTTP statuses from here on are errors.
_ERROR = 400

#: What command line tools print, with exit code 0, when what they were to act on is not there.
_NOTHING_FOUND = re.compile(
    r"^\W*(no resources found|no (matching )?(pods?|nodes?|containers?|instances?|processe?s?) (was|were )?"
    r"(found|selected|match)|(0|no) (pods?|nodes?|containers?|instances?|processes)"
    r"( (were |was )?(found|selected|affected|killed|deleted|terminated|stopped)|[.!]?[ \t]*$))",
    re.IGNORECASE | re.MULTILINE,
)

#: What a function says of itself when it failed without raising.
_FAILED = frozenset({"failure", "failed", "error"})
_WENT_WELL = ("success", "succeeded", "ok")


@lazy_dataclass(frozen=True, kw_only=True)
class Accepted:
    """What an experiment says is no failure of its actions: exit codes, HTTP statuses, an empty answer."""

    exit_codes: tuple[int, ...] = (0,)
    statuses: tuple[int, ...] = field(default=())
    empty: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Accepted:
        """As the checked experiment's `extensions` have it."""
        extensions = document.get("extensions") or ()
        own = next((each for each in extensions if isinstance(each, Mapping) and each.get("name") == "gameday"), {})
        return cls(
            exit_codes=tuple(own.get("ok-exit-codes", (0,))),
            statuses=tuple(own.get("ok-statuses", ())),
            empty=bool(own.get("ok-empty", False)),
        )


def doubt(provider: str, output: Any, accepted: Accepted) -> str:
    """Why an action of that provider (process, http, python) may have done nothing, in a few words; '' when it did.

    `output` is the toolkit's: `{status, stdout, stderr}` of a command, `{status, headers, body}` of a request, else what
    the function gave back.
    """
    if provider == "process":
        return _of_command(output, accepted)
    if provider == "http":
        return _of_request(output, accepted)
    return _of_function(output, accepted)


def _of_command(output: Any, accepted: Accepted) -> str:
    if not isinstance(output, Mapping):
        return ""
    code = output.get("status")
    if isinstance(code, int) and code not in accepted.exit_codes:
        return f"was killed by {_signal(-code)}" if code < 0 else f"exited with {code}"
    found = None if accepted.empty else _NOTHING_FOUND.search(f"{output.get('stdout')}\n{output.get('stderr')}")
    return f"selected nothing: it printed {found.group().strip()!r}" if found else ""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _of_request(output: Any, accepted: Accepted) -> str:
    status = output.get("status") if isinstance(output, Mapping) else None
    if isinstance(status, int) and status >= _ERROR and status not in accepted.statuses:
        return f"was answered with status {status}"
    return ""


def _of_function(output: Any, accepted: Accepted) -> str:
    if output is False:
        return "gave back false"
    if _is_nothing(output):
        return "" if accepted.empty else "selected nothing: it gave back an empty result"
    if isinstance(output, str):
        found = None if accepted.empty else _NOTHING_FOUND.search(output)
        return f"selected nothing: it gave back {found.group().strip()!r}" if found else ""
    if isinstance(output, Mapping):
        return _of_report(output, accepted)
    return ""


def _is_nothing(output: Any) -> bool:
    """An empty collection, or one of nothing but empty ones."""
    if isinstance(output, Mapping):
        return all(isinstance(each, Mapping | list | tuple) and _is_nothing(each) for each in output.values())
    if isinstance(output, list | tuple):
        return all(isinstance(each, Mapping | list | tuple) and _is_nothing(each) for each in output)
    return False


def _of_report(output: Mapping[Any, Any], accepted: Accepted) -> str:
    """A function that hands on a command's or a request's result, or a status of its own."""
    if isinstance(output.get("returncode"), int):
        return _of_command({**output, "status": output["returncode"]}, accepted)
    status = output.get("status")
    if isinstance(status, str) and status.lower() in _FAILED:
        return f"gave back the status {status!r}"
    if isinstance(status, int) and not isinstance(status, bool):
        return _of_command(output, accepted) if "stdout" in output else _of_request(output, accepted)
    if output.get("error") or output.get("errors"):
        return "gave back an error"
    denied = next((key for key in _WENT_WELL if output.get(key) is False), "")
    return f"gave back {denied}: false" if denied else ""
