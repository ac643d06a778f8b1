"""Two faults that can be looked for from outside: a file, and a traffic shaper on a network device.

Each is a shell script that takes a while to apply it, another that takes it away however often it is asked to, and a
question to the system that no tool under test has a part in. Both scripts leave a trace of what they did, in order.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cage import Cage

_DEVICE = "pay0"
_ON_DEVICE = f"tc qdisc show dev {_DEVICE} | grep -q tbf"

_APPLY = """\
T={trace}
[ "$2" ] || echo began >>$T
case "$1" in
daemon) setsid sh -c 'setsid sh "$0" now again &' "$0"; exit 0 ;;
sudo) exec env -i PATH="$PATH" setsid -w sh "$0" now again ;;
esac
sleep {before}
{on}
echo applied >>$T
sleep {after}
"""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How long things take, in s: until the fault is in, until the command returns after that, and the undo.

    `way`: now; sudo, as which the command runs in a session of its own and without its starter's environment; daemon, a
    process that the command leaves behind applies it; background, where the method does not wait.
    """

    before: float
    after: float
    undo: float
    way: str

    @classmethod
    def draw(cls, rng: random.Random, *, undo: tuple[float, float]) -> Shape:
        """Any shape, the plain `now` most often."""
        return cls(
            before=round(rng.uniform(0.2, 1.5), 3),
            after=round(rng.uniform(0.0, 0.4), 3),
            undo=round(rng.uniform(*undo), 3),
            way=rng.choices(["now", "sudo", "daemon", "background"], [5, 2, 2, 2])[0],
        )


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`root` is the folder of the trial; `kind` is file or tc."""

    kind: str
    root: Path
    shape: Shape

    @property
    def marker(self) -> Path:
        return self.root / "marker"

    @property
    def trace(self) -> Path:
        return self.root / "trace"

    def lay_out(self) -> None:
        """Write the scripts."""
        on, off, gone = self._commands()
        trace, shape = self.trace, self.shape
        self._write("apply", _APPLY.format(trace=trace, on=on, before=shape.before, after=shape.after))
        self._write("undo", f"echo undoing >>{trace}\nsleep {shape.undo}\n{off} || exit 1\necho undone >>{trace}\n")
        self._write("gone", f"{gone}\n")
        trace.touch()

    def prepare(self, cage: Cage, env: dict[str, str]) -> None:
        """What the fault needs to be there."""
        if self.kind == "tc":
            for words in (f"link add {_DEVICE} type veth peer name pay1", f"link set {_DEVICE} up", "link set lo up"):
                code = cage.call(["ip", *words.split()], cwd=self.root, out=self.root / "ip.log", env=env)
                if code:
                    raise RuntimeError(f"ip {words}: {(self.root / 'ip.log').read_text()}")

    def present(self, cage: Cage) -> bool:
        """Whether the fault is in, now."""
        if self.kind == "file":
            return self.marker.exists()
        net = f"--net=/proc/{cage.init}/ns/net"
        return b"tbf" in subprocess.check_output(["nsenter", net, "tc", "qdisc", "show", "dev", _DEVICE])

    def told(self) -> list[str]:
        """What the scripts did so far, in order: began, applied, undoing, undone."""
        return self.trace.read_text().split()

    def experiment(self, *, hold: float = 0.0, extension: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The document; `hold` lets the method last, `extension` is what only Gameday needs to know."""
        action: dict[str, Any] = {"type": "action", "name": "put it in", "provider": self._script("apply")}
        if self.shape.way == "background":
            action["background"] = True
        if hold:
            action["pauses"] = {"after": hold}
        document: dict[str, Any] = {
            "title": "A fault",
            "description": "It can be seen from outside.",
            "method": [action],
            "rollbacks": [{"type": "action", "name": "take it out", "provider": self._script("undo")}],
        }
        if extension:
            document["extensions"] = [{"name": "gameday", **extension}]
        return document

    def gone(self) -> dict[str, Any]:
        """An `undone-when`."""
        return {"name": "it is gone", "provider": self._script("gone"), "tolerance": 0}

    def _commands(self) -> tuple[str, str, str]:
        if self.kind == "file":
            return f"touch {self.marker}", f"rm -f {self.marker}", f"test ! -e {self.marker}"
        return (
            f"tc qdisc replace dev {_DEVICE} root tbf rate 256kbit burst 16kbit latency 400ms",
            f"tc qdisc del dev {_DEVICE} root 2>/dev/null || ! {_ON_DEVICE}",
            f"! {_ON_DEVICE}",
        )

    def _script(self, name: str) -> dict[str, Any]:
        words = [str(self.root / name), *([self.shape.way] if name == "apply" else [])]
        return {"type": "process", "path": "sh", "arguments": words}

    def _write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)
