"""The load child: `python -m runner.actuators.shims.load FD`, Locust behind a socket.

FD is one end of a unix stream socket; JSON objects, one a line, go both ways. Times are seconds of the run's clock.

    owner → child   {"do": "start", "locustfiles", "conf", "host", "users", "spawn_rate", "processes", "env", "origin", "watch",
                     "folder", "redact"}, {"do": "beat"}, {"do": "where"}, {"do": "stop"}
    child → owner   {"kind": "ready"}
                    {"kind": "started", "t", "users", "classes"}
                    {"kind": "sample", "t0", "t1", "users", "requests"}     every 0.5 s, silent ones too
                    {"kind": "spawned", "t", "users"}
                    {"kind": "where", "at"}     at once, also when the load hangs: file:line:column, or ""
                    {"kind": "ended", "t", "why", "exit_code", "cut", "exceptions"}, or
                    {"kind": "failed", "why", "locustfile"}, once, last

The child is spawned early, imports Locust and waits. It ends with its owner; see `load_lifeline`.
"""

from __future__ import annotations

import os
import sys

from runner.actuators.shims.load_owner import Owner


def main() -> None:
    """Run the child; never returns."""
    fd = int(sys.argv[1])
    os.set_inheritable(fd, False)
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # the lifeline kills a group: it must be ours alone
    owner = Owner(fd)
    owner.lifeline.start()
    try:
        # Importing Locust changes the interpreter and takes 0.4 s: the lifeline has to be there before.
        from runner.actuators.shims import locust_run
    except ImportError as error:
        owner.tell({"kind": "failed", "why": f"Locust cannot be imported: {error}; reinstall gameday-runner"})
        os._exit(1)
    owner.tell({"kind": "ready"})
    locust_run.run(owner)


if __name__ == "__main__":
    main()
