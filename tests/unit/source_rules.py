"""What the source of a package is held to, read with `ast`: no circle of imports, one name for one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

#: Dotted name of a module → its source.
Sources = Mapping[str, str]


def read_sources(package: Path) -> dict[str, str]:
    """Every module below `package`, a folder, by its dotted name; packages by their own."""
    return {_dotted(path.relative_to(package.parent)): path.read_text() for path in sorted(package.rglob("*.py"))}


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(sources: Sources) -> list[tuple[str, ...]]:
    """The groups of modules that import each other, whether at the top, in a function or for types only."""
    graph = {name: set(_imported(source, name, sources)) for name, source in sources.items()}
    reached = {name: _reachable(graph, name) for name in graph}
    groups = {tuple(sorted(other for other in reached[name] if name in reached[other])) for name in graph}
    return sorted(group for group in groups if group)


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """All that is imported from `start` on; `start` itself only when a way leads back to it."""
    found: set[str] = set()
    todo = [start]
    while todo:
        fresh = graph[todo.pop()] - found
        found |= fresh
        todo += fresh
    return found


def _imported(source: str, module: str, known: Sources) -> Iterator[str]:
    """The modules of `known` that the source names in an import, wherever that stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            yield from _imported_from(node, module, known)


def _imported_from(node: ast.ImportFrom, module: str, known: Sources) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        base = ".".join([*module.split(".")[: -node.level], *filter(None, [base])])
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        found = inner if inner in known else base
        if found in known and found != module:
            yield found


def same_files(sources: Sources, allowed: Mapping[str, Iterable[str]]) -> list[str]:
    """A line for each file name that occurs twice, unless `allowed` lists exactly those modules under it."""
    named = defaultdict(list)
    for module in sources:
        stem = module.rpartition(".")[2]
        is_package = any(other.startswith(module + ".") for other in sources)
        if not is_package and not stem.startswith("__"):
            named[stem].append(module)
    return _clashes(named, allowed)


def same_classes(sources: Sources, allowed: Mapping[str, Iterable[str]]) -> list[str]:
    """A line for each class name that occurs twice, unless `allowed` lists exactly its modules under it."""
    named = defaultdict(list)
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                named[node.name].append(module)
    return _clashes(named, allowed)


def _clashes(named: Mapping[str, list[str]], allowed: Mapping[str, Iterable[str]]) -> list[str]:
    twice = {name: sorted(where) for name, where in named.items() if len(where) > 1}
    listed = {name: sorted(where) for name, where in allowed.items()}
    found = [f"{name}: {', '.join(where)}" for name, where in twice.items() if listed.get(name) != where]
    stale = [f"{name}: listed, but not twice" for name in listed if name not in twice]
    return sorted(found + stale)


def long_functions(sources: Sources, most: int) -> list[str]:
    """A line for each function of more than `most` lines, its signature included."""
    found = []
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                found += [f"{module}.{node.name}: {lines} lines"] if lines > most else []
    return found
