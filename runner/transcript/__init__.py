"""The append-only record of a run: one JSON object a line, each carrying a hash of the line before.

`writer` needs Linux; `reader` and `recover` work anywhere, so nothing is imported here.
"""
