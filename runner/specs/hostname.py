"""How a machine is written: one form for each, so that what a file allows and what is called are compared alike.

The form is lower case without a final dot, an international name in its ASCII form, an address as the numbers that it
stands for. What two clients might read differently has no form, and fits nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

#: Names of this machine in every resolver; its addresses are all of 127.0.0.0/8, ::1, and the unspecified ones.
_HERE = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})
#: Characters of a whole name, and of the part between two dots, in DNS.
_LONGEST, _LONGEST_LABEL = 253, 63
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
#: One part of an IPv4 address as C libraries read it. With a leading zero some read eight as the base, some ten.
_PART = re.compile(r"0[xX][0-9A-Fa-f]{1,8}|0|[1-9][0-9]{0,9}")
_PARTS = 4
#: Bits of an IPv6 address before the IPv4 address that it stands for.
_MAPPED_BITS = 96
_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):\d*")

_Fits = Callable[[str], bool]


@lru_cache(maxsize=4096)
def canonical(host: str) -> str:
    """The one form of a name, of an address, or of a network in CIDR; '' for what is none of these."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in bare or "/" in bare:
        return _numbers(bare)
    bare = bare.removesuffix(".")
    if not bare or len(bare) > _LONGEST:
        return ""
    labels = [_ascii(label) for label in bare.split(".")]
    if not all(labels):
        return ""
    return _ipv4(labels) if _is_number(labels[-1]) else ".".join(labels)


def is_here(host: str) -> bool:
    """Whether a canonical name or address is this machine's own, which leads nowhere else."""
    if host in _HERE:
        return True
    address = _address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def fits(pattern: str, host: str) -> bool:
    """Whether a machine, as somebody wrote it, is among those that an entry of `allow: hosts` stands for."""
    machine = canonical(host)
    return bool(machine) and _reader(pattern)(machine)


def fault_of(pattern: str) -> tuple[str, str]:
    """What is wrong with an entry of `allow: hosts`, and what to write; two empty texts when nothing is."""
    if "://" in pattern:
        return f"{pattern!r} is an address, where a host is meant", _instead(_host_of_url(pattern))
    if "@" in pattern:
        return f"{pattern!r} names a user, where a host is meant", _instead(pattern.rpartition("@")[2])
    if found := _PORT.fullmatch(pattern):
        return f"{pattern!r} has a port: a host is allowed with all its ports", _instead(found["host"])
    if "/" in pattern:
        return _fault_of_network(pattern)
    if "*" in pattern:
        return _fault_of_glob(pattern)
    if not canonical(pattern) or pattern.isdecimal():
        return f"{pattern!r} is not the name or the address of a machine", _meant(pattern)
    return "", ""


# -- reading -----------------------------------------------------------------------------------------------------------


def _numbers(text: str) -> str:
    """Of an IPv6 address, or of a network. One that stands for an IPv4 address is that address."""
    try:
        if "/" in text:
            return str(_plain(ip_network(text)))
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _plain(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """A network of addresses that stand for IPv4 addresses is the network of these."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return network if mapped is None else IPv4Network((mapped, max(network.prefixlen - _MAPPED_BITS, 0)))


def _ascii(label: str) -> str:
    """One part of a name in ASCII; '' when it is none, or when the standards of 2003 and 2008 write it differently."""
    lower = label.lower()
    if lower.isascii():
        usable = _LABEL.fullmatch(lower) and len(lower) <= _LONGEST_LABEL
        return lower if usable else ""
    plain = unicodedata.normalize("NFKC", lower) == lower == lower.casefold()
    if not plain or not all(each == "-" or unicodedata.category(each)[0] in "LMN" for each in lower):
        return ""
    try:
        encoded = lower.encode("idna").decode()
        return encoded if encoded.encode().decode("idna") == lower else ""
    except UnicodeError:
        return ""


def _is_number(label: str) -> bool:
    return label.isdecimal() or bool(re.fullmatch(r"0x[0-9a-f]*", label))


def _ipv4(parts: list[str]) -> str:
    """`127.1`, `0x7f.1` or `2130706433` as C libraries and browsers read it: the last part fills what is left."""
    if len(parts) > _PARTS or not all(_PART.fullmatch(part) for part in parts):
        return ""
    *first, last = (int(part, 16 if part[1:2] == "x" else 10) for part in parts)
    if any(number > 255 for number in first) or last >= 256 ** (_PARTS + 1 - len(parts)):
        return ""
    return str(IPv4Address(sum(number << 8 * (3 - index) for index, number in enumerate(first)) + last))


@lru_cache(maxsize=1024)
def _reader(pattern: str) -> _Fits:
    """What tells the machines that a pattern stands for; a pattern with a fault stands for none."""
    if fault_of(pattern)[0]:
        return lambda _: False
    if "*" in pattern:
        return partial(_globs, _glob(pattern).split("*"))
    own = canonical(pattern)
    if "/" in own:
        network = ip_network(own)
        return lambda machine: _within(machine, network)
    if is_here(own):
        return is_here
    return lambda machine: machine == own


def _glob(pattern: str) -> str:
    """A name with `*` in it in the form of the names that it fits; '' when it fits none."""
    labels = pattern.lower().removesuffix(".").split(".")
    written = [label if re.fullmatch(r"[a-z0-9_-]*(\*[a-z0-9_-]*)+", label) else _ascii(label) for label in labels]
    return ".".join(written) if all(written) else ""


def _globs(pieces: list[str], machine: str) -> bool:
    """Whether the pieces between the stars stand in it, one behind the other, the first and the last at its ends."""
    first, *middle, last = pieces
    if not machine.startswith(first) or not machine.endswith(last):
        return False
    at, end = len(first), len(machine) - len(last)
    for piece in middle:
        found = machine.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return at <= end


def _within(machine: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        inner = ip_network(machine)
    except ValueError:
        return False
    if isinstance(inner, IPv4Network) and isinstance(network, IPv4Network):
        return inner.subnet_of(network)
    return isinstance(inner, IPv6Network) and isinstance(network, IPv6Network) and inner.subnet_of(network)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


# -- what is wrong -----------------------------------------------------------------------------------------------------


def _fault_of_network(pattern: str) -> tuple[str, str]:
    base = pattern.partition("/")[0]
    bare = pattern.replace("[", "").replace("]", "")
    try:
        network = ip_network(bare, strict=False)
    except ValueError:
        return f"{pattern!r} is neither a host nor a network", _instead(base)
    if not network.prefixlen:
        return f"{pattern!r} is every machine there is", "name what belongs to the target"
    if not _numbers(bare):
        return f"{pattern!r} is an address inside a network", f"write {str(network)!r}, or {base!r} for the one machine"
    if bare != pattern:
        return f"{pattern!r} is not how a network is written", f"write {str(network)!r}"
    return "", ""


def _fault_of_glob(pattern: str) -> tuple[str, str]:
    if not pattern.strip("*."):
        return (
            f"{pattern!r} is every machine there is",
            "name what belongs to the target, such as *.staging.example.com",
        )
    if ":" in pattern:
        return f"{pattern!r}: * does not stand for a part of an IPv6 address", "write a network, such as 2001:db8::/32"
    if not _glob(pattern):
        return f"{pattern!r} is not a host's name", "letters, digits, dots and hyphens, and * for any part of it"
    return "", ""


def _host_of_url(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _instead(host: str) -> str:
    """To write the host alone, when it is one."""
    host = host.partition("/")[0]
    host = _PORT.sub(lambda found: found["host"], host) if not canonical(host) else host
    return f"write {host!r}" if host and not fault_of(host)[0] else "write the name of a host"


def _meant(pattern: str) -> str:
    if pattern.startswith(".") and canonical(pattern[1:]):
        return f"write '*{pattern}'"
    parts = pattern.split(".")
    if len(parts) == _PARTS and all(part.isdecimal() for part in parts):
        return "each number is from 0 to 255, without a zero before it"
    return "a name such as shop.example.com, an address, or a network such as 10.0.0.0/24"
