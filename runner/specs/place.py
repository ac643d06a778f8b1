"""Where in a document a value stands."""

from __future__ import annotations

#: The keys and indexes that lead to a value, from the top.
Path_ = tuple[str | int, ...]
#: Mistakes of one file that are named: with more than these it is another kind of file.
MAX_PROBLEMS = 50
