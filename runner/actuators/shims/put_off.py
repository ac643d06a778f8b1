"""Importing a library without the libraries that it imports for later.

Two thirds of what importing Chaos Toolkit takes go into an HTTP client, JSONPath, YAML and the list of installed packages. An
experiment of commands never uses them, and every run waits for the import.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from importlib import import_module
from importlib.machinery import PathFinder
from threading import RLock
from types import ModuleType
from typing import Any


class PutOff:
    """Modules that are imported together, when the first of them is used or when `complete` is called.

    Each module's value names what may be taken from it until then, and called for nothing but its effect; asking for any
    other name imports them at once. A module that is loaded already is left alone, and one that is not installed is missing here too.
    """

    def __init__(self, modules: Mapping[str, Iterable[str]]) -> None:
        self._names = {
            name: frozenset(names)
            for name, names in modules.items()
            if name not in sys.modules and PathFinder.find_spec(name.partition(".")[0]) is not None
        }
        self._stand_ins = {name: _StandIn(name, self) for name in self._names}
        self._calls: list[tuple[_Later, tuple[Any, ...]]] = []
        self._importing = False
        self._lock = RLock()

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Inside, an import of one of them gives its stand-in; afterwards every import is real."""
        sys.modules.update(self._stand_ins)
        self._importing = True
        try:
            yield
        finally:
            self._importing = False
            self._step_aside()

    def complete(self) -> None:
        """Import them now, and make the calls that were put off."""
        with self._lock:
            self._step_aside()
            for name in self._names:
                import_module(name)
            calls, self._calls = self._calls, []
            for later, values in calls:
                later.real()(*(value.real() if isinstance(value, _Later) else value for value in values))

    def later(self, module: str, *path: str) -> Any:
        """What is found there: itself, or while the importing goes on something in its place."""
        if self._importing and path[0] in self._names[module]:
            return _Later(self, module, path)
        self.complete()
        return reduce(getattr, path, import_module(module))

    def call(self, later: _Later, values: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        if self._importing and not named:
            self._calls.append((later, values))
            return None
        return later.real()(*values, **named)

    def _step_aside(self) -> None:
        for name, stand_in in self._stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]


class _StandIn(ModuleType):
    def __init__(self, name: str, group: PutOff) -> None:
        super().__init__(name)
        self._group = group

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":
            # The import machinery asks whether there is something below: what is used of that is listed itself.
            raise AttributeError(name)
        return self._group.later(self.__name__, name)


class _Later:
    """What was taken from a stand-in while the importing went on."""

    def __init__(self, group: PutOff, module: str, path: tuple[str, ...]) -> None:
        self._group = group
        self._module = module
        self._path = path

    def real(self) -> Any:
        self._group.complete()
        return reduce(getattr, self._path, import_module(self._module))

    def __call__(self, *values: Any, **named: Any) -> Any:
        return self._group.call(self, values, named)

    def __getattr__(self, name: str) -> Any:
        return self._group.later(self._module, *self._path, name)

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.real(),)
