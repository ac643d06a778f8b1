"""Names of things as names of files."""

from __future__ import annotations

import pytest

from runner.filenames import file_stem

_NAMES = [
    "errors",
    "payments/errors",
    "payments-errors",
    "payments errors",
    "x" * 100,
    "x" * 101,
    "x" * 300,
    "x" * 299 + "y",
    "../../etc/passwd",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 200,
    "a\nb",
]


@pytest.mark.parametrize("name", _NAMES)
def test_a_name_becomes_one_file_in_one_folder(name: str) -> None:
    stem = file_stem(name)
    assert len(f"journal-{stem}.json.draft".encode()) < 200
    assert "/" not in stem
    assert stem.isprintable()


def test_a_plain_name_stays_and_no_two_become_one() -> None:
    assert file_stem("payment-gateway_errors.2") == "payment-gateway_errors.2"
    assert len(set(map(file_stem, _NAMES))) == len(_NAMES)
