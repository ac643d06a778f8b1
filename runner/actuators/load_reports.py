"""What a load is given, and what it reports: the same whichever tool generates it.

All times are seconds of the run's clock; response times are seconds, except the keys of `hist`, which are
milliseconds, rounded as Locust rounds them (to 1 below 100, to 10 below 1000, and so on).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """What to generate. `watch` maps a request ("POST /checkout") to the limits, in seconds, that count it as slow.

    `env` is set in the child on top of a minimal environment; `folder` takes load.log, Locust's load_*.csv and
    load.html; `origin` is the run's clock; `secrets` are taken out of everything written. `conf`: a locust.conf.
    `stop_within`: seconds for the users' `on_stop` and the listeners of `test_stop` at the end.
    """

    locustfiles: tuple[Path, ...]
    conf: Path | None = None
    host: str | None
    users: int
    spawn_rate: float
    processes: int = 1
    env: Mapping[str, str] = field(default_factory=dict)
    watch: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    folder: Path
    origin: int
    secrets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    user_classes: tuple[str, ...] = ()
    stop_within: float = 10.0

    def named(self, text: str) -> str:
        """`text` with the files as people know them: the child was given absolute paths."""
        for path in (*self.locustfiles, *([self.conf] if self.conf else [])):
            text = text.replace(str(path.absolute()), str(path))
        return text


@lazy_dataclass(frozen=True, slots=True)
class RequestWindow:
    """One request name in one window.

    `p50`, `p95`, `p99` in seconds, None when no request had a response time; `rate` in requests per second; `first`,
    `last`, `first_bad`, `last_bad` are when a request, or a failed one, ended; `slow` maps each watched limit to how
    many were slower, and the first and the last moment one was.
    """

    n: int
    failures: int
    p50: float | None
    p95: float | None
    p99: float | None
    rate: float
    hist: tuple[tuple[int, int], ...]
    first: float
    last: float
    first_bad: float | None
    last_bad: float | None
    slow: Mapping[float, tuple[int, float, float]]


@lazy_dataclass(frozen=True)
class LoadStartedReport:
    """The locustfile is imported, the workers are up, the first users are about to be spawned."""

    t: float
    classes: tuple[str, ...]


@lazy_dataclass(frozen=True)
class LoadSpawnedReport:
    """A ramp is complete; with a load shape, one of its stages."""

    t: float
    users: int


@lazy_dataclass(frozen=True)
class LoadSampledReport:
    """The requests that ended in [t0, t1), half a second aligned to the run's clock (the last one may be shorter).

    Silence is reported too. Samples of one window add up: with several processes, what one of them reports more than
    0.6 s late comes as a further sample of the same window.
    """

    t0: float
    t1: float
    users: int
    requests: Mapping[str, RequestWindow]


@lazy_dataclass(frozen=True)
class UserException:
    """An error that users raised: where (file:line:column, '' when unknown), what, and how often."""

    where: str
    what: str
    count: int


@lazy_dataclass(frozen=True)
class LoadEndedReport:
    """The load has stopped; `exit_code` is what `locust --headless` would have ended with.

    `cut`: the seconds after which `on_stop` and `test_stop` were cut, 0 when they ended by themselves.
    """

    t: float
    why: str
    exit_code: int
    cut: float = 0.0
    exceptions: tuple[UserException, ...] = ()


@lazy_dataclass(frozen=True)
class LoadFailedReport:
    """The load never was, or broke down; `why` is one line, with file:line:column for a fault of the locustfile.

    `locustfile`: it is that file's fault, whenever it comes up.
    """

    why: str
    locustfile: bool = False


LoadReport = LoadStartedReport | LoadSpawnedReport | LoadSampledReport | LoadEndedReport | LoadFailedReport
