"""What the answers of an alert's probe amount to: it fires, it is cleared, or nobody can say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.engine.events import AlertAnswers, AlertCleared, AlertFired, AlertSilent, Event

#: Answers in a row that have to fail before the source counts as silent: one alone is noise.
_SILENT = 2

#: HTTP statuses from here on say something of the source, and nothing of the alert.
_SERVER_ERROR = 500


class AlertWatch:
    """One alert, fed answer by answer."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._firing = False
        self._unanswered = 0

    def take(self, *, ok: bool, answered: bool, value: Any, why: str, injected: bool) -> Event | None:
        """The event that one more answer is worth. `injected`: a fault went in before; `why`: what was wrong, or ''."""
        if not ok and not (answered and _speaks_of_it(value)):
            self._unanswered += 1
            return AlertSilent(alert=self._name, why=why) if self._unanswered == _SILENT else None
        silent, self._unanswered = self._unanswered >= _SILENT, 0
        if ok is not self._firing:
            self._firing = ok
            return AlertFired(alert=self._name, before=not injected) if ok else AlertCleared(alert=self._name)
        return AlertAnswers(alert=self._name) if silent else None


def _speaks_of_it(value: Any) -> bool:
    status = value.get("status") if isinstance(value, Mapping) and "body" in value else None
    return not isinstance(status, int) or status < _SERVER_ERROR
