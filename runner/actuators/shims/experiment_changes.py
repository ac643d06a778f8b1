"""What an experiment has become while it ran: its configuration, its secrets and its document, as they were changed.

Chaos Toolkit hands the same three mappings to every control, and configuration and secrets to every Python activity
too. What these change there is what the rollbacks get. Here each rollback runs in a process of its own, so the changes
have to be sent from one process to the next.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from runner.actuators.journal import plain
from runner.actuators.shims.toolkit import Control
from runner.actuators.shims.wire import Message, leaves
from runner.redact import Redaction

#: The toolkit itself fills in the title, and the conductor's own key says nothing.
_NOT_CHANGES = ("title", "dry")
#: A background activity may be changing a mapping at the moment it is copied.
_TRIES = 100


class ExperimentChanges:
    """Watches the three mappings of one experiment. Ask it from any thread."""

    def __init__(
        self,
        experiment: Mapping[str, Any],
        configuration: Mapping[str, Any],
        secrets: Mapping[str, Any],
        redaction: Redaction,
        *,
        document: Mapping[str, Any] | None = None,
    ) -> None:
        """`document` is the experiment as others know it, when `experiment` may have been changed already."""
        self._experiment = experiment
        self._configuration = configuration
        self._secrets = secrets
        self._redaction = redaction
        self._document = _text(_telling(experiment if document is None else document))
        self._resolved = _flat(configuration, secrets)
        self._told: tuple[Any, ...] = ()
        self._lock = threading.Lock()

    def news(self, hide: Callable[[list[str]], None]) -> Message | None:
        """The configuration, the document where it was changed, and what was withheld; None if nothing is new.

        `hide` is told first which secrets have come up.
        """
        with self._lock:
            now = (_text(self._configuration), _text(self._secrets), _text(_telling(self._experiment)))
            if now == self._told:
                return None
            if self._told and now[1] != self._told[1]:
                own = list(leaves(self._secrets))
                self._redaction.learn(own)
                hide(own)
            self._told = now
            return {
                "configuration": self._redaction.value(json.loads(now[0])),
                "document": {} if now[2] == self._document else self._redaction.value(_whole(self._experiment)),
                "withheld": self._withheld(),
            }

    def _withheld(self) -> list[str]:
        """The names whose value changed and holds a secret: its source would give the one from before."""
        now = _flat(self._configuration, self._secrets)
        changed = {name: text for name, text in now.items() if self._resolved.get(name) != text}
        return sorted(name for name, text in changed.items() if self._redaction.text(text) != text)


def after_controls(look: Callable[[], None]) -> None:
    """Call `look` after every round of controls but the last, which Chaos Toolkit plays behind the rollbacks.

    No event comes after the controls of an activity, and a control of one's own would come before the others.
    """
    Control.begin = _followed(Control.begin, look)
    Control.end = _followed(Control.end, look, but="experiment")


def _followed(round_: Callable[..., None], look: Callable[[], None], but: str = "") -> Callable[..., None]:
    @wraps(round_)
    def followed(control: Any, level: str, *args: Any, **named: Any) -> None:
        try:
            round_(control, level, *args, **named)
        finally:
            if level != but:
                look()

    return followed


def _telling(experiment: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in experiment.items() if key not in _NOT_CHANGES}


def _whole(experiment: Mapping[str, Any]) -> Any:
    return json.loads(_text(experiment))


def _flat(configuration: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, str]:
    """name → value as text: of the configuration, of each group of secrets and of each secret."""
    flat = {str(name): _text(value) for name, value in dict(configuration).items()}
    for group, values in dict(secrets).items():
        flat[str(group)] = _text(values)
        flat |= {str(name): _text(value) for name, value in values.items()} if isinstance(values, dict) else {}
    return flat


def _text(value: Any) -> str:
    for _ in range(_TRIES):
        try:
            return json.dumps(plain(value), sort_keys=True, ensure_ascii=False)
        except RuntimeError:
            continue
    raise RuntimeError("the experiment changes faster than it can be read")
