"""What a provider raises past the toolkit's own handling: an answer that is not the JSON it claims to be, an address
that cannot be parsed, endless redirects.

The toolkit takes down the whole experiment for it. A probe that raises has failed, as with any other error; an action
that raises ends the method, because nobody knows what it did; the gate tells what it raised.
"""

from __future__ import annotations

from typing import Any

from runner.actuators.shims.toolkit import ActivityFailed, ChaosException, activities, hypotheses

_run_activity = activities.run_activity


def take_raising() -> None:
    """From here on what a probe raises is that probe's failure."""
    activities.run_activity = hypotheses.run_activity = _run


def _run(activity: dict[str, Any], configuration: Any, secrets: Any) -> Any:
    try:
        return _run_activity(activity, configuration, secrets)
    except ChaosException:
        raise
    except Exception as error:
        if activity.get("type") == "action":
            raise
        raise ActivityFailed(f"{type(error).__name__}: {error}") from None
