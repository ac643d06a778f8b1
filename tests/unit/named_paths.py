"""Which files and modules a text names in backticks, and which of them are not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Folders of the repository whose files are named from its root; drills, experiments and runbooks may be a user's.
_TOP = "runner|tests|docs"
_PATH = re.compile(rf"`((?:{_TOP})/[\w./*-]*)`")
_DOTTED = re.compile(r"`(runner(?:\.\w+)+)(?:\(\))?`")
_FILE = re.compile(r"`([a-z_0-9/]+\.(?:py|tcss))`")

#: Files that stand in a user's repository, not in ours.
_USERS = {"locustfile.py", "chaos_module.py"}


def missing(text: str) -> list[str]:
    """What the text names and nobody finds: paths, dotted names of `runner`, and bare file names."""
    paths = [each for each in _PATH.findall(text) if not any(ROOT.glob(each.rstrip("/")))]
    dotted = [each for each in _DOTTED.findall(text) if not _is_there(each)]
    files = [each for each in _FILE.findall(text) if each not in _USERS and not _ends_a_path(each)]
    return sorted({*paths, *dotted, *files})


def _is_there(name: str) -> bool:
    """Whether a dotted name is a module or package of ours, or something that stands in one."""
    if _source(name) is not None:
        return True
    module, _, attribute = name.rpartition(".")
    source = _source(module)
    return source is not None and attribute in _defined(module)


def _source(module: str) -> Path | None:
    base = ROOT / module.replace(".", "/")
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def _defined(module: str) -> frozenset[str]:
    """The names at the top of a module."""
    source = _source(module)
    assert source
    return frozenset(_names(ast.parse(source.read_text())))


def _names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


@cache
def _files() -> tuple[str, ...]:
    found = [*ROOT.glob("runner/**/*.*"), *ROOT.glob("tests/**/*.*"), *ROOT.glob("docs/*.*"), *ROOT.glob("drills/*/*")]
    return tuple(f"/{path.relative_to(ROOT)}" for path in found)


def _ends_a_path(name: str) -> bool:
    return any(path.endswith(f"/{name}") for path in _files())
