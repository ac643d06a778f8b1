"""What the kernel gives a process: a word of a command that is longer never starts, and a rollback like that undoes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from runner.specs.yaml_composer import Json

#: Bytes. Linux's MAX_ARG_STRLEN, less its terminating zero.
LONGEST_WORD = 131_071


def too_long(words: Iterable[Json]) -> str:
    """What is wrong with the first word that no process can be given; '' when all fit."""
    for word in words:
        size = len(str(word).encode(errors="surrogatepass"))
        if size > LONGEST_WORD:
            return f"a word of {size:,} bytes; a process takes at most {LONGEST_WORD:,}"
    return ""
