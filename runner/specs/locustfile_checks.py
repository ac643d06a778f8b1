"""What can be said of a locustfile without importing it: reading a file must never run it."""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from runner.errors import InputError, Problem
from runner.specs.files import read_bytes
from runner.specs.locust_imports import missing_imports

_LOCUSTS_OTHERS = frozenset(
    {"LoadTestShape", "TaskSet", "SequentialTaskSet", "MarkovTaskSet", "WebUI", "StatsCSV", "UsersDispatcher"}
)
_MEANT = "define one, such as `class Shopper(HttpUser):`"


def check_locustfiles(files: Mapping[Path, str], root: Path | None = None) -> list[Problem]:
    """The problems that are sure: no such file, not Python, a module that is not there, no User class in any of them.

    `files`: path → its name in messages; Locust takes their classes together. `root` is the repository's.
    """
    problems: list[Problem] = []
    trees: dict[Path, ast.Module] = {}
    for path, file in files.items():
        tree, found = read_source(path, file)
        problems += found
        if tree is not None:
            trees[path] = tree
            problems += missing_imports(path, file, tree, root)
    if len(trees) < len(files):
        return problems
    if trees and not any(_may_define_a_user(tree) for tree in trees.values()):
        first = next(iter(files.values()))
        problems.append(Problem(file=first, line=1, column=1, what="defines no User class", meant=_MEANT))
    return [*problems, *_defined_twice(trees, files)]


def read_source(path: Path, file: str) -> tuple[ast.Module | None, list[Problem]]:
    """A Python file, parsed; None, with why, when it cannot be."""
    try:
        source = read_bytes(path, file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a string is not our user's concern here
            return ast.parse(source, filename=file), []
    except InputError as error:
        return None, list(error.problems)
    except SyntaxError as error:
        what = f"is not Python: {error.msg}"
        return None, [Problem(file=file, line=error.lineno or 1, column=error.offset or 1, what=what)]
    except (ValueError, RecursionError, MemoryError) as error:
        return None, [Problem(file=file, what=f"is not Python: {error}")]


def _defined_twice(trees: Mapping[Path, ast.Module], files: Mapping[Path, str]) -> Iterator[Problem]:
    """Locust does not begin with two User classes of one name."""
    first: dict[str, str] = {}
    for path, tree in trees.items():
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        for name in dict.fromkeys(_users(iter(classes))):
            node = next(each for each in classes if each.name == name)
            if name in first:
                what = f"the User class {name!r} is defined in {first[name]} too"
                yield Problem(
                    file=files[path],
                    line=node.lineno,
                    column=node.col_offset + 1,
                    what=what,
                    meant="rename one of them",
                )
            first.setdefault(name, files[path])


def _may_define_a_user(tree: ast.Module) -> bool:
    nodes = list(_outside_functions(tree))
    if any(_imports_own(node) or _is_pytest(node) or _makes_a_class(node) for node in nodes):
        return True
    return bool(_users(node for node in nodes if isinstance(node, ast.ClassDef)))


def _outside_functions(tree: ast.AST) -> Iterator[ast.stmt]:
    """Every statement that runs on import, in order, whatever `if`, `try` or `with` is around it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _outside_functions(node)


def _users(classes: Iterator[ast.ClassDef]) -> list[str]:
    """The names of the classes that may be users: with a base, one that is not known to be something else."""
    others = {*_LOCUSTS_OTHERS, *dir(builtins)}
    found = []
    for node in classes:
        if all(_last_name(base) in others for base in node.bases):
            others.add(node.name)
        elif not _is_abstract(node):
            found.append(node.name)
    return found


def _last_name(base: ast.expr) -> str:
    if isinstance(base, ast.Attribute):
        return base.attr
    if isinstance(base, ast.Subscript):
        return _last_name(base.value)
    return base.id if isinstance(base, ast.Name) else ""


def _is_abstract(node: ast.ClassDef) -> bool:
    return any(
        isinstance(line, ast.Assign)
        and any(isinstance(name, ast.Name) and name.id == "abstract" for name in line.targets)
        and isinstance(line.value, ast.Constant)
        and line.value.value is True
        for line in node.body
    )


def _imports_own(node: ast.stmt) -> bool:
    """A class may come from any module that is neither Python's nor Locust's."""
    if not isinstance(node, ast.ImportFrom):
        return False
    root = (node.module or "").partition(".")[0]
    return node.level > 0 or (root != "locust" and root not in sys.stdlib_module_names)


def _is_pytest(node: ast.stmt) -> bool:
    """Locust also runs pytest's functions as users."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")


def _makes_a_class(node: ast.stmt) -> bool:
    """`Name = something(...)` at the top may be a class; so may what a call puts into `globals()`."""
    return isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) and any(
        isinstance(call, ast.Call) and _last_name(call.func) in {"type", "new_class", "globals", "setattr", "exec"}
        for call in ast.walk(node)
    )
