"""From a locustfile to Locust's environment, the way `locust --headless -f FILE` gets there."""

from __future__ import annotations

import inspect
import itertools
import logging
import os
import resource
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import locust
from locust import log
from locust.argument_parser import get_parser
from locust.env import Environment
from locust.exception import StopTest
from locust.user.task import is_markov_taskset
from locust.util.load_locustfile import load_locustfile, load_locustfile_pytest

from runner.specs.locust_conf import heeded

_OPEN_FILES = 10_000
#: Seconds that users may have for the task they are at when the load ends, whatever locust.conf says.
STOP_TIMEOUT = 8.0


class Unusable(Exception):
    """A load that cannot be; the message is one line for the person who wrote it.

    `locustfile`: it is the fault of their code, whenever it comes up.
    """

    def __init__(self, why: str, *, locustfile: bool = False) -> None:
        super().__init__(why)
        self.locustfile = locustfile


def prepare(order: Mapping[str, Any]) -> Environment:
    """Import the locustfiles and make the environment of their users. Raises Unusable."""
    paths: list[str] = order["locustfiles"]
    users: dict[str, Any] = {}
    shapes: dict[str, Any] = {}
    for path in paths:
        _take_in(path, paths, users, shapes)
    chosen = _choose(paths[0], users, order.get("user_classes"))
    options = _options(paths[0], order)
    _raise_file_limit()
    try:
        environment = Environment(
            user_classes=chosen,
            shape_class=next(iter(shapes.values()), None),
            tags=order.get("tags") or options.tags,
            exclude_tags=options.exclude_tags,
            stop_timeout=min(options.stop_timeout or 0.0, STOP_TIMEOUT),
            locustfile=",".join(Path(path).name for path in paths),
            events=locust.events,
            host=options.host,
            reset_stats=False,
            parsed_options=options,
            parsed_locustfiles=paths,
            available_user_classes=users,
            available_shape_classes=shapes,
            available_user_tasks={name: user.tasks for name, user in users.items()},
        )
        for config in itertools.chain(*(options.config_users or ())):
            environment.update_user_class(config)
    except (ValueError, KeyError) as error:
        raise Unusable(f"{order.get('conf') or paths[0]}: {error}") from error
    if options.equal_weights:
        environment.events.init.add_listener(lambda environment, **_: environment.assign_equal_weights())
    return environment


def _take_in(path: str, paths: Sequence[str], users: dict[str, Any], shapes: dict[str, Any]) -> None:
    """Import one locustfile; its classes go to those of the others. Raises Unusable."""
    if not Path(path).is_file():
        raise Unusable(f"{path}: there is no such file")
    try:
        more_users, more_shapes = load_locustfile(path)
        more_users = more_users or _from_pytest(path)
    except BaseException as error:  # a module may well call sys.exit
        raise Unusable(_blame(paths, path, error), locustfile=True) from error
    for known, more in ((users, more_users), (shapes, {type(shape).__name__: shape for shape in more_shapes})):
        for name, value in more.items():
            # One of them may have imported it from another.
            if name in known and _source(known[name]) != _source(value):
                raise Unusable(f"{path}: the class {name} is defined in {_source(known[name])} too", locustfile=True)
            known.setdefault(name, value)


def _source(value: Any) -> str:
    return inspect.getfile(value if inspect.isclass(value) else type(value))


def initialise(environment: Any) -> None:
    """Fire Locust's `init` event once the environment has its runner.

    Raises Unusable when a listener fails, or when the tags leave no user anything to do.
    """
    log.unhandled_greenlet_exception = False
    environment.events.init.fire(environment=environment, runner=environment.runner, web_ui=None)
    if log.unhandled_greenlet_exception:
        raise Unusable(f"{environment.parsed_locustfiles[0]}: a listener of the `init` event failed; see load.log")
    _check_tags(environment)


def _check_tags(environment: Any) -> None:
    """As Locust will choose by them when the load starts; it starts users without a task all the same."""
    wanted, spared = set(environment.tags or ()), set(environment.exclude_tags or ())
    users = [user for user in environment.user_classes if user.tasks]
    if users and not any(_has_task(user, wanted, spared, set()) for user in users):
        tags = ", ".join([*(environment.tags or ()), *(f"not {tag}" for tag in environment.exclude_tags or ())])
        why = f"no task of {', '.join(user.__name__ for user in users)} has these tags: {tags}"
        raise Unusable(f"{environment.parsed_locustfiles[0]}: {why}", locustfile=True)


def _has_task(task: Any, wanted: set[str], spared: set[str], seen: set[int]) -> bool:
    """Whether it is one with these tags, or holds one. `seen` are those that were looked at: a TaskSet may hold itself."""
    if not hasattr(task, "tasks"):
        own: set[str] = getattr(task, "locust_tag_set", set())
        return not own & spared and bool(not wanted or own & wanted)
    if id(task) in seen:
        return False
    seen.add(id(task))
    return is_markov_taskset(task) or any(_has_task(each, wanted, spared, seen) for each in task.tasks)


def spawn_failure(runner: Any) -> str | None:
    """Why the users could not be started (no host, a constructor that raises), if so."""
    greenlet = runner.spawning_greenlet
    error = greenlet.exception if greenlet is not None else None
    if error is None:
        return None
    paths = runner.environment.parsed_locustfiles
    if isinstance(error, StopTest) and "base host" in str(error):
        return f"{paths[0]}: no host to send to; give the target a `url`, or the User class a `host`"
    return _blame(paths, paths[0], error)


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
    conf = order.get("conf")
    try:
        text = heeded(Path(conf).read_text(errors="replace")) if conf else ""
        options = get_parser(default_config_files=[]).parse_args([], config_file_contents=text)
    except (SystemExit, OSError) as error:
        blamed = f"{conf}, or {path}: the options" if conf else f"{path}: its own command line options"
        raise Unusable(f"{blamed} cannot be left at their defaults; see load.log", locustfile=True) from error
    logging.getLogger().setLevel(options.loglevel.upper())
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


def _blame(paths: Sequence[str], path: str, error: BaseException) -> str:
    """`file:line:column: what`, for the deepest place inside the locustfiles; `path` when it is in none of them."""
    what = f"{type(error).__name__}: {error}".strip().rstrip(":").splitlines()[0]
    if isinstance(error, SyntaxError) and error.filename and os.path.realpath(error.filename) == os.path.realpath(path):
        return f"{path}:{error.lineno or 0}:{error.offset or 0}: {type(error).__name__}: {error.msg}"
    mine = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in paths]
    if not mine:
        return f"{path}: {what}"
    column = mine[-1].colno
    return f"{mine[-1].filename}:{mine[-1].lineno}:{0 if column is None else column + 1}: {what}"
