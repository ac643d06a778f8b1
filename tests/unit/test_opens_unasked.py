"""Which methods may change something before an action asks: they are recorded as begun before they begin."""

from __future__ import annotations

from typing import Any

import pytest

from runner.specs.document import opens_unasked

ACTION = {"type": "action", "name": "break it"}
PROBE = {"type": "probe", "name": "look"}
CONTROLS = [{"name": "c", "provider": {"type": "python", "module": "m"}}]
UNDO = {"rollbacks": [ACTION]}


@pytest.mark.parametrize(
    ("document", "unasked"),
    [
        ({"method": [ACTION], **UNDO}, False),
        ({"method": [ACTION, PROBE], **UNDO}, False),
        ({"method": [{**ACTION, "background": True}], **UNDO}, False),
        ({"method": [PROBE, ACTION], **UNDO}, True),
        ({"method": [PROBE], **UNDO}, True),
        ({"method": [{**PROBE, "background": True}], **UNDO}, True),
        ({"method": [], **UNDO}, True),
        ({"method": [{"ref": "break it"}, ACTION], **UNDO}, False),
        ({"method": [{"ref": "look"}], "steady-state-hypothesis": {"probes": [PROBE]}, **UNDO}, True),
        ({"method": [ACTION], "controls": CONTROLS}, True),
        ({"method": [{**ACTION, "controls": CONTROLS}]}, True),
        ({"method": [ACTION, {**ACTION, "controls": CONTROLS}]}, False),
        ({"method": [], "controls": CONTROLS}, True),
        # Nothing to undo, and nobody who could add something.
        ({"method": []}, False),
        ({"method": [PROBE]}, False),
    ],
)
def test_it_is_known_from_the_document(document: dict[str, Any], unasked: bool) -> None:
    assert opens_unasked(document) is unasked
    assert opens_unasked(document, controlled=True)
