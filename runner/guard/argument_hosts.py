"""The machines in one word of a command, by what the word is to its program (`runner.guard.programs.Kind`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from runner.guard.mentions import HOST_HEADERS, given_hosts, means_host, named_hosts, of_authority
from runner.guard.programs import Kind

#: Options of `ssh -o` that name a machine; and those whose value is a command, read by `lines_of`.
_SSH_HOSTS = frozenset({"hostname", "proxyjump"})
_SSH_FORWARDS = frozenset({"localforward", "remoteforward"})
_SSH_LINES = frozenset({"proxycommand", "localcommand", "remotecommand", "knownhostscommand"})
#: What selects everything that an inventory has.
_WHOLE_INVENTORY = frozenset({"all", "*", "ungrouped", ""})
#: Headers whose value may look like a machine: a program, a person, a type.
_PLAIN_HEADERS = frozenset({"user-agent", "from", "accept", "content-type", "cookie", "authorization"})
#: `ana@example.com`, without a port or a path: where a program has no machines it is somebody's address.
_MAIL = re.compile(r"[\w.+-]+@[\w-]++(?:\.[\w-]++)++(?![:/.\w])")
_IMPORTED = re.compile(r"\b(?:import|from)\s+[\w.]+")
_SOCAT_LINE = re.compile(r"(?:exec|system|shell):(.*)", re.IGNORECASE | re.DOTALL)
_SOCAT = re.compile(r"(?:tcp|udp|sctp|openssl|ssl|socks|proxy)[a-z0-9-]*:((?:\[[^\]]*\]|[^:,])+)", re.IGNORECASE)


def hosts_of(kind: Kind, word: str) -> Iterator[str]:
    """The machines that a word of this kind names; none for kinds that name none."""
    reader = _READERS.get(kind)
    if reader is not None:
        yield from reader(word)


def line_of(kind: Kind, word: str) -> str:
    """The shell line that a word holds; '' when it holds none."""
    if kind == "line":
        return word
    if kind == "setting":
        key, value = _setting(word)
        return value if key in _SSH_LINES else ""
    if kind == "socat" and (found := _SOCAT_LINE.match(word)):
        return found[1].partition(",")[0]
    return ""


def plain_in(kind: Kind, word: str) -> Iterator[str]:
    """What of a word of a known program only looks like a machine: it knows where that program has machines."""
    if kind == "plain" or (kind == "remote" and ":" not in word):
        yield word
    elif kind == "code":
        yield from _IMPORTED.findall(word)
    elif kind == "header" and word.partition(":")[0].strip().lower() in _PLAIN_HEADERS:
        yield word
    elif kind in ("value", "endpoint"):
        yield from _MAIL.findall(word)


def _remote(word: str) -> Iterator[str]:
    """`machine:path`, `machine::module`; a slash before the colon makes a file of it."""
    if "://" in word:
        yield from given_hosts(word)
    elif ":" in word and "/" not in word.partition(":")[0]:
        yield from _one(word)


def _one(word: str) -> Iterator[str]:
    if host := of_authority(word):
        yield host


def _name(word: str) -> Iterator[str]:
    if (name := word.rpartition("@")[2]) not in ("", "default"):
        yield name


def _assignment(word: str) -> Iterator[str]:
    name, _, value = word.partition("=")
    yield from named_hosts(name, value)


def _replicas(word: str) -> Iterator[str]:
    """`machine:port`, or `set/one:port,two:port`."""
    yield from given_hosts(word if "://" in word else word.rpartition("/")[2])


def _forward(word: str) -> Iterator[str]:
    """`port:machine:port` and `address:port:machine:port`: what is behind the tunnel."""
    parts = re.findall(r"\[[^\]]*\]|[^:]+", word)
    if len(parts) > 2:
        yield from given_hosts(parts[-2])


def _setting(word: str) -> tuple[str, str]:
    key, _, value = re.sub(r"[=\s]+", "=", word.strip(), count=1).partition("=")
    return key.lower(), value


def _ssh_setting(word: str) -> Iterator[str]:
    key, value = _setting(word)
    if key in _SSH_HOSTS and value != "none":
        yield from given_hosts(value)
    elif key in _SSH_FORWARDS:
        yield from _forward(value.replace(" ", ":"))


def _conninfo(word: str) -> Iterator[str]:
    """A URI, or `host=one port=5432`; anything else is the name of a database."""
    if "://" in word:
        yield from given_hosts(word)
    for key, value in re.findall(r"(\w+)\s*=\s*('[^']*'|[^\s&]*)", word):
        if means_host(key):
            yield from given_hosts(value.strip("'"))


def _endpoint(word: str) -> Iterator[str]:
    """`machine:port`, told from other words by its port."""
    if re.search(r":\d+$", word):
        yield from given_hosts(word)


def _mounted(word: str) -> Iterator[str]:
    """`machine:/path`, `//machine/share`; anything else is of this machine."""
    yield from _share(word) if re.match(r"//[^/]", word) else _remote(word)


def _oracle(word: str) -> Iterator[str]:
    """`user/password@//machine:port/service`; a plain word behind the `@` is a name of its own configuration."""
    if found := re.search(r"@(?://)?([\w.-]+)(?::\d+)?/", word):
        yield found[1]


def _share(word: str) -> Iterator[str]:
    """`//machine/share`."""
    yield from given_hosts(word.replace("\\", "/").lstrip("/"))


def _mongo(word: str) -> Iterator[str]:
    """A URI, `machine:port/database`; a plain word is the name of a database."""
    if not word.endswith(".js") and re.search(r"[/:.]", word):
        yield from given_hosts(word)


def _resolve(word: str) -> Iterator[str]:
    """`name:port:address,address`: what the name stands for."""
    name, _, rest = word.lstrip("+").partition(":")
    yield from given_hosts(name)
    yield from given_hosts(rest.partition(":")[2])


def _connect_to(word: str) -> Iterator[str]:
    """`machine:port:machine:port`; what is left out stays as it was."""
    parts = re.findall(r"(\[[^\]]*\]|[^:]*)(?::|$)", word)
    for part in parts[:3:2]:
        yield from given_hosts(part)


def _header(word: str) -> Iterator[str]:
    name, _, value = word.partition(":")
    if name.strip().lower() in HOST_HEADERS:
        yield from given_hosts(value.strip())


def _query(word: str) -> Iterator[str]:
    """`@server`; whom the question is about is not called."""
    if word.startswith("@"):
        yield from given_hosts(word[1:])


def _inventory(word: str) -> Iterator[str]:
    """A list, which has a comma, else a file."""
    if "," in word:
        yield from given_hosts(word)


def _pattern(word: str) -> Iterator[str]:
    for each in re.split(r"[:,]", word):
        if each not in _WHOLE_INVENTORY and not each.startswith(("@", "!")):
            yield from given_hosts(each.lstrip("&"))


def _socat(word: str) -> Iterator[str]:
    if (found := _SOCAT.match(word)) and "listen" not in word.partition(":")[0].lower():
        yield from given_hosts(found[1])


def _httpie(word: str) -> Iterator[str]:
    """Neither the method nor an item (`name=value`, `name:=1`, `Header:text`) is the address."""
    if "://" in word:
        yield from given_hosts(word)
    elif re.match(r"[^/]*?(==|:=|=|@)", word) or re.fullmatch(r"[A-Z]+", word):
        return
    elif re.match(r"[A-Za-z-]+:\D", word):
        yield from _header(word)
    elif not word.startswith(":"):
        yield from given_hosts(word)


def _image(word: str) -> Iterator[str]:
    """The registry before the first slash, when it has a dot or a port; a plain word belongs to the public one."""
    registry = word.partition("/")[0]
    if re.search(r"[.:]", registry) or registry == "localhost":
        yield from given_hosts(registry)


_READERS: Mapping[Kind, Callable[[str], Iterator[str]]] = {
    "host": given_hosts,
    "name": _name,
    "assignment": _assignment,
    "replicas": _replicas,
    "remote": _remote,
    "forward": _forward,
    "setting": _ssh_setting,
    "conninfo": _conninfo,
    "mongo": _mongo,
    "endpoint": _endpoint,
    "share": _share,
    "resolve": _resolve,
    "connect-to": _connect_to,
    "header": _header,
    "query": _query,
    "inventory": _inventory,
    "pattern": _pattern,
    "socat": _socat,
    "httpie": _httpie,
    "image": _image,
    "mounted": _mounted,
    "oracle": _oracle,
}
