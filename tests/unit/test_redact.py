"""Whatever a tool makes of a secret, it is found: the spellings here are made by the tools themselves."""

from __future__ import annotations

import base64
import html
import itertools
import json
import shlex
import subprocess
import textwrap
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus, unquote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from runner.redact import MASK, RedactedStream, Redaction, Redactor, pieces, with_pieces
from runner.secret_spellings import SHORTEST

SECRET = 'p@ss/w"ord \n+ü~1234567890'


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        "p%40ss%2fw%22ord%20%0a%2b%c3%bc~1234567890",
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps({"body": json.dumps({"token": SECRET})}),
        repr(SECRET),
    ],
)
def test_every_spelling_is_masked_inside_a_text(spelling: str) -> None:
    masked = Redactor([SECRET]).text(f"before {spelling} after")

    assert MASK in masked
    assert "ord" not in masked.replace("before", "")
    assert spelling not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@pytest.mark.parametrize("user", ["a", "bo", "eve", "dave"])
def test_a_secret_inside_basic_credentials_is_masked_at_every_offset(user: str) -> None:
    secret = "correct-horse-battery"
    header = "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()

    masked = Redactor([secret]).text(header)

    assert MASK in masked
    rest = masked.removeprefix("Basic ").split(MASK)[0]
    assert secret[:4].encode() not in base64.b64decode(rest + "=" * (-len(rest) % 4))


def test_a_value_is_masked_all_the_way_down_and_left_intact_elsewhere() -> None:
    redactor = Redactor(["hunter22", "4711"])

    assert redactor.value({"a": ["x hunter22", 4711, 1.5, None, True], "hunter22": {"b": "y"}}) == {
        "a": [f"x {MASK}", MASK, 1.5, None, True],
        MASK: {"b": "y"},
    }


def test_a_short_secret_is_masked_only_as_a_whole_value() -> None:
    redactor = Redactor(["no"])

    assert redactor.text("nobody knows") == "nobody knows"
    assert redactor.value({"answer": "no"}) == {"answer": MASK}


def test_a_longer_secret_wins_over_one_it_contains() -> None:
    assert Redactor(["token", "token-of-admin"]).text("is token-of-admin") == f"is {MASK}"


def test_a_key_is_masked_line_by_line_and_without_its_last_newline() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"

    assert "MIIEvQ" not in Redactor([key]).text("    MIIEvQIBADANBgkq")
    assert Redactor(["s3cret-value\n"]).text("got s3cret-value!") == f"got {MASK}!"


def test_empty_secrets_mask_nothing() -> None:
    assert Redactor(["", ""]).text("anything") == "anything"


def test_more_secrets_make_a_new_redactor() -> None:
    first = Redactor(["first-secret"])
    both = first.including(["second-secret"])

    assert both.text("first-secret second-secret") == f"{MASK} {MASK}"
    assert first.text("second-secret") == "second-secret"


@given(secret=st.text("0123456789-%+/ü", min_size=4), before=st.text("abc [redacted]"), after=st.text("abc [redacted]"))
def test_a_secret_never_survives_and_its_surroundings_do(secret: str, before: str, after: str) -> None:
    assert Redactor([secret]).text(before + secret + after) == before + MASK + after


# -- by the tools that spell -------------------------------------------------------------------------------------------


def _bash(script: str) -> Callable[[str], str]:
    def spell(secret: str) -> str:
        done = subprocess.run(["bash", "-c", script, "bash", secret], capture_output=True, check=True)
        return (done.stdout or done.stderr).decode().strip()

    return spell


def _json(levels: int, **options: bool) -> Callable[[str], str]:
    def spell(secret: str) -> str:
        for _ in range(levels):
            secret = json.dumps(secret, **options)  # type: ignore[arg-type]
        return secret

    return spell


_SPELLERS: dict[str, Callable[[str], str]] = {
    "quote": quote,
    "quote all": lambda secret: quote(secret, safe=""),
    "quote as requests does": lambda secret: quote(secret, safe="!#$%&'()*+,/:;=?@[]~"),
    "quote as browsers do": lambda secret: quote(secret, safe="!'()*~"),
    "quote in lower case": lambda secret: quote(secret).lower() if secret.islower() else quote(secret),
    "quote twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "a form": quote_plus,
    "html": html.escape,
    "html text": lambda secret: html.escape(secret, quote=False),
    "html by number": lambda secret: html.escape(secret).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "json": _json(1),
    "json in json": _json(2),
    "json in json in json": _json(3),
    "json as it is": _json(2, ensure_ascii=False),
    "json for html": lambda secret: json.dumps(secret).replace("&", "\\u0026").replace("<", "\\u003c").replace("'", "\\u0027"),
    "repr in json for html": lambda secret: (
        json.dumps(repr(secret)[1:-1]).replace("&", "\\u0026").replace("<", "\\u003c").replace("'", "\\u0027")
    ),
    "json in an attribute": lambda secret: html.escape(json.dumps(secret)[1:-1]),
    "json in an address": lambda secret: quote(json.dumps(secret)),
    "json of php": lambda secret: json.dumps(secret).replace("/", "\\/"),
    "repr": repr,
    "repr of bytes": lambda secret: repr(secret.encode()),
    "ascii": ascii,
    "hex": lambda secret: secret.encode().hex(),
    "shlex": shlex.quote,
    "printf %q": _bash("printf %q \"$1\""),
    "set -x": _bash("set -x; : \"$1\""),
    "base64 of curl": lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
    "base64 with a newline": lambda secret: base64.b64encode(f"{secret}\n".encode()).decode(),
    "url-safe base64": lambda secret: base64.urlsafe_b64encode(f"a={secret}&b".encode()).decode(),
    "on one line": lambda secret: " ".join(secret.split()),
    "stripped": str.strip,
}  # fmt: skip

_SECRETS = [
    "correct-horse-battery",
    "hunter2",
    "4711",
    "p@ss",
    "ghp_R4nd0mT0ken/With+Signs==",
    "with space & <tag> 'single' \"double\"",
    "back\\slash\\\\es and /slashes/",
    "%41 already %2F encoded %25",
    "grüße-aus-köln-ß",
    "emoji 🔥 key",
    "two\nlines\there",
    " padded with blanks ",
    "$HOME `id` $(id) !! ~tilde",
]


@pytest.mark.parametrize("secret", _SECRETS)
@pytest.mark.parametrize("name", _SPELLERS)
def test_what_a_tool_makes_of_a_secret_is_found(name: str, secret: str) -> None:
    spelt = _SPELLERS[name](secret)
    masked = Redactor([secret]).text(f"[{spelt}]")
    assert MASK in masked
    # What may be left of it: quotes around it, `user:` before it, bits that it shares with a neighbour.
    rest = masked.replace(MASK, "").translate(str.maketrans("", "", "\"'\\"))
    assert len(rest) <= 2 + 8, rest
    plain = max((part for part in secret.split() if part.isalnum()), key=len, default=secret)
    assert plain not in rest


@pytest.mark.parametrize("width", [64, 76])
@pytest.mark.parametrize("length", [60, 200, 1700])
def test_base64_that_was_broken_into_lines_is_found(width: int, length: int) -> None:
    secret = "".join(chr(33 + number * 7 % 90) for number in range(length))
    lines = textwrap.wrap(base64.b64encode(secret.encode()).decode(), width)
    masked = [Redactor([secret]).text(line) for line in lines]
    assert set(masked[:-1]) == {MASK}
    assert masked[-1] == MASK or len(lines[-1]) < 12


def test_secrets_that_overlap_leave_nothing_of_either() -> None:
    assert Redactor(["abcdef", "defghi"]).text("<abcdefghi>") == f"<{MASK}>"


def test_a_short_secret_is_found_in_base64_at_every_offset() -> None:
    secret = "p@ss"
    assert len(secret) == SHORTEST
    for before in ("", "a", "ab", "abc"):
        encoded = base64.b64encode(f"{before}{secret}!!".encode()).decode()
        assert MASK in Redactor([secret]).text(encoded)


def test_a_number_is_found_however_it_is_typed() -> None:
    assert Redactor(["12345678"]).value([12345678, 12345678.0, "12345678", 12345679]) == [MASK, MASK, MASK, 12345679]


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "QUJD" * 25_000, "\\" * 100_000, "%25" * 33_000, "&amp;" * 20_000, "a b " * 25_000]
)
def test_no_text_takes_long(text: str) -> None:
    # The limit of the test run is what ends one that takes for ever.
    redactor = Redactor([*_SECRETS, "\\\\\\\\\\\\", "%%%%%%%%%%%%", "&&&&&&&&&&"])
    assert len(redactor.text(text + "hunter2")) > 0
    assert redactor.text(text + "hunter2").endswith(MASK)


@given(
    secret=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=4, max_size=40).filter(
        lambda text: len(text.strip()) >= 4
    )
)
def test_any_secret_is_found_in_json_addresses_and_base64(secret: str) -> None:
    redactor = Redactor([secret])
    for spelt in (
        json.dumps(secret),
        json.dumps(json.dumps(secret)),
        quote(secret),
        quote_plus(secret),
        html.escape(secret),
        repr(secret),
    ):
        assert MASK in redactor.text(f"<{spelt}>")
    for before in range(3):
        assert MASK in redactor.text(base64.b64encode(b"." * before + secret.encode() + b"..").decode())


# -- in pieces ---------------------------------------------------------------------------------------------------------


def _streamed(text: str, cuts: list[int], *secrets: str, longest_line: int = 1 << 16) -> str:
    stream = RedactedStream(Redaction(Redactor(secrets)), longest_line)
    data = text.encode()
    ends = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    pieces = [data[start:end] for start, end in itertools.pairwise(ends)]
    return "".join([*map(stream.take, pieces), stream.end()])


@given(
    cuts=st.lists(st.integers(0, 10_000)),
    before=st.text("ab\nü", max_size=60),
    after=st.text("ab\nü", max_size=60),
    longest_line=st.integers(1, 80),
)
@pytest.mark.parametrize("secret", ["hunter2-and-more", "grüße 1", "first\nsecond\nthird\n", 'a"b\\c/d'])
def test_a_secret_in_pieces_is_found_and_nothing_else_is_lost(
    secret: str, cuts: list[int], before: str, after: str, longest_line: int
) -> None:
    text = before + secret + after
    assert _streamed(text, cuts, secret, longest_line=longest_line) == Redactor([secret]).text(text)


@given(
    cuts=st.lists(st.integers(0, 10_000)), longest_line=st.integers(1, 80), spell=st.sampled_from([quote, json.dumps])
)
def test_so_is_one_that_is_spelt_otherwise(cuts: list[int], longest_line: int, spell: Callable[[str], str]) -> None:
    secret = 'p@ss w/ü🔥"\\x'
    text = "x" * 50 + spell(secret) + "y" * 50
    masked = _streamed(text, cuts, secret, longest_line=longest_line)
    assert masked.startswith("x" * 50)
    assert masked.strip('xy"') == MASK


def test_whole_lines_are_told_at_once_and_half_ones_are_not() -> None:
    stream = RedactedStream(Redaction(Redactor(["hunter2"])))
    assert stream.take(b"one\ntwo hun") == "one\n"
    assert stream.take(b"ter2\nthree") == f"two {MASK}\n"
    assert stream.end() == "three"


def test_a_line_without_end_goes_on_but_for_its_last_characters() -> None:
    redactor = Redactor(["hunter2"])
    stream = RedactedStream(Redaction(redactor), 1000)
    told = stream.take(b"x" * 5000)
    assert 5000 - redactor.reach <= len(told) < 5000
    assert told + stream.end() == "x" * 5000


def test_a_secret_that_is_learnt_meanwhile_is_found_from_then_on() -> None:
    redaction, told = Redaction(Redactor(["hunter1"])), []
    redaction.tell(told.extend)
    stream = RedactedStream(redaction)
    assert stream.take(b"before\nhun") == "before\n"
    redaction.learn(["hunter1", "hunter2", ""])
    assert told == ["hunter2"]
    assert stream.take(b"ter2\n") == f"{MASK}\n"


# -- what a parser leaves of one ---------------------------------------------------------------------------------------


def _refused_address(address: str) -> str:
    """What an HTTP client says of an address that it cannot use."""
    try:
        requests.get(address, timeout=0.01)
    except (requests.RequestException, ValueError) as error:
        return f"{error} {error!r}"
    return ""


@pytest.mark.parametrize("cut", "/?#@:&= \t\n")
@pytest.mark.parametrize(
    "address", ["http://user:{}@127.0.0.1:9/", "http://{}@127.0.0.1:9/", "http://{}/x", "http://127.0.0.1:9/?t={}"]
)
def test_nothing_is_left_of_one_that_an_http_client_cuts(address: str, cut: str) -> None:
    token = f"Abcd+123efgh{cut}Ijkl%7Emnop!5{cut}Qrst_7890uvw"
    redactor = Redactor(with_pieces([token]))

    said = redactor.text(_refused_address(address.format(token)))

    for piece in token.lower().split(cut):
        for spelling in (piece, unquote(piece), quote(piece).lower()):
            assert spelling not in said.lower()


@pytest.mark.parametrize(
    ("secret", "found"),
    [
        ("abcdefgh", set()),
        ("abcdefgh/short", {"abcdefgh"}),
        ("Abcdefgh=short", {"Abcdefgh", "abcdefgh"}),
        ("abc%2Fdefghijk", {"abc%2fdefghijk", "defghijk"}),
        ("https://db.example.com/hooks/abcdefghij", {"abcdefghij"}),
        ("postgres://app:abcd/efghijkl@database.example.com:5432/shopfront", {"efghijkl", "shopfront"}),
        ("one two three four", set()),
    ],
)
def test_the_pieces_of_a_secret(secret: str, found: set[str]) -> None:
    assert pieces(secret) == found


def test_a_piece_that_has_to_be_told_is_no_secret() -> None:
    assert with_pieces(["production/tokentoken"], lambda: "the environment is production") == [
        "production/tokentoken",
        "tokentoken",
    ]


def test_the_pieces_of_what_is_learnt_are_masked_too() -> None:
    heard: list[str] = []
    redaction = Redaction(Redactor(), with_pieces)
    redaction.tell(heard.extend)
    redaction.learn(["firsthalf/secondhalf"])

    assert redaction.text("port: 'secondhalf'") == f"port: '{MASK}'"
    assert "secondhalf" in heard


def test_of_a_key_each_piece_is_looked_for_as_it_is() -> None:
    lines = [base64.b64encode(bytes([number]) * 48).decode() for number in range(200)]
    key = "\n".join(["-----BEGIN KEY-----", *lines, "-----END KEY-----"])
    redactor = Redactor(with_pieces([key]))

    assert redactor.text(f"x {lines[7]} y") == f"x {MASK} y"
    assert len(redactor._exact) < 10 * len(lines)


# -- large outputs: linear work, bounded memory

_LARGE = 6_000
_WORD = base64.b64encode(b"x" * 300 + b"hunter2-and-more" + b"y" * 60_000).decode()
_SHAPES: dict[str, tuple[str, str]] = {
    "a line without end": ("hunter2-and-more", "x" * 60_000),
    "nothing but the secret": ("hunter2-and-more", "hunter2-and-more" * 4_000),
    "a secret that overlaps itself": ("aaaaaaaa", "a" * 60_000),
    "a word of base64 around it": ("hunter2-and-more", _WORD),
    "short lines": ("hunter2-and-more", "a line\n" * 9_000),
    "lines as long as may be": ("hunter2-and-more", ("x" * 999 + "\n") * 600),
    "empty lines": ("hunter2-and-more", "\n" * 60_000),
    "the beginning of a secret, again and again": ("first line\nsecond line\n", "first line\n" * 6_000),
    "half a secret, again and again": ("hunter2-and-more", "hunter2-and-mor" * 4_000),
    "a long secret": ("-".join(f"part{i}" for i in range(300)), "part0-part1-" * 5_000),
}


class _Counting(Redactor):
    """Counts the characters that are searched."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(secrets)
        self.searched = 0

    def spans(self, text: str) -> list[tuple[int, int]]:
        self.searched += len(text)
        return super().spans(text)


def _work(secret: str, text: str, piece: int) -> tuple[int, int]:
    """Characters searched, and the most that were held back at a time."""
    redactor = _Counting([secret])
    stream, most = RedactedStream(Redaction(redactor), 1000), 0
    data = text.encode()
    for at in range(0, len(data), piece):
        stream.take(data[at : at + piece])
        most = max(most, stream._size)
    stream.end()
    return redactor.searched, most


@pytest.mark.parametrize("piece", [7, 4096])
@pytest.mark.parametrize("shape", _SHAPES)
def test_a_large_output_costs_work_in_proportion_and_no_memory(shape: str, piece: int) -> None:
    secret, text = _SHAPES[shape]
    text = text[: _LARGE * 10 if piece > 7 else _LARGE]
    searched, held = _work(secret, text, piece)
    # What is held back is searched once more with what comes next.
    assert searched <= 3 * len(text)
    assert held <= 1000 + 2 * Redactor([secret]).reach


@pytest.mark.parametrize("shape", ["nothing but the secret", "a secret that overlaps itself"])
def test_of_a_secret_without_end_nothing_is_told_but_its_mask(shape: str) -> None:
    secret, text = _SHAPES[shape]
    assert set(_streamed(text[:_LARGE], list(range(0, _LARGE, 997)), secret, longest_line=100).split(MASK)) == {""}
