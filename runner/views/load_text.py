"""What the load came to, in words: how much there was, how it ended, what its users raised."""

from __future__ import annotations

from collections.abc import Iterator

from runner.scoring.scorecard import LoadScore, RaisedFigures
from runner.views.text import duration


def load_lines(load: LoadScore) -> Iterator[str]:
    """The lines that the load is worth, not yet made inert; none without one."""
    if load.requests:
        yield (
            f"{load.requests} requests, {load.rate:.0f}/s on average over {duration(load.seconds)}, {load.max_users} users, "
            f"{load.failures} failed ({load.failures / load.requests:.1%})"
        )
    if load.ended is not None:
        yield f"it ended by itself at {duration(load.ended)}: {load.why}"
    if load.cut:
        yield cut_short(load.cut)
    yield from map(raised, load.exceptions)


def cut_short(seconds: float) -> str:
    """That the users were not let finish."""
    return f"on_stop or test_stop took longer than {seconds:g} s and was cut"


def raised(error: RaisedFigures) -> str:
    """`raised 12 times: KeyError: 'basket'  (drills/shop/locustfile.py:10:9)`."""
    times = "once" if error.count == 1 else f"{error.count} times"
    return f"raised {times}: {error.what}" + (f"  ({error.where})" if error.where else "")
