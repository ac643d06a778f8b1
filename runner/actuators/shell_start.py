"""When a shell begins with its text, told by the shell itself.

It takes milliseconds to start, several times as many where every core is busy, and all the while nothing of the text has run. A
bash runs what BASH_ENV names before its text: here a line that says the time, and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping

from runner.clock import Clock, Stamp, moment_of

_LONGEST = 64
_MICROSECONDS = re.compile(r"(\d+)[.,](\d{6})")
#: Closed by the shell before it begins: what it starts inherits none of it.
_SCRIPT = 'unset BASH_ENV\nprintf %s "$EPOCHREALTIME" >&{told} || :\nexec {told}>&- {script}<&-\n'


class ShellStart:
    """One bash's word. Start it with `env` and the descriptors `given`, then close these; `told` is the end to listen at."""

    def __init__(self) -> None:
        """Raises OSError."""
        self.told, theirs = os.pipe()
        os.set_blocking(self.told, False)
        self.given = (theirs, os.memfd_create("gameday-shell-start"))
        os.write(self.given[1], _SCRIPT.format(told=theirs, script=self.given[1]).encode())

    @staticmethod
    def possible(shell: str, env: Mapping[str, str]) -> bool:
        """Whether it is a bash that is not told to run something else first, or to be another shell."""
        return shell == "bash" and not {"BASH_ENV", "POSIXLY_CORRECT", "SHELLOPTS"} & env.keys()

    @property
    def env(self) -> dict[str, str]:
        return {"BASH_ENV": f"/proc/self/fd/{self.given[1]}"}

    def stamp(self, clock: Clock, earliest: float, spawned: Stamp) -> Stamp:
        """When it began; when it was `spawned`, if it has not said so, or says what cannot be. Closes `told`."""
        data = b""
        with contextlib.suppress(OSError):
            data = os.read(self.told, _LONGEST)
        os.close(self.told)
        found = _MICROSECONDS.fullmatch(data.decode("ascii", "replace"))
        if found is None:
            return spawned
        t = moment_of(clock, int(found[1] + found[2]))
        # The wall clock may have been set meanwhile.
        return clock.stamp(t) if earliest <= t <= clock.now() else spawned
