"""Which machines may be called, and whether a call stays among them.

What a call speaks of is read by `runner.guard.mentions`, of a command by `runner.guard.command_hosts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runner.engine.plan import RunPlan
from runner.guard.mentions import HOST_HEADERS, given_hosts, hosts_in, named_hosts
from runner.guard.refusal import Refusal
from runner.planning.calls import Call, planned_calls, target_variables
from runner.specs.hostname import canonical, fits
from runner.specs.place import Path_
from runner.targets.registry import driver_of

if TYPE_CHECKING:
    from runner.guard.command_hosts import ReachedHost

#: What is known before the command begins: configuration, at the gate; and what a target says of itself once it is found.
_LATER = re.compile(r"(?<!\$)\$\{[A-Za-z_][A-Za-z0-9_.-]*\}|\$TARGET_|\$\{TARGET_")


# -- what is allowed ---------------------------------------------------------------------------------------------------


def allowed_hosts(plan: RunPlan) -> tuple[str, ...]:
    """Host patterns: those of the target's kind, where it has any; else the declared ones, or the target's own addresses."""
    if fixed := driver_of(plan.target.kind).allowed_hosts:
        return fixed
    declared = tuple(plan.target.allow.get("hosts", ()))
    return declared or tuple(sorted(set(_own_hosts(plan))))


def _own_hosts(plan: RunPlan) -> Iterator[str]:
    for name, value in (("url", plan.target.url), *plan.target.vars.items()):
        if "://" in value:
            yield from filter(None, [_host_of(value)])
        else:
            yield from (host for host in named_hosts(name, value) if canonical(host))


def host_refused(plan: RunPlan, url: str) -> str:
    """Why a request to `url` is outside what the target allows; '' when it is inside."""
    host = _host_of(url)
    return machine_refused(plan, host) if host else f"{_unsigned(url)!r} is not an address that can be judged"


def machine_refused(plan: RunPlan, host: str) -> str:
    """Why this machine is outside what the target allows; '' when it is inside."""
    allowed = allowed_hosts(plan)
    if any(fits(pattern, host) for pattern in allowed):
        return ""
    return f"{host!r} is not among the hosts that target {plan.target.name} allows ({', '.join(allowed) or 'none'})"


def _host_of(url: str) -> str:
    """The one host that every client would call; '' when two of them might disagree, or there is none."""
    if not url.isprintable() or "\\" in url or " " in url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return ""
    signed = parts.netloc.rpartition("@")[0]
    return host if parts.scheme and signed.isascii() and canonical(host) else ""


def _unsigned(url: str) -> str:
    """Without what may be a password."""
    return re.sub(r"//[^/]*@", "//…@", url)


def is_chaosk8s(call: Call) -> bool:
    """Whether the function is one of Chaos Toolkit's extension for Kubernetes, whose arguments have rules of their own."""
    return str(call.provider.get("module", "")).partition(".")[0] == "chaosk8s"


# -- the rule ----------------------------------------------------------------------------------------------------------


def judge_hosts(plan: RunPlan, call: Call) -> Iterator[Refusal]:
    """Machines outside the target's `hosts` that an action, or what undoes it, would reach. Probes only read."""
    fixed = driver_of(plan.target.kind).allowed_hosts
    for at, why in _outside(plan, call):
        cure = "" if fixed else "name it under allow: hosts if it belongs to the target"
        yield Refusal(rule="hosts", what=f"{call.name}: {why}", where=call.file, at=at, cure=cure)


def unseen_hosts(plan: RunPlan) -> Iterator[str]:
    """One remark on every command whose machine only the run will tell: it stands in a variable of the shell."""
    for call in planned_calls(plan):
        if call.kind == "process" and call.sort != "probe":
            for each in _reached(plan, call):
                if not each.known and not _LATER.search(each.host):
                    yield f"{call.file}: {call.name}: which machine {each.program} reaches ({each.host}) cannot be seen"


def _reached(plan: RunPlan, call: Call) -> list[ReachedHost]:
    if not call.provider.get("arguments"):
        return []
    from runner.guard.command_hosts import reached_by  # many runs have no command with arguments

    return reached_by(call.provider, target_variables(plan.target))


def _outside(plan: RunPlan, call: Call) -> Iterator[tuple[Path_, str]]:
    provider = call.provider
    if call.kind == "http":
        if call.sort == "probe" and str(provider.get("method", "GET")).upper() in ("GET", "HEAD", "OPTIONS"):
            return
        yield from _outside_http(plan, call)
    elif call.sort != "probe" and call.kind == "process":
        at: Path_ = (*call.at, "arguments" if provider.get("arguments") else "path")
        yield from _refused(plan, at, (each.host for each in _reached(plan, call) if each.known))
    elif call.sort != "probe" and call.kind == "python" and not is_chaosk8s(call):
        for path, value in _leaves((*call.at, "arguments"), provider.get("arguments")):
            yield from _refused(plan, path, _in_value(path, value, call))


def _outside_http(plan: RunPlan, call: Call) -> Iterator[tuple[Path_, str]]:
    provider = call.provider
    url = str(provider.get("url", ""))
    if not call.open(url) and (why := host_refused(plan, url)):
        yield (*call.at, "url"), why
    elif not call.open(url):
        # The first is the one that was judged; the rest is what it is told to call.
        rest = url.partition("//")[2].removeprefix(urlsplit(url).netloc)
        yield from _refused(plan, (*call.at, "url"), hosts_in(rest))
    headers = provider.get("headers")
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        if name.lower() in HOST_HEADERS and not call.open(value):
            yield from _refused(plan, (*call.at, "headers", name), given_hosts(str(value)))
    for path, value in _leaves((*call.at, "arguments"), provider.get("arguments")):
        yield from _refused(plan, path, _in_value(path, value, call))


def _refused(plan: RunPlan, at: Path_, hosts: Iterable[str]) -> Iterator[tuple[Path_, str]]:
    for host in dict.fromkeys(hosts):
        if why := machine_refused(plan, host):
            yield at, why


def _in_value(path: Path_, value: Any, call: Call) -> list[str]:
    if call.open(value) or not isinstance(value, str):
        return []
    return named_hosts(next((part for part in reversed(path) if isinstance(part, str)), ""), value)


def _leaves(path: Path_, value: Any) -> Iterator[tuple[Path_, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves((*path, key), item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves((*path, index), item)
    else:
        yield path, value
