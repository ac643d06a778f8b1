"""What Chaos Toolkit calls in the module of a control; it takes a name that is not there for nothing to say."""

from __future__ import annotations

CONTROL_FUNCTIONS = (
    *(
        f"{edge}_{level}_control"
        for level in ("activity", "method", "hypothesis", "experiment", "rollback", "loading_experiment")
        for edge in ("before", "after")
    ),
    "configure_control",
    "cleanup_control",
    "validate_control",
)
