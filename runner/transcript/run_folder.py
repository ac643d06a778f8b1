"""The folder of one run: what it is called, and what the files in it are called. Each name stands here alone."""

from __future__ import annotations

import secrets
from datetime import datetime

from runner.filenames import file_stem

TRANSCRIPT = "transcript.jsonl"
#: Held while lines are appended to the transcript.
TRANSCRIPT_LOCK = "transcript.lock"
#: What people wrote in a review.
COMMENTS = "comments.jsonl"
REPORT = "report.md"
#: What people want changed in the runbook.
PATCH = "runbook.patch"
#: Held by the undo worker that works.
UNDO_LOCK = "undo.lock"
#: What should never happen, for whoever mends the tool; the second also what rollbacks print.
CONDUCTOR_LOG, UNDO_LOG, GUARDIAN_LOG = "conductor.log", "undo.log", "guardian.log"
#: What probes written in Python print.
PROBES_LOG = "probes.log"


def new_run_id(slug: str, moment: datetime) -> str:
    """The name of a run, and of its folder: `20261120-174003-payment-gateway-outage-7f3a`.

    It sorts by time; the last word alone names it too.
    """
    return f"{moment:%Y%m%d-%H%M%S}-{slug}-{secrets.token_hex(2)}"


def step_log(step: str, attempt: int) -> str:
    """Where the output of a step's command is kept."""
    return f"steps/{file_stem(step)}-{attempt}.log"


def chaos_log(experiment: str) -> str:
    """What Chaos Toolkit says of an experiment."""
    return f"chaos-{file_stem(experiment)}.log"


def journal(experiment: str) -> str:
    """Chaos Toolkit's own record of an experiment."""
    return f"journal-{file_stem(experiment)}.json"
