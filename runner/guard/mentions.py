"""Which machines a text names. What makes a word one, from the strongest evidence to the weakest:

1. What it is given for: an argument, option or variable that is called `host`, `url`, `endpoint` or the like, or the
   place in a command where a known program expects a machine. Whatever stands there is one, however it looks.
2. An address: `scheme://machine`, `/dev/tcp/machine/port`, the numbers of an IP address. It is one wherever it stands.
3. Its form: a dotted name with the ending of a domain, a dotted name with a port, `user@` before a dotted name. Not
   where other vocabularies have the same form: API groups, labels and images of Kubernetes, and arguments that are
   called after these.

What a program does with its words cannot be known. So in doubt a word is a machine, and it is for the target to allow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import unquote

from runner.specs.hostname import canonical

# Patterns of what most calls do not hold are texts here: they are compiled when they are first needed.

#: Endings by which a dotted word is told from a file or a Python name; of the countries only what no language uses.
_ENDING = (
    "com|org|net|edu|gov|mil|int|info|biz|io|dev|app|cloud|online|site|xyz|internal|intranet|local|localdomain|lan|corp"
    "|home|svc|arpa|example|test|invalid|localhost|eu|uk|de|fr|nl|be|ch|at|it|es|pt|pl|cz|se|no|dk|fi|ie|us|ca|mx|br|ar"
    "|au|nz|jp|cn|kr|in|sg|hk|tw|za|xn--[a-z0-9-]+"
)
# Each run of such characters is looked at once: a text of a megabyte must not take a second.
_ADDRESS = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z0-9+.-]++)://((?:\$\{[^\s}]{0,80}\}|[^\s/?#'\"<>|;)}\\])*+)")
_BRACES = r"(?<![\w+.-])([\w+.-]++://[\w.:@-]*)\{([\w.-]+(?:,[\w.-]+)+)\}([\w.:-]*)"
_DEVICE = r"/dev/(?:tcp|udp)/([^\s/'\"]+)/"
_RUN = re.compile(r"[\w.-]++")
_PORT = re.compile(r":\d{1,5}(?![\w.])")
_LONGEST_PORT = 5
_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_BITS = r"/\d{1,2}(?![\w./-])"
_SPLIT = re.compile(r"[\s'\"=,;()<>|\[\]{}]+")
#: Schemes whose address names one machine only; with the others a comma leads to the next one.
_SINGLE = "https?|wss?|s?ftp|ssh|git|tcp|udp|file|unix"
#: Schemes behind which no machine stands, but a bucket or a file of a program.
_NOWHERE = "s3[an]?|gs|gcs|classpath"

# What follows a dotted word that is a name of Kubernetes: `apps.example.com/v1beta1`, `example.com/role=db`, and the
# tag or digest of an image.
_GROUP_VERSION = r"/v\d+((alpha|beta)\d+)?(?![\w./-])"
_LABEL = r"/[A-Za-z0-9][\w.-]*(\s*[!=]=|=(?!\?)|:\s|\s+(not)?in\s*\()"
_IMAGE = r"(:\d+)?(/[a-z0-9._-]+)+(:[A-Za-z_][\w.-]*|:\d[\w.-]*|@sha256:[0-9a-f]+)(?![\w/:])"
_VERSION = r"v?\d+(\.\d+)+([-+][\w.+-]*)?"
#: API groups and prefixes of labels: domains that name things in a cluster, hardly ever a machine.
_VOCABULARY = (
    r"(.+\.)?(k8s|x-k8s|kubernetes|istio|litmuschaos|argoproj|cert-manager|linkerd|cilium|crossplane|openshift|kyverno"
    r"|traefik|strimzi|velero|longhorn|metallb|external-secrets|kubevirt|rook|keycloak|prometheus|helm|fluxcd"
    r"|projectcontour|solo|karmada|volcano)\.io"
    r"|(.+\.)?(chaos-mesh|projectcalico|jaegertracing|ray|kubeflow|spinnaker)\.org"
    r"|(.+\.)?(coreos|konghq|getambassador|banzaicloud|kubedb|zalan|cattle|containo|jetstack)\.(com|io|do|us)"
    r"|(.+\.)?(knative|tekton|kuma|kserve|pulumi|upbound)\.(dev|io)|(.+\.)?k8s\.aws"
)

_NAME_WORDS = r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])"
#: Headers that say which of the services behind an address is meant.
HOST_HEADERS = frozenset({"host", "x-forwarded-host", "x-host", ":authority"})
#: What names end with whose value is a machine or an address of one.
_MEANS_HOST = (
    "hosts?|host-?names?|hostaddr|servers?|ur[li]s?|dsn|address(es)?|addr|endpoints?|upstreams?|brokers?|pghost(addr)?|dbhost"
    "|baseur[li]|apiserver|(https?|all|ftp|socks5?)-?proxy"
)
#: What makes something else of such an end.
_MEANS_ELSE = "email|mail|mac|memory|street|wallet|bind|listen|no"
#: What names end with whose value is of another vocabulary, though it may look like a machine.
_MEANS_NO_HOST = (
    "labels?|selectors?|annotations?|images?|modules?|versions?|apiversion|groups?|crds?|kinds?|resources?|plural|emails?"
    "|mail|recipients?|files?|filename|packages?|mime|type|taints?|finalizers?|settings|author"
)


# -- by form -----------------------------------------------------------------------------------------------------------


def hosts_in(text: str, *, by_form: bool = True) -> list[str]:
    """Every machine that a text names, addresses inside addresses included; each once.

    `by_form` false: only those in an address, where it is known that a dotted word is none.
    """
    found: list[str] = []
    text = _one_by_one(text)
    reading = text
    for reading in _readings(text):
        found += [host for scheme, authority in _ADDRESS.findall(reading) for host in _authorities(scheme, authority)]
        found += re.findall(_DEVICE, reading)
    # Without an address around it a name is one only once it is decoded.
    found += [host for run in _RUN.finditer(reading) if (host := _machine(run, by_form))]
    found += [word for word in _SPLIT.split(reading) if word.count(":") > 1 and _is_ipv6(word)]
    return list(dict.fromkeys(_lower(host) for host in found))


def _one_by_one(text: str) -> str:
    """`http://{web1,web2}/x` as the addresses that a shell or curl makes of it."""
    if "{" not in text or "://" not in text:
        return text
    return re.sub(_BRACES, lambda found: " ".join(f"{found[1]}{each}{found[3]}" for each in found[2].split(",")), text)


def _readings(text: str) -> Iterator[str]:
    """As it stands, and as it would be read after one or two rounds of percent-decoding."""
    for _ in range(3):
        yield text
        plainer = unquote(text)
        if plainer == text:
            return
        text = plainer


def _authorities(scheme: str, authority: str) -> Iterator[str]:
    """The machines of `user:password@one:1,two:2`; '' is none."""
    if re.fullmatch(_NOWHERE, scheme, re.IGNORECASE):
        return
    listed = (
        authority.partition(",")[:1]
        if re.fullmatch(_SINGLE, scheme, re.IGNORECASE)
        else authority.rpartition("@")[2].split(",")
    )
    yield from (host for each in listed if (host := of_authority(each)))


def of_authority(authority: str) -> str:
    """The machine in `user:password@machine:port`."""
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    if found := re.match(r"(?:\$\{[^}]{0,80}\}|[^:])*", host) if "${" in host else None:
        return found[0]
    return host.partition(":")[0]


def _machine(run: re.Match[str], by_form: bool) -> str:
    """The machine that this word is, seen with what stands before and behind it; '' for a path or a word of a program."""
    word, text = run[0].rstrip("."), run.string
    before = text[run.start() - 1 : run.start()]
    if before in ("/", "$") or not all(label.strip("-") == label != "" for label in word.split(".")):
        return ""
    if text.startswith("$", run.end()):
        # Only the shell knows how it goes on.
        return f"{run[0]}$" if by_form and _is_domain(word) else ""
    if _IPV4.fullmatch(word):
        bits = re.compile(_BITS).match(text, run.end())
        return word + bits[0] if bits and canonical(word + bits[0]) else word
    signed = before == "@" and text[run.start() - 2 : run.start() - 1].isalnum()
    return word if by_form and _has_form(word, signed, text, run.end()) else ""


def _has_form(word: str, signed: bool, text: str, end: int) -> bool:
    with_port = bool(_PORT.match(text, end))
    if "." not in word:
        return word == "localhost" and with_port
    if re.fullmatch(_VERSION, word) or re.compile(_IMAGE).match(text, end):
        return False
    if with_port or signed:
        return True
    return text[end : end + 1] != "(" and _is_domain(word) and not _is_of_kubernetes(word, text, end)


def _is_domain(word: str) -> bool:
    ending = word.rpartition(".")[2]
    # `x.in` is Python's, `shop.stage.in` a machine.
    return bool(re.fullmatch(_ENDING, ending, re.IGNORECASE)) and (len(ending) > 2 or word.count(".") > 1)


def _is_of_kubernetes(word: str, text: str, end: int) -> bool:
    return bool(
        re.fullmatch(_VOCABULARY, word, re.IGNORECASE) or re.compile(f"{_GROUP_VERSION}|{_LABEL}").match(text, end)
    )


def _is_ipv6(word: str) -> bool:
    try:
        ip_address(word.partition("%")[0].partition("/")[0])
    except ValueError:
        return False
    return True


def _lower(host: str) -> str:
    """As it is shown. A variable of the shell in it keeps its name."""
    return host if "$" in host else host.lower()


# -- by what it is given for -------------------------------------------------------------------------------------------


def named_hosts(name: str, value: str) -> list[str]:
    """The machines that the value of an argument, an option or a variable speaks of, which is called `name`."""
    if means_host(name):
        return list(dict.fromkeys((*hosts_in(value), *(given_hosts(value) if _is_given(name, value) else ()))))
    return hosts_in(value, by_form=not means_no_host(name))


def _is_given(name: str, value: str) -> bool:
    """Whether it is one word, or several that are meant to be machines: neither a sentence nor a path below an address."""
    if re.search(r"\s", value.strip()) and "=" not in value and not re.search("[^s]s$", name, re.IGNORECASE):
        return False
    return "/" not in value or bool(re.match(r"[^/]*([.:@,]|localhost)|\$", value))


def means_host(name: str) -> bool:
    """Whether what is called so holds a machine: `host`, `--base-url`, `PGHOST`, `redisEndpoint`, `DOCKER_HOST`."""
    *before, last = _words(name) or [""]
    named = re.fullmatch(_MEANS_HOST, last) or (before and re.fullmatch(_MEANS_HOST, f"{before[-1]}-{last}"))
    return bool(named) and not (before and re.fullmatch(_MEANS_ELSE, before[-1]))


def means_no_host(name: str) -> bool:
    """Whether what is called so is of another vocabulary, though it may look like a machine: `image`, `email`, `module`."""
    return bool(re.fullmatch(_MEANS_NO_HOST, (_words(name) or [""])[-1]))


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(_NAME_WORDS, name)]


def given_hosts(value: str) -> Iterator[str]:
    """The machines of a value that is known to hold some, as they are written there: `web1`, `ana@web1:22,[::1]:80`.

    A path (`/var/run/docker.sock`) is none. With `$` in it only the shell knows which one it is.
    """
    if "://" in value:
        yield from hosts_in(value, by_form=False)
        return
    for word in re.split(r"[,;\s]+", value):
        if host := _given(word):
            yield _lower(host)


def _given(word: str) -> str:
    key, sign, value = word.partition("=")
    if sign:
        return _given(value) if means_host(key) else ""
    if word[:1] in ("", "/", ".", "-", "@", "~", "%"):
        return ""
    if word.isdecimal() and len(word) <= _LONGEST_PORT:
        # As an address it would be one of 0.0.0.0/15, where nobody is.
        return ""
    if _is_ipv6(word) or (_IPV4.match(word) and canonical(word)):
        return word
    return of_authority(word.partition("/")[0])
