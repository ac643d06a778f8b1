from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.redact import MASK, Redactor

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
