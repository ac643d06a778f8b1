"""Every file and module that documentation, docstrings and comments name is there."""

from __future__ import annotations

import pytest
from named_paths import ROOT, missing

_PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
#: What was, was named as it was then.
_TEXTS = [page for page in _PAGES if page.name != "CHANGELOG.md"]
_SOURCES = [*ROOT.glob("runner/**/*.py"), *ROOT.glob("tests/**/*.py")]


@pytest.mark.parametrize("page", _TEXTS, ids=lambda page: page.name)
def test_a_page_names_only_what_is_there(page: object) -> None:
    assert missing(page.read_text()) == []  # type: ignore[attr-defined]


def test_sources_name_only_what_is_there() -> None:
    wrong = {str(path.relative_to(ROOT)): found for path in _SOURCES if (found := missing(path.read_text()))}
    wrong.pop("tests/unit/test_named_paths.py", None)
    assert wrong == {}


@pytest.mark.parametrize(
    "text",
    [
        "`runner/nowhere`",
        "`runner/engine/nothing.py`",
        "`runner.engine.nothing`",
        "`runner.engine.decide.nothing`",
        "`tests/unit/test_nothing.py`",
        "`nothing.py`",
        "`screens/nothing.py`",
    ],
)
def test_what_is_not_there_is_found(text: str) -> None:
    assert missing(f"See {text} for more.") == [text.strip("`")]


def test_what_is_there_is_not() -> None:
    text = "`runner/engine`, `runner/engine/decide.py`, `runner.engine.decide.decide()`, `runner.engine`, `decide.py`"
    assert missing(text + " `tui/room.tcss` `locustfile.py` `runner/actuators/shims/load*`") == []
