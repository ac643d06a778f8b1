"""What `check` says of a locustfile without importing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import Problem
from runner.specs.locustfile_checks import check_locustfiles


def check_locustfile(path: Path, file: str) -> list[Problem]:
    return check_locustfiles({path: file})


@pytest.mark.parametrize(
    "source",
    [
        "from locust import HttpUser\nclass Shopper(HttpUser): pass",
        "import locust\nclass Shopper(locust.FastHttpUser): pass",
        "from locust import HttpUser as Base\nif True:\n    class Shopper(Base): pass",
        "from pytest import Shopper",
        "from locust import User\nShopper = type('Shopper', (User,), {})",
        "def test_checkout(session): session.get('/')",
        "class Base(HttpUser):\n    abstract = True\nclass Shopper(Base): pass",
        "raise SystemExit  # never run\nclass Shopper(HttpUser): pass",
    ],
)
def test_it_may_hold_a_user(tmp_path: Path, source: str) -> None:
    path = tmp_path / "locustfile.py"
    path.write_text(source)
    assert check_locustfile(path, str(path)) == []


@pytest.mark.parametrize(
    ("source", "where", "what"),
    [
        (b"x = 1\nclass (:\n", (2, 7), "is not Python: invalid syntax"),
        (b"x = '\xff'\n", (1, 8), "is not Python: "),
        (b"\0", (1, 1), "is not Python: source code string cannot contain null bytes"),
        (b"", (1, 1), "defines no User class"),
        (b"from locust import HttpUser, task\n", (1, 1), "defines no User class"),
        (b"class Shopper: pass\n", (1, 1), "defines no User class"),
        (b"class Shape(LoadTestShape): pass\nclass Steeper(Shape): pass", (1, 1), "defines no User class"),
        (b"class Shopper(HttpUser):\n    abstract = True\n", (1, 1), "defines no User class"),
        (b"def make():\n    class Shopper(HttpUser): pass\n", (1, 1), "defines no User class"),
    ],
)
def test_it_cannot_be_run(tmp_path: Path, source: bytes, where: tuple[int, int], what: str) -> None:
    path = tmp_path / "locustfile.py"
    path.write_bytes(source)
    (problem,) = check_locustfile(path, str(path))
    assert problem.file == str(path)
    assert (problem.line, problem.column) == where
    assert problem.what.startswith(what)


def test_it_is_not_there(tmp_path: Path) -> None:
    (problem,) = check_locustfile(tmp_path / "locustfile.py", "locustfile.py")
    assert problem.what == "there is no such file"


# -- imports -----------------------------------------------------------------------------------------------------------

_USERS = "from locust import HttpUser\nclass Shopper(HttpUser): pass\n"


def _with(tmp_path: Path, source: str, **beside: str) -> list[str]:
    for name, text in {"locustfile": _USERS + source, "baskets": "x = 1\n", **beside}.items():
        path = tmp_path / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return [str(problem) for problem in check_locustfile(tmp_path / "locustfile.py", "drills/d/locustfile.py")]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import baskts", "3:8: there is no module 'baskts'; did you mean 'baskets'?"),
        ("import os, no_such_thing.deep as x", "3:12: there is no module 'no_such_thing'; install it"),
        ("from no_such_thing import y", "3:1: there is no module 'no_such_thing'; install it"),
        ("def later():\n    import no_such_thing", "4:12: there is no module 'no_such_thing'; install it"),
        ("try:\n    import no_such_thing\nfinally:\n    pass", "4:12: there is no module 'no_such_thing'"),
        ("try:\n    import no_such_thing\nexcept KeyError:\n    pass", "4:12: there is no module 'no_such_thing'"),
        ("from .baskets import x", "3:1: a locustfile is no part of a package"),
        ("import shop.absent", "3:8: there is no module 'shop.absent' beside it"),
        ("import locust.evnt", "3:8: there is no module 'locust.evnt'; did you mean 'event'?"),
        (
            "from locust.contrib.fasthtp import x",
            "3:1: there is no module 'locust.contrib.fasthtp'; did you mean 'fasthttp'?",
        ),
        (
            "import locust.zzzz.y",
            "3:8: there is no module 'locust.zzzz'; the locust that is installed has none of this name",
        ),
    ],
)
def test_a_module_that_is_not_there_is_named(tmp_path: Path, source: str, said: str) -> None:
    (found,) = _with(tmp_path, source, shop__prices="")
    assert found.startswith(f"drills/d/locustfile.py:{said}")


@pytest.mark.parametrize(
    "source",
    [
        "import os.path, locust.contrib.fasthttp, baskets",
        "import yaml, click.testing",
        "from baskets import x",
        "from shop import prices\nimport shop.prices",
        "try:\n    import no_such_thing\nexcept ImportError:\n    no_such_thing = None",
        "try:\n    import no_such_thing\nexcept (OSError, ModuleNotFoundError):\n    pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import no_such_thing",
        "import sys\nsys.path.insert(0, 'lib')\nimport no_such_thing",
    ],
)
def test_a_module_that_may_be_there_is_not(tmp_path: Path, source: str) -> None:
    assert _with(tmp_path, source, shop__prices="") == []


def test_what_a_module_beside_it_lacks_is_named_there(tmp_path: Path) -> None:
    (found,) = _with(tmp_path, "import shop.cart", shop__cart="from . import prices\nimport no_such_thing\n")
    assert found.startswith("drills/d/shop/cart.py:2:8: there is no module 'no_such_thing'")


def test_modules_in_the_repositorys_root_are_found(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "common.py").write_text("")
    file = tmp_path / "d/locustfile.py"
    file.write_text(_USERS + "import common\n")
    assert check_locustfiles({file: "f"}, tmp_path) == []
    assert len(check_locustfiles({file: "f"})) == 1


# -- several -----------------------------------------------------------------------------------------------------------


def test_of_several_one_with_users_is_enough(tmp_path: Path) -> None:
    for name, text in {"a": "x = 1\n", "b": _USERS}.items():
        (tmp_path / f"{name}.py").write_text(text)
    assert check_locustfiles({tmp_path / "a.py": "a.py", tmp_path / "b.py": "b.py"}) == []
    (none,) = check_locustfiles({tmp_path / "a.py": "a.py"})
    assert str(none).startswith("a.py:1:1: defines no User class")


def test_two_users_of_one_name_are_named(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.py").write_text(_USERS)
    (twice,) = check_locustfiles({tmp_path / "a.py": "a.py", tmp_path / "b.py": "b.py"})
    assert str(twice) == "b.py:2:1: the User class 'Shopper' is defined in a.py too; rename one of them"
