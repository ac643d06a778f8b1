"""Who may stand behind an event: people, by the name they give, and the processes of a run."""

from __future__ import annotations

#: The processes of a run, as their events name them; everybody else is a person.
PROCESSES = frozenset({"conductor", "guardian", "undo", "chaos", "load", "watch", "probe", "command"})

#: Roles in which somebody's `detected` is a notice: a facilitator, an observer and a script know beforehand. '' is that of
#: a transcript which does not say.
NOTICES = ("", "participant")

_LONGEST = 60


def not_a_name(name: str) -> str:
    """Why nobody can be called so; '' for a name."""
    if not name.strip():
        return "say who you are"
    if len(name) > _LONGEST:
        return f"a name has at most {_LONGEST} characters"
    return f"{name} is a part of Gameday itself" if name in PROCESSES else ""
