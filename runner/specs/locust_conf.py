"""`locust.conf` beside the locustfiles: Locust's own configuration, as far as a drill leaves it anything to say.

One `key = value` (or `key: value`, or `key value`) a line. What says how much load there is, where it goes, how long it
lasts and where Locust writes is the drill's: such a key is left out, and named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from runner.errors import Problem
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.diagnostics import nearest

FILE = "locust.conf"

#: What users do and which of them there are: taken from the file.
HONOURED = ("tags", "exclude-tags", "stop-timeout", "equal-weights", "config-users", "loglevel")
#: The drill's own key for the same.
_DRILLS = {
    "host": "load.host",
    "users": "load.users",
    "spawn-rate": "load.spawn-rate",
    "processes": "load.processes",
    "locustfile": "load.locustfile",
}
#: Other keys of Locust's: the run decides what they decide.
_NAMES = (
    "help version config run-time list web-host web-port headless autostart autoquit web-login tls-cert tls-key "
    "class-picker web-base-path master master-bind-host master-bind-port expect-workers expect-workers-max-wait "
    "enable-rebalancing worker master-host master-port csv csv-full-history print-stats only-summary reset-stats html "
    "json json-file skip-log skip-log-setup logfile show-task-ratio show-task-ratio-json exit-code-on-error profile "
    "otel iterations num-users hatch-rate"
)
_LOCUSTS = frozenset(_NAMES.split())
#: What the values of some keys look like, in whatever case, and how to write them.
_VALUES = {
    "loglevel": ("debug|info|warning|error|critical", "DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    "stop-timeout": (r"\d+|(?=\d)(\d+h)?(\d+m)?(\d+s)?", "a time such as 5 or 5s"),
    "equal-weights": ("|true|false|yes|no|1|0", "true or false"),
}
_LINE = re.compile(r"^\s*(?P<key>[^:=;#\s\[]+)(?:\s*[:=]\s*|\s+|$)(?P<value>.*)$")


@lazy_dataclass(frozen=True)
class ConfEntry:
    """One key of the file, as it is written without its dashes; line and column count from 1."""

    key: str
    value: str
    line: int
    column: int

    @property
    def owner(self) -> str:
        """What decides in its place: a key of the drill, or the run; '' where the file decides."""
        if self.key in _DRILLS:
            return f"{_DRILLS[self.key]} of the drill decides"
        return "the run decides that" if self.key in _LOCUSTS else ""


def entries(text: str) -> Iterator[ConfEntry]:
    """The keys of a file, in order."""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        match = None if not bare or bare[0] in "#;[" or bare.startswith("---") else _LINE.match(line)
        if match:
            key = match["key"].lstrip("-").replace("_", "-")
            yield ConfEntry(key, match["value"].strip(), number, match.start("key") + 1)


def heeded(text: str) -> str:
    """The file without the lines that the drill or the run decides, for Locust to read."""
    dropped = {entry.line for entry in entries(text) if entry.owner}
    return "\n".join("" if number in dropped else line for number, line in enumerate(text.splitlines(), 1))


def check_conf(text: str, file: str, *, own_options: bool) -> list[Problem]:
    """Values that are none of their key, and keys that Locust does not know.

    With `own_options` the locustfiles have keys of their own, and only they know which.
    """
    return [*_wrong_values(text, file), *(() if own_options else _unknown_keys(text, file))]


def _wrong_values(text: str, file: str) -> Iterator[Problem]:
    for entry in entries(text):
        pattern, meant = _VALUES.get(entry.key, ("", ""))
        value = re.sub(r"(^|\s)[#;].*", "", entry.value).strip().strip("'\"")
        if pattern and not re.fullmatch(pattern, value, re.IGNORECASE):
            what = f"{entry.key}: {value!r} is no value that Locust takes"
            yield Problem(file=file, line=entry.line, column=entry.column, what=what, meant=meant)


def _unknown_keys(text: str, file: str) -> list[Problem]:
    known = [*HONOURED, *_DRILLS, *_LOCUSTS]
    return [
        Problem(
            file=file,
            line=entry.line,
            column=entry.column,
            what=f"Locust has no option {entry.key!r}",
            meant=near if (near := nearest(entry.key, known)).startswith("did you") else "see: locust --help",
        )
        for entry in entries(text)
        if entry.key not in known
    ]


def unheeded(text: str, file: str) -> Iterable[str]:
    """One line each: what stands in the file and is decided elsewhere."""
    for entry in entries(text):
        if entry.owner:
            yield f"{file}:{entry.line}:{entry.column}: {entry.key!r} is not used: {entry.owner}"
