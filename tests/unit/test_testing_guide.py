"""The example of docs/testing.md is a test that passes, on the drill that ships."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def example() -> dict[str, Any]:
    """What the guide's example defines."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/testing.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/testing.md", "exec"), names)  # our own page
    return names


def test_the_guides_example_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    example()["test_the_runbook_gets_checkouts_back"](tmp_path)
