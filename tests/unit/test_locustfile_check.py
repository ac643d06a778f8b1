"""What `check` says of a locustfile without importing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.specs.locustfile import check_locustfile


@pytest.mark.parametrize(
    "source",
    [
        "from locust import HttpUser\nclass Shopper(HttpUser): pass",
        "import locust\nclass Shopper(locust.FastHttpUser): pass",
        "from locust import HttpUser as Base\nif True:\n    class Shopper(Base): pass",
        "from shop.users import Shopper",
        "from .users import Shopper",
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
