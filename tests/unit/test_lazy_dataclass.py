"""Classes that are completed on first use behave as those of `dataclasses`, whoever touches them first."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace
from dataclasses import dataclass as standard
from typing import Any, get_type_hints

import pytest

from runner.engine.events import KINDS
from runner.engine.plan import RunPlan, Step
from runner.lazy_dataclass import hints, lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class Pickled:
    name: str = ""


def _family() -> tuple[type[Any], type[Any]]:
    @lazy_dataclass(frozen=True, kw_only=True)
    class Parent:
        name: str

    @lazy_dataclass(frozen=True, kw_only=True)
    class Child(Parent):
        tags: list[str] = field(default_factory=list)
        size: int = 3

    return Parent, Child


USES: dict[str, Callable[[type[Any]], bool]] = {
    "made": lambda child: child(name="a").size == 3,
    "its fields": lambda child: [each.name for each in fields(child)] == ["name", "tags", "size"],
    "recognised": is_dataclass,
    "compared": lambda child: child(name="a") == child(name="a") != child(name="b"),
    "shown": lambda child: repr(child(name="a")).endswith("Child(name='a', tags=[], size=3)"),
    "changed": lambda child: replace(child(name="a"), size=4).size == 4,
    "as a mapping": lambda child: asdict(child(name="a")) == {"name": "a", "tags": [], "size": 3},
    "copied": lambda child: copy.deepcopy(child(name="a")) == child(name="a"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_any_first_use_finds_it_complete(use: Callable[[type[Any]], bool]) -> None:
    _, child = _family()
    assert use(child)


def test_it_is_not_completed_before() -> None:
    _, child = _family()
    assert "__eq__" not in vars(child)
    child(name="a")
    assert "__eq__" in vars(child)


def test_it_is_frozen() -> None:
    _, child = _family()
    with pytest.raises(FrozenInstanceError):
        child(name="a").size = 4


def test_a_field_without_a_default_is_asked_for() -> None:
    _, child = _family()
    with pytest.raises(TypeError, match="name"):
        child()


def test_each_instance_has_defaults_of_its_own() -> None:
    _, child = _family()
    child(name="a").tags.append("x")
    assert child(name="a").tags == []


def test_a_plain_subclass_of_an_unfinished_class_can_be_made() -> None:
    parent, _ = _family()
    plain = type("Plain", (parent,), {})
    assert plain(name="a").name == "a"


def test_the_post_init_is_called_for_the_first_one_too() -> None:
    seen: list[str] = []

    @lazy_dataclass
    class Loud:
        name: str

        def __post_init__(self) -> None:
            seen.append(self.name)

    Loud("a")
    Loud("b")
    assert seen == ["a", "b"]


def test_a_pickle_opens() -> None:
    assert pickle.loads(pickle.dumps(Pickled(name="a"))) == Pickled(name="a")


def test_slots_and_order_are_there_at_once() -> None:
    @lazy_dataclass(slots=True, order=True)
    class Slotted:
        size: int

    assert "__slots__" in vars(Slotted)
    assert Slotted(1) < Slotted(2)


def test_threads_that_come_together_all_find_it_complete() -> None:
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            _, child = _family()
            made = list(pool.map(lambda name, child=child: child(name=name), "abcdefgh"))
            assert [each.tags for each in made] == [[]] * 8


def _both(**options: Any) -> tuple[type[Any], type[Any]]:
    """The same class by hand and by the standard library."""

    def body() -> type[Any]:
        class Thing:
            """Has a bit of everything."""

            size: int
            name: str = "none"
            tags: list[str] = field(default_factory=list, compare=False, repr=False)
            born: int = field(default=7, init=False)

        return Thing

    return lazy_dataclass(**options)(body()), standard(**options)(body())


_OPTIONS = [{}, {"frozen": True}, {"frozen": True, "kw_only": True}, {"kw_only": True}, {"frozen": True, "eq": False}]
_CALLS: dict[str, Callable[[type[Any]], Any]] = {
    "positions": lambda cls: cls(1, "a", ["x"]),
    "names": lambda cls: cls(size=1, name="a"),
    "too few": lambda cls: cls(),
    "too many": lambda cls: cls(1, "a", [], 7),
    "unknown": lambda cls: cls(size=1, colour="red"),
    "equal": lambda cls: cls(size=1) == cls(size=1, tags=["x"]),
    "of another class": lambda cls: cls(size=1) == object(),
    "hash": lambda cls: len({hash(each) for each in [cls(size=1), cls(size=1)]}),
    "set": lambda cls: setattr(cls(size=1), "size", 2),
    "set another": lambda cls: setattr(cls(size=1), "colour", 2),
    "delete": lambda cls: delattr(cls(size=1), "size"),
    "matched": lambda cls: cls(size=1).__match_args__,
    "a subclass sets its own": lambda cls: setattr(type("Below", (cls,), {})(size=1), "colour", 2),
    "fields": lambda cls: [(each.name, each.default, each.init, each.kw_only) for each in fields(cls)],
    "born": lambda cls: cls(size=1).born,
}


@pytest.mark.parametrize("options", _OPTIONS, ids=str)
@pytest.mark.parametrize("call", _CALLS.values(), ids=_CALLS)
def test_it_is_what_the_standard_library_makes(call: Callable[[type[Any]], Any], options: dict[str, Any]) -> None:
    def outcome(cls: type[Any]) -> tuple[Any, ...]:
        try:
            return (repr(call(cls)),)
        except (TypeError, AttributeError) as error:
            return type(error), str(error)

    ours, theirs = _both(**options)
    assert outcome(ours) == outcome(theirs)


@pytest.mark.parametrize("kind", [RunPlan, Step, *KINDS.values()], ids=lambda kind: kind.__name__)
def test_the_types_of_fields_are_those_that_typing_finds(kind: type[Any]) -> None:
    assert hints(kind) == get_type_hints(kind)
