"""What was released is read for ever: every transcript of every version, with its scorecard, as it was.

`tests/transcripts/record.py` recorded them, of real runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from runner.engine.events import KINDS
from runner.scoring.score import score, to_json
from runner.transcript.reader import read, verify
from runner.views.replay import Replay
from runner.views.report import debrief, report

_KEPT = sorted((Path(__file__).parents[1] / "transcripts").glob("*/*.jsonl"))
#: What every line holds beside its event's own fields.
_ENVELOPE = frozenset({"seq", "at", "t", "kind", "by", "prev"})
_EIGHT = {
    "payment-gateway-outage",
    "checkout-process-killed",
    "slow-dependency",
    "cache-lost",
    "abort",
    "kill-and-recover",
    "tabletop",
    "relapse",
}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    yield from map(json.loads, path.read_text().splitlines())


def _missing(kept: Any, now: Any, at: str = "") -> Iterator[str]:
    """Where what was kept is another now; what came to it since is no difference."""
    if isinstance(kept, dict) and isinstance(now, dict):
        for key, value in kept.items():
            if key in now:
                yield from _missing(value, now[key], f"{at}.{key}")
            else:
                yield f"{at}.{key} is gone"
    elif isinstance(kept, list) and isinstance(now, list) and len(kept) == len(now):
        for index, (before, after) in enumerate(zip(kept, now, strict=True)):
            yield from _missing(before, after, f"{at}[{index}]")
    elif kept != now:
        yield f"{at} was {kept!r} and is {now!r}"


def _dropped(line: dict[str, Any]) -> set[str]:
    """The fields of a line that its event no longer has, or its kind."""
    event = KINDS.get(line["kind"])
    if event is None:
        return {line["kind"]}
    return line.keys() - _ENVELOPE - {field.name for field in fields(event)}


def test_a_version_keeps_all_eight() -> None:
    versions = {path.parent for path in _KEPT}
    assert versions
    for version in versions:
        assert {path.stem for path in version.glob("*.jsonl")} == _EIGHT
        assert {path.stem for path in version.glob("*.json")} == _EIGHT


@pytest.mark.parametrize("path", _KEPT, ids=lambda path: f"{path.parent.name}/{path.stem}")
class TestKept:
    def test_it_is_whole(self, path: Path) -> None:
        assert verify(path) == []

    def test_no_kind_and_no_field_of_it_was_dropped(self, path: Path) -> None:
        assert {name for line in _lines(path) for name in _dropped(line)} == set()

    def test_it_scores_as_it_did(self, path: Path) -> None:
        card = json.loads(path.with_suffix(".json").read_text())
        assert list(_missing(card, to_json(score(read(path))))) == []

    def test_it_is_shown(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "transcript.jsonl").write_bytes(path.read_bytes())
        card = json.loads(path.with_suffix(".json").read_text())
        assert card["headline"] in report(debrief(tmp_path, tmp_path))
        replay = Replay(tmp_path)
        replay.seek(replay.end)
        assert replay.model.state.closed is not None


def test_what_was_dropped_is_found() -> None:
    line = next(_lines(_KEPT[0]))
    assert _dropped({**line, "colour": "red"}) == {"colour"}
    assert _dropped({**line, "kind": "run-began"}) == {"run-began"}
    assert list(_missing({"a": {"b": 1}, "c": [1]}, {"a": {"b": 2, "d": 3}, "c": [1]})) == [".a.b was 1 and is 2"]
    assert list(_missing({"a": 1}, {})) == [".a is gone"]
