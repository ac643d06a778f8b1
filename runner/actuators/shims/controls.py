"""Watches the controls around an experiment: the toolkit drops one that breaks without a word, and goes on.

A control may be what asks a person, or another system, before a fault. So one that cannot be imported, raises, or does
not come back in time is reported, and one that stands before something keeps it from happening.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from runner.actuators.shims.toolkit import (
    InterruptExecution,
    InvalidControl,
    apply_python_control,
    cleanup_control,
    control_module,
    initialize_control,
)
from runner.actuators.shims.wire import one_line
from runner.lazy_dataclass import lazy_dataclass
from runner.redact import Redacts
from runner.specs.control_spec import CONTROL_FUNCTIONS


@lazy_dataclass(frozen=True, kw_only=True)
class BrokenControl:
    """A control that did not do its work. `when` is before or after and a level (`before activity`), configuring or
    cleaning up; `activity` is '' at any other level. `stops`: what it stands before must not happen.
    """

    control: str
    when: str
    activity: str
    why: str
    stops: bool


def check_controls(controls: Iterable[Mapping[str, Any]], redactor: Redacts) -> None:
    """Import the module of each. Raises InvalidControl for one that cannot be, or has nothing of a control in it."""
    for control in controls:
        module = (control.get("provider") or {}).get("module")
        if module is None:
            continue
        name = f"control {control.get('name', module)!r}"
        try:
            found = importlib.import_module(module)
        # Its author's code: it may even try to end the process.
        except BaseException as error:
            why = _reason(error, redactor)
            raise InvalidControl(f"{name}: its module {module!r} cannot be imported: {why}") from None
        if not any(hasattr(found, function) for function in CONTROL_FUNCTIONS):
            raise InvalidControl(
                f"{name}: the module {module!r} has no function of a control, such as {CONTROL_FUNCTIONS[0]}"
            )


class ControlWatch:
    """Stands around every call of a control in this process.

    `tell` is told of each that breaks, on any thread. With `within`, also of one that takes more seconds than that.
    `leaving` says whether this process is being stopped: then what a control raises is that stop. `end` ends the
    experiment and does not return; without it everything goes on.
    """

    def __init__(
        self,
        tell: Callable[[BrokenControl], None],
        redactor: Redacts,
        *,
        within: float | None = None,
        leaving: Callable[[], bool] = lambda: False,
        end: Callable[[], None] | None = None,
    ) -> None:
        self._tell = tell
        self._redactor = redactor
        self._within = within
        self._leaving = leaving
        self._end = end
        self._shut = False

    def install(self) -> None:
        """From here on the toolkit calls controls through this."""
        control_module.apply_python_control = self._apply
        control_module.initialize_control = self._initialize
        control_module.cleanup_control = self._clean_up

    @property
    def shut(self) -> bool:
        """Whether one broke that stands before something."""
        return self._shut

    # -- what the toolkit calls

    def _apply(self, level: str, control: dict[str, Any], **rest: Any) -> None:
        stage, _, edge = level.partition("-")
        activity = (rest.get("context") or {}).get("name", "") if stage == "activity" else ""
        self._guard(
            partial(apply_python_control, level=level, control=control, **rest),
            control,
            f"{edge} {stage}",
            activity,
            stops=edge == "before",
        )

    def _initialize(self, control: dict[str, Any], *given: Any, **rest: Any) -> None:
        self._guard(partial(initialize_control, control, *given, **rest), control, "configuring", stops=True)

    def _clean_up(self, control: dict[str, Any]) -> None:
        self._guard(partial(cleanup_control, control), control, "cleaning up", stops=False)

    # -- the guard around one call

    def _guard(
        self, call: Callable[[], None], control: dict[str, Any], when: str, activity: str = "", *, stops: bool
    ) -> None:
        found = partial(self._broke, control.get("name", ""), when, activity)
        try:
            with self._deadline(partial(found, stops=True)):
                # The toolkit takes a module that is not there for a control without functions.
                importlib.import_module(control["provider"]["module"])
                call()
        except InterruptExecution as error:
            if self._leaving():
                raise
            # The way that the toolkit has for a control that says no.
            found(f"it interrupts the experiment: {_reason(error, self._redactor)}", stops=True)
            if when != "cleaning up":
                raise
        except BaseException as error:
            if self._leaving():
                raise
            found(_reason(error, self._redactor), stops=stops)
        if self._end is not None and self._shut and when.startswith("before"):
            self._end()

    def _broke(self, control: str, when: str, activity: str, why: str, *, stops: bool) -> None:
        stops = stops and self._end is not None
        self._shut = self._shut or stops
        self._tell(BrokenControl(control=control, when=when, activity=activity, why=why, stops=stops))

    @contextmanager
    def _deadline(self, late: Callable[[str], None]) -> Iterator[None]:
        if self._within is None:
            yield
            return
        timer = threading.Timer(self._within, late, [f"it did not come back within {self._within:g} s"])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _reason(error: BaseException, redactor: Redacts) -> str:
    if isinstance(error, EOFError):
        return "it waits for input, and nobody can give it any here"
    return one_line(error, redactor)
