"""`lazy_dataclass`, for classes that many processes import and few of them use; and the types of their fields.

The standard one compiles six functions as soon as a class is defined, half a millisecond in all. A run is half a dozen
interpreters that each import more than a hundred classes, and most of them make instances of a handful: here a class is
completed when it is first used. Then only its `__init__` is compiled, once something calls it; the other methods are the same
for all classes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from dataclasses import dataclass as _dataclass
from functools import cache
from inspect import get_annotations
from reprlib import recursive_repr
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["but", "hints", "lazy_dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass as lazy_dataclass
else:

    def lazy_dataclass(cls=None, /, **options):
        """As `dataclasses.dataclass`. Slots make another class, and ordering is looked up at the class: both at once."""
        if cls is None:
            return lambda cls: lazy_dataclass(cls, **options)
        if options.keys() - {"frozen", "kw_only", "eq"}:
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


def hints(kind: type[Any]) -> dict[str, Any]:
    """As `typing.get_type_hints`, for classes of modules whose annotations are texts: each text is evaluated once."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        for name, text in get_annotations(base).items():
            found[name] = _evaluated(base.__module__, text) if isinstance(text, str) else text
    return found


@cache
def _evaluated(module: str, text: str) -> Any:
    meant = eval(text, vars(sys.modules[module]))  # noqa: S307 - an annotation of our own
    return type(None) if meant is None else meant


_completing = RLock()


class _Unfinished:
    """Stands in a class for what is made when somebody asks for it: `__dataclass_fields__`, and `__init__`."""

    def __init__(self, cls: type, options: dict[str, Any]) -> None:
        self._cls = cls
        self._options = options
        cls.__init__ = _Missing("__init__", self.give_init)  # type: ignore[misc]  # it stands for it
        cls.__dataclass_fields__ = _Missing("__dataclass_fields__", self.give_rest)  # type: ignore[attr-defined]

    def give_rest(self) -> None:
        """All but the constructor; once, whichever thread comes first."""
        with _completing:
            if not isinstance(self._cls.__dict__["__dataclass_fields__"], _Missing):
                return
            del self._cls.__dataclass_fields__  # type: ignore[attr-defined]
            frozen, equal = self._options.get("frozen", False), self._options.get("eq", True)
            _dataclass(init=False, repr=False, eq=False, kw_only=self._options.get("kw_only", False))(self._cls)
            for name, method in _methods(self._cls, frozen=frozen, equal=equal):
                if name not in self._cls.__dict__:
                    setattr(self._cls, name, method)

    def give_init(self) -> None:
        self.give_rest()
        with _completing:
            if isinstance(self._cls.__dict__["__init__"], _Missing):
                self._cls.__init__ = _init(self._cls, self._options.get("frozen", False))  # type: ignore[misc]


class _Missing:
    def __init__(self, name: str, give: Callable[[], None]) -> None:
        self._name = name
        self._give = give

    def __get__(self, instance: object | None, owner: type) -> Any:
        self._give()
        return getattr(owner if instance is None else instance, self._name)


def _methods(cls: type[Any], *, frozen: bool, equal: bool) -> Iterable[tuple[str, Any]]:
    own = fields(cls)
    yield "__repr__", _repr(tuple(field.name for field in own if field.repr))
    if equal:
        values = _values(tuple(field.name for field in own if field.compare))
        yield "__eq__", _eq(values)
        # As the standard one: what can change is in no set.
        yield "__hash__", (lambda self: hash(values(self))) if frozen else None
    if frozen:
        yield from _frozen(cls, frozenset(field.name for field in own))


def _values(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda value: tuple([getattr(value, name) for name in names])


def _eq(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, Any], Any]:
    def equal(self: Any, other: Any) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return equal


def _repr(names: tuple[str, ...]) -> Callable[[Any], str]:
    @recursive_repr()
    def shown(self: Any) -> str:
        return f"{self.__class__.__qualname__}({', '.join([f'{name}={getattr(self, name)!r}' for name in names])})"

    return shown


def _frozen(cls: type[Any], names: frozenset[str]) -> Iterable[tuple[str, Any]]:
    def set_(self: Any, name: str, value: Any) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def delete(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    yield "__setattr__", set_
    yield "__delattr__", delete


def _init(cls: type[Any], frozen: bool) -> Any:
    """The constructor, compiled: what is made a thousand times a second should not look its fields up."""
    own = [field for field in fields(cls) if field.init]
    known: dict[str, Any] = {"_absent": MISSING}
    wanted = [_parameter(field, known) for field in own if not field.kw_only]
    named = [_parameter(field, known) for field in own if field.kw_only]
    head = ", ".join(["self", *wanted, *(["*", *named] if named else [])])
    # A frozen one is written to behind its own back.
    lines = ["own = self.__dict__"] if frozen else []
    values = ((field.name, value) for field in fields(cls) if (value := _value(field, known)) is not None)
    lines += [f"own[{name!r}] = {value}" if frozen else f"self.{name} = {value}" for name, value in values]
    lines += ["self.__post_init__()"] if hasattr(cls, "__post_init__") else []
    exec(f"def __init__({head}):\n " + "\n ".join(lines or ["pass"]), known)  # noqa: S102 - of our own fields' names
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    return made


def _parameter(field: Field[Any], known: dict[str, Any]) -> str:
    if field.default is not MISSING:
        known[f"_default_{field.name}"] = field.default
        return f"{field.name}=_default_{field.name}"
    return f"{field.name}=_absent" if field.default_factory is not MISSING else field.name


def _value(field: Field[Any], known: dict[str, Any]) -> str | None:
    """What the field is set to; None for one that the class's own attribute stands for."""
    if field.default_factory is not MISSING:
        known[f"_make_{field.name}"] = field.default_factory
        made = f"_make_{field.name}()"
        return f"{made} if {field.name} is _absent else {field.name}" if field.init else made
    return field.name if field.init else None
