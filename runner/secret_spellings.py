"""The spellings in which a secret may come back: quoted, escaped, encoded, wrapped."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

#: Characters. Shorter ones are found only as a whole value: taking every "1" or "no" out of a text would leave nothing
#: of it. So a run does not begin with one: see `runner.guard.secrets`.
SHORTEST = 4
# A key or certificate is often printed line by line; a shorter line may be anybody's.
_SHORTEST_LINE = 12
# Of such a length it is no chance: then the whole word goes, for the characters at both ends hold bits of the secret.
_SURE_BASE64 = 8
_BASE64_WIDTHS = (64, 76)
# The most that stand before one character: of a text that was put into JSON into JSON into JSON into JSON.
_SLASHES = 15
# The most that a spelling takes for one character: two halves, each with as many slashes and a code.
PER_CHARACTER = 2 * (_SLASHES + 5)
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
_REST_OF_BASE64 = re.compile("[A-Za-z0-9+/_-]*=*")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
_PIECE = re.compile(r"[A-Za-z0-9_.-]+|\\+|.", re.DOTALL)
_ESCAPE = rf"(?:\\{{0,{_SLASHES}}}|(?:%(?:25)?5[cC]){{0,3}})"
_CONTROLS = {"\n": "n", "\t": "t", "\r": "r", "\b": "b", "\f": "f", "\0": "0"}
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
Span = tuple[int, int]


def forms(secret: str) -> set[str]:
    """A value read from a file often keeps its last newline, and is used without; a log may put it on one line."""
    return {secret, secret.strip(), " ".join(secret.split())} - {""}


def fixed_spellings(secret: str) -> Iterator[str]:
    for plain in forms(secret):
        raw = plain.encode("utf-8", "surrogateescape")
        yield plain
        yield raw.hex()
        yield raw.hex().upper()
        yield repr(plain)[1:-1]
        yield ascii(plain)[1:-1]
        yield repr(raw)[2:-1]
        yield plain.replace("'", "'\\''")
        yield plain.replace("'", "'\"'\"'")
        for encoded in _base64_whole(raw):
            yield from _wrapped(encoded)
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= _SHORTEST_LINE)


def _base64_whole(raw: bytes) -> Iterator[str]:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode()
        yield encode(raw).decode().rstrip("=")
        yield encode(raw + b"\n").decode()


def _wrapped(encoded: str) -> Iterator[str]:
    yield encoded
    for width in _BASE64_WIDTHS:
        lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]
        yield from (line for line in lines if len(lines) > 1 and len(line) >= _SHORTEST_LINE)


def looser(plain: str) -> Iterator[tuple[str, str]]:
    """A text that must be there, and the pattern to look for when it is.

    Any mixture is found: Locust's report holds the repr of a text in JSON in JavaScript.
    """
    if not _PLAIN.fullmatch(plain):
        anchor = max(_PLAIN.findall(plain), key=len, default="")
        yield anchor, "".join(_loose(match[0]) for match in _PIECE.finditer(plain))


def _loose(piece: str) -> str:
    """A plain text as it is, a run of backslashes, or one other character."""
    if piece[0] == "\\":
        # At least as many as there are, and each may have been escaped.
        return f"(?:{_either(re.escape(piece[0]), _in_address(piece[0]), _numbered(piece[0]))}){{{len(piece)},{len(piece) * (_SLASHES + 1)}}}"
    if _PLAIN.match(piece):
        return re.escape(piece)
    return _either(f"{_ESCAPE}{_either(_in_address(piece), _entity(piece), re.escape(piece))}", _numbered(piece))


def base64_cores(plain: str) -> Iterator[str]:
    """Inside a longer value (`user:password`) it begins at one of three offsets; what is its own alone."""
    raw = plain.encode("utf-8", "surrogateescape")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            encoded = encode(b"\0" * before + raw).decode().rstrip("=")
            partly_ours = -(-before * 8 // 6)
            tail = 1 if (before + len(raw)) % 3 else 0
            core = encoded[partly_ours : len(encoded) - tail]
            if len(core) >= SHORTEST:
                yield core


def places(spelling: str, text: str) -> Iterator[Span]:
    at = text.find(spelling)
    while at >= 0:
        start, end = at, at + len(spelling)
        at = text.find(spelling, start + 1)
        # Of one that repeats itself there may be as many as there are characters.
        while 0 <= at < end:
            end = at + len(spelling)
            at = text.find(spelling, at + 1)
        yield start, end


def words_with(core: str, text: str) -> Iterator[Span]:
    at = text.find(core)
    while at >= 0:
        start, end = at, at + len(core)
        if len(core) >= _SURE_BASE64:
            while start and text[start - 1] in _BASE64:
                start -= 1
            rest = _REST_OF_BASE64.match(text, end)
            end = rest.end() if rest else end
        yield start, end
        at = text.find(core, end)


def _either(*spellings: str) -> str:
    return f"(?:{'|'.join(dict.fromkeys(spellings))})"


def _in_address(char: str) -> str:
    """With %, or with that encoded once more; in either case of letters."""
    codes = [char.encode("utf-8", "surrogateescape")]
    if "\x80" <= char <= "\xff":
        codes.append(char.encode("latin-1"))
    encoded = ["".join(f"%(?:25)?(?i:{byte:02x})" for byte in code) for code in codes]
    return _either(*encoded, *([r"\+"] if char == " " else []))


def _entity(char: str) -> str:
    """In HTML: by name or by number, or with that encoded once more."""
    named = [f"{_ENTITIES[char]};"] if char in _ENTITIES else []
    return f"&(?:amp;)?{_either(*named, f'#0?{ord(char)};', f'#[xX]0?(?i:{ord(char):x});')}"


def _numbered(char: str) -> str:
    """Escaped by a code or a letter, as JSON, Python and JavaScript do."""
    some = _ESCAPE.replace("{0,", "{1,")
    letter = [f"{some}{_CONTROLS[char]}"] if char in _CONTROLS else []
    byte = [f"{some}x(?i:{ord(char):02x})"] if ord(char) < 256 else []
    return _either("".join(f"{some}u(?i:{unit:04x})" for unit in _utf16(char)), *byte, *letter)


def _utf16(char: str) -> list[int]:
    code = char.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(code[at : at + 2]) for at in range(0, len(code), 2)]
