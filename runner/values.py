"""`dataclass`, for classes that many processes import and few of them use.

The standard one compiles six functions as soon as a class is defined, a third of a millisecond in all. A run is half a dozen
interpreters that each import more than a hundred classes, and most of them make instances of a handful: here a class
is completed when it is first used, so that importing it costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass as _dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, **options):
        """As `dataclasses.dataclass`. Slots make another class, and ordering is looked up at the class: both at once."""
        if cls is None:
            return lambda cls: dataclass(cls, **options)
        if options.get("slots") or options.get("order"):
            return _dataclass(**options)(cls)
        _Unfinished(cls, options)
        return cls


Value = TypeVar("Value")


def but(value: Value, /, **changes: Any) -> Value:
    """This value with others for these fields; it may have no slots.

    `dataclasses.replace` sets every field again, which for what changes ten times a second is up to ten times slower.
    """
    twin = object.__new__(type(value))
    twin.__dict__.update(value.__dict__, **changes)
    return twin


_completing = RLock()


class _Unfinished:
    """Stands in a class for what is made when somebody asks for it: `__init__` and `__dataclass_fields__`."""

    def __init__(self, cls: type, options: dict[str, Any]) -> None:
        self._cls = cls
        self._options = options
        for name in ("__init__", "__dataclass_fields__"):
            setattr(cls, name, _Missing(self, name))

    def complete(self) -> None:
        """Once, whichever thread comes first."""
        with _completing:
            if isinstance(self._cls.__dict__.get("__init__"), _Missing):
                for name in ("__init__", "__dataclass_fields__"):
                    delattr(self._cls, name)
                _dataclass(**self._options)(self._cls)


class _Missing:
    def __init__(self, unfinished: _Unfinished, name: str) -> None:
        self._unfinished = unfinished
        self._name = name

    def __get__(self, instance: object | None, owner: type) -> Any:
        self._unfinished.complete()
        return getattr(owner if instance is None else instance, self._name)
