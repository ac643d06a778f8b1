"""Which machines may be called, and which ones a value speaks of: in an address, inside another address, in a command.

What a command does with its words cannot be known. So whatever looks like a machine counts as one, and it is for the
target to allow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from runner.engine.plan import RunPlan
from runner.guard.calls import Call
from runner.guard.refusal import Refusal
from runner.specs.yaml import Path_

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\.?|[0-9a-f:.]*:[0-9a-f:.]*")
#: Endings by which a dotted word is told from a file or a Python name; of the countries only what no language uses.
_ENDING = re.compile(
    "com|org|net|edu|gov|mil|int|info|biz|io|dev|app|cloud|online|site|xyz|internal|intranet|local|localdomain|lan|corp"
    "|home|svc|arpa|example|test|invalid|localhost|eu|uk|de|fr|nl|be|ch|at|it|es|pt|pl|cz|se|no|dk|fi|ie|us|ca|mx|br|ar"
    "|au|nz|jp|cn|kr|in|sg|hk|tw|za",
    re.IGNORECASE,
)
# Each run of such characters is looked at once: a text of a megabyte must not take a second.
_ADDRESS = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]++://([^\s/?#'\"<>|;,)}\\]*+)")
_RUN = re.compile(r"[A-Za-z0-9_.-]++")
_PORT = re.compile(r":\d{1,5}(?![\w.])")
_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
#: `app.kubernetes.io/name` is a label.
_LABEL_KEYS = ("kubernetes.io", "k8s.io")
#: Characters of a host's name and port.
_LONGEST = 260
_SPLIT = re.compile(r"[\s'\"=,;()<>|\[\]{}]+")
#: Options and arguments whose value is a machine, however it looks.
_MEANS_HOST = re.compile(
    "-*((host|server)s?|host-?name|address|endpoint|(base-)?ur[li]|upstream|(remote|target)-host)", re.IGNORECASE
)
#: Headers that say which of the services behind an address is meant.
HOST_HEADERS = frozenset({"host", "x-forwarded-host", "x-host", ":authority"})
_LOGINS = frozenset({"ssh", "scp", "sftp", "rsync", "mosh", "autossh"})


# -- what is allowed ---------------------------------------------------------------------------------------------------


def allowed_hosts(plan: RunPlan) -> tuple[str, ...]:
    """Host patterns: the declared ones; the target's own addresses; for sandbox and local, this machine alone."""
    if plan.target.kind in ("sandbox", "local"):
        return _LOOPBACK
    declared = tuple(plan.target.allow.get("hosts", ()))
    own = (plan.target.url, *plan.target.vars.values())
    return declared or tuple(sorted({host for url in own if (host := _host_of(url))}))


def host_refused(plan: RunPlan, url: str) -> str:
    """Why a request to `url` is outside what the target allows; '' when it is inside."""
    host = _host_of(url)
    return machine_refused(plan, host) if host else f"{_unsigned(url)!r} is not an address that can be judged"


def machine_refused(plan: RunPlan, host: str) -> str:
    """Why this machine is outside what the target allows; '' when it is inside."""
    allowed = allowed_hosts(plan)
    bare = host.lower().rstrip(".")
    if any(_pattern(pattern).fullmatch(bare) for pattern in allowed):
        return ""
    return f"{host!r} is not among the hosts that target {plan.target.name} allows ({', '.join(allowed) or 'none'})"


def _pattern(written: str) -> re.Pattern[str]:
    return re.compile(re.escape(written.lower()).replace(r"\*", ".*"))


def _host_of(url: str) -> str:
    """The one host that every client would call; '' when two of them might disagree, or there is none."""
    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        return ""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        _ = parts.port
    except ValueError:
        return ""
    return host if parts.scheme and _is_host(host) else ""


def _is_host(text: str) -> bool:
    return len(text) <= _LONGEST and bool(_HOST.fullmatch(text.lower()))


def _unsigned(url: str) -> str:
    """Without what may be a password."""
    return re.sub(r"//[^/]*@", "//…@", url)


# -- what a value speaks of --------------------------------------------------------------------------------------------


def hosts_in(text: str) -> list[str]:
    """Every machine that a text names, addresses inside addresses included; each once."""
    found: list[str] = []
    reading = text
    for reading in _readings(text):
        found += [host for authority in _ADDRESS.findall(reading) if (host := _of_authority(authority))]
    # Without an address around it a name is one only once it is decoded.
    found += [run[0].rstrip(".") for run in _RUN.finditer(reading) if _is_machine(run)]
    found += [word for word in _SPLIT.split(reading) if word.count(":") > 1 and _is_ip(word)]
    return list(dict.fromkeys(host.lower() for host in found))


def _readings(text: str) -> Iterator[str]:
    """As it stands, and as it would be read after one or two rounds of percent-decoding."""
    for _ in range(3):
        yield text
        plainer = unquote(text)
        if plainer == text:
            return
        text = plainer


def _of_authority(authority: str) -> str:
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_machine(run: re.Match[str]) -> bool:
    """Whether this word is one, seen with what stands before and behind it: neither a path nor a name in a program."""
    word, text = run[0].rstrip("."), run.string
    before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
    if before in ("/", "$") or not all(label.strip("-") == label != "" for label in word.split(".")):
        return False
    with_port = bool(_PORT.match(text, run.end()))
    if "." not in word or _IPV4.fullmatch(word):
        return "." in word or (word == "localhost" and with_port)
    if word.replace(".", "").isdecimal() or (after == "/" and word.endswith(_LABEL_KEYS)):
        return False
    return with_port or before == "@" or (after != "(" and _is_domain(word))


def _is_domain(word: str) -> bool:
    ending = word.rpartition(".")[2]
    # `x.in` is Python's, `shop.stage.in` a machine.
    return bool(_ENDING.fullmatch(ending)) and (len(ending) > 2 or word.count(".") > 1)


def _is_ip(word: str) -> bool:
    try:
        ip_address(word.partition("%")[0])
    except ValueError:
        return False
    return True


def _words_of_options(words: Iterable[str]) -> Iterator[str]:
    """The machines in `--host NAME`, `--host=NAME` and `HOST=NAME`."""
    before = ""
    for word in words:
        option, sign, value = word.partition("=")
        if sign and _means_host(option):
            yield value
        elif _means_host(before) and before.startswith("--") and not word.startswith("-"):
            yield word
        before = word


def _means_host(name: str) -> bool:
    return bool(_MEANS_HOST.fullmatch(name.replace("_", "-")))


def _logged_in(words: list[str]) -> Iterator[str]:
    """`ssh user@prod`: a short name that only these commands take for a machine."""
    if not any(word.rpartition("/")[2] in _LOGINS for word in words):
        return
    for word in words:
        user, sign, rest = word.partition("@")
        host = rest.partition(":")[0]
        if sign and user and _is_host(host):
            yield host


def is_chaosk8s(call: Call) -> bool:
    """Whether the function is one of Chaos Toolkit's extension for Kubernetes, whose arguments have rules of their own."""
    return str(call.provider.get("module", "")).partition(".")[0] == "chaosk8s"


# -- the rule ----------------------------------------------------------------------------------------------------------


def judge_hosts(plan: RunPlan, call: Call) -> Iterator[Refusal]:
    """Machines outside the target's `hosts` that an action, or what undoes it, would reach. Probes only read."""
    for at, why in _outside(plan, call):
        cure = (
            "" if plan.target.kind in ("sandbox", "local") else "name it under allow: hosts if it belongs to the target"
        )
        yield Refusal(rule="hosts", what=f"{call.name}: {why}", where=call.file, at=at, cure=cure)


def _outside(plan: RunPlan, call: Call) -> Iterator[tuple[Path_, str]]:
    provider = call.provider
    if call.kind == "http":
        if call.sort == "probe" and str(provider.get("method", "GET")).upper() in ("GET", "HEAD", "OPTIONS"):
            return
        yield from _outside_http(plan, call)
    elif call.sort != "probe" and call.kind == "process":
        at: Path_ = (*call.at, "arguments" if provider.get("arguments") else "path")
        yield from _refused(plan, at, _in_command(call))
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
            yield from _refused(plan, (*call.at, "headers", name), [_of_authority(str(value))])
    for path, value in _leaves((*call.at, "arguments"), provider.get("arguments")):
        yield from _refused(plan, path, _in_value(path, value, call))


def _refused(plan: RunPlan, at: Path_, hosts: Iterable[str]) -> Iterator[tuple[Path_, str]]:
    for host in dict.fromkeys(hosts):
        if why := machine_refused(plan, host):
            yield at, why


def _in_command(call: Call) -> Iterator[str]:
    words = [word for word in command_words(call.provider) if not call.open(word)]
    for word in words:
        yield from hosts_in(word)
    pieces = [piece for word in words for piece in re.split(r"[\s'\"]+", word) if piece]
    yield from _words_of_options(pieces)
    yield from _logged_in(pieces)


def _in_value(path: Path_, value: Any, call: Call) -> list[str]:
    if call.open(value) or not isinstance(value, str):
        return []
    return named_hosts(next((part for part in reversed(path) if isinstance(part, str)), ""), value)


def named_hosts(name: str, value: str) -> list[str]:
    """The machines that the value of an argument speaks of, which is called `name`."""
    found = hosts_in(value)
    # A machine without a dot is told from other words only by what it is an argument for.
    return found or ([_of_authority(value)] if _means_host(name) and _is_host(value) else [])


def command_words(provider: Mapping[str, Any]) -> list[str]:
    """The command of a process provider as words; its arguments as one when they go through a shell."""
    arguments = provider.get("arguments")
    path = str(provider.get("path", ""))
    if isinstance(arguments, Mapping):
        return [path, *(str(word) for pair in arguments.items() for word in pair if word not in (None, ""))]
    if isinstance(arguments, list | tuple):
        return [path, *(str(word) for word in arguments if word not in (None, ""))]
    return [path, *([str(arguments)] if arguments else [])]


def _leaves(path: Path_, value: Any) -> Iterator[tuple[Path_, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves((*path, key), item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves((*path, index), item)
    else:
        yield path, value
