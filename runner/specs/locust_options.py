"""`--set load.users=10`: a value from the command line in the place of one from the drill's file."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runner.errors import InputError, Problem
from runner.specs.yaml import Document, Path_, parse


def apply_options(document: Document, sets: Mapping[str, str]) -> Document:
    """The document with each dotted field set; problems at these places name the option. Raises InputError."""
    changed = replace(document, value=copy.deepcopy(document.value), options=dict(document.options), has_nulls=True)
    problems: list[Problem] = []
    for field, text in sets.items():
        option = f"--set {field}"
        value = parse(text.encode(), option)
        if text.strip() and value.problems:
            problems += [Problem(file=option, what=problem.what, meant=problem.meant) for problem in value.problems]
            continue
        path = _path(field)
        why = _put(changed.value, path, value.value) if path else "a field is missing, such as load.users=10"
        if why:
            problems.append(Problem(file=option, what=why))
        changed.options[path] = option
    if problems:
        raise InputError(*problems)
    return changed


def _path(field: str) -> Path_:
    parts = field.split(".")
    return tuple(int(part) if part.isdecimal() else part for part in parts) if all(parts) else ()


def _put(holder: Any, path: Path_, value: Any) -> str:
    """Puts the value there, making mappings on the way. Returns why not, or ''."""
    for index, part in enumerate(path):
        last = index == len(path) - 1
        if isinstance(holder, dict):
            key = str(part)
            if last:
                holder[key] = value
            elif holder.get(key) is None:
                holder[key] = {}
            holder = holder[key]
        elif isinstance(holder, list) and isinstance(part, int) and part < len(holder):
            if last:
                holder[part] = value
            holder = holder[part]
        else:
            where = ".".join(map(str, path[:index]))
            return f"{where or 'the drill'} has nothing called {part!r} in it"
    return ""
