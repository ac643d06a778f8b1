"""From a locustfile to Locust's environment, the way `locust --headless -f FILE` gets there."""

from __future__ import annotations

import os
import resource
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import locust
from locust import log
from locust.argument_parser import get_parser
from locust.env import Environment
from locust.exception import StopTest
from locust.util.load_locustfile import load_locustfile, load_locustfile_pytest

_OPEN_FILES = 10_000


class Unusable(Exception):
    """A locustfile that cannot be run; the message is one line for the person who wrote it."""


def prepare(order: Mapping[str, Any]) -> Environment:
    """Import the locustfile and make the environment of its users. Raises Unusable."""
    path = order["locustfile"]
    if not Path(path).is_file():
        raise Unusable(f"{path}: there is no such file")
    try:
        users, shapes = load_locustfile(path)
        users = users or _from_pytest(path)
    except BaseException as error:  # a module may well call sys.exit
        raise Unusable(_blame(path, error)) from error
    chosen = _choose(path, users, order.get("user_classes"))
    options = _options(path, order)
    _raise_file_limit()
    try:
        return Environment(
            user_classes=chosen,
            shape_class=shapes[0] if shapes else None,
            tags=order.get("tags"),
            locustfile=Path(path).name,
            events=locust.events,
            host=options.host,
            reset_stats=False,
            parsed_options=options,
            parsed_locustfiles=[path],
            available_user_classes=users,
            available_shape_classes={type(shape).__name__: shape for shape in shapes},
            available_user_tasks={name: user.tasks for name, user in users.items()},
        )
    except ValueError as error:
        raise Unusable(f"{path}: {error}") from error


def initialise(environment: Any) -> None:
    """Fire Locust's `init` event once the environment has its runner. Raises Unusable when a listener fails."""
    log.unhandled_greenlet_exception = False
    environment.events.init.fire(environment=environment, runner=environment.runner, web_ui=None)
    if log.unhandled_greenlet_exception:
        raise Unusable(f"{environment.parsed_locustfiles[0]}: a listener of the `init` event failed; see load.log")


def spawn_failure(runner: Any) -> str | None:
    """Why the users could not be started (no host, a constructor that raises), if so."""
    greenlet = runner.spawning_greenlet
    error = greenlet.exception if greenlet is not None else None
    if error is None:
        return None
    path = runner.environment.parsed_locustfiles[0]
    if isinstance(error, StopTest) and "base host" in str(error):
        return f"{path}: no host to send to; give the target a `url`, or the User class a `host`"
    return _blame(path, error)


def _from_pytest(path: str) -> Any:
    """Locust runs `test_…` functions as users too, where pytest is installed."""
    try:
        return load_locustfile_pytest(path)
    except ImportError:
        return {}


def _choose(path: str, users: Mapping[str, Any], wanted: list[str] | None) -> list[Any]:
    if not users:
        raise Unusable(f"{path}: no User class; define one, for example `class Shopper(HttpUser)` with a @task")
    if missing := sorted(set(wanted or ()) - users.keys()):
        raise Unusable(f"{path}: no User class {', '.join(missing)}; there is {', '.join(sorted(users))}")
    return [user for name, user in users.items() if not wanted or name in wanted]


def _options(path: str, order: Mapping[str, Any]) -> Any:
    """Locust's options at their defaults, the locustfile's own (`init_command_line_parser`) included."""
    try:
        options = get_parser(default_config_files=[]).parse_args([])
    except SystemExit as error:
        raise Unusable(
            f"{path}: its own command line options cannot be left at their defaults; see load.log"
        ) from error
    options.locustfile = path
    options.host = order["host"]
    options.num_users = order["users"]
    options.spawn_rate = order["spawn_rate"]
    options.headless = True
    # What would end the run, write elsewhere or open a port, were it set in the environment.
    options.run_time = options.csv_prefix = options.html_file = options.processes = None
    options.master = options.worker = options.autostart = False
    return options


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _blame(path: str, error: BaseException) -> str:
    """`file:line:column: what`, for the deepest place inside the locustfile."""
    what = f"{type(error).__name__}: {error}".strip().rstrip(":").splitlines()[0]
    if isinstance(error, SyntaxError) and error.filename and os.path.realpath(error.filename) == os.path.realpath(path):
        return f"{path}:{error.lineno or 0}:{error.offset or 0}: {type(error).__name__}: {error.msg}"
    mine = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    if not mine:
        return f"{path}: {what}"
    column = mine[-1].colno
    return f"{path}:{mine[-1].lineno}:{0 if column is None else column + 1}: {what}"
