"""Modules that a locustfile imports and that are not there, found without importing anything."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from runner.errors import InputError, Problem
from runner.specs.diagnostics import nearest
from runner.specs.disk_reads import is_dir, is_file
from runner.specs.files import read_bytes

_HANDLES_IT = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))
#: Local modules that are looked into: more are a program of their own.
_MOST = 50


def missing_imports(path: Path, file: str, tree: ast.Module, root: Path | None = None) -> list[Problem]:
    """What is sure to fail: a module that is neither installed nor beside the locustfile, in it or in a module of its own.

    Modules in the repository's `root` are found too: Locust looks where it is started. Nothing is said of an import that
    may not run (`if`, `try … except ImportError`), nor where the search path is changed.
    """
    folders = [path.parent, *([root] if root is not None and root != path.parent else [])]
    search = _Search(folders, Path(file).parent)
    return list(search.problems_in(tree, file, whole=True))


class _Search:
    """One locustfile's imports, followed into the modules beside it."""

    def __init__(self, folders: list[Path], shown: Path) -> None:
        self._folders = folders
        self._shown = shown
        self._seen: set[Path] = set()

    def problems_in(self, tree: ast.Module, file: str, *, whole: bool) -> Iterator[Problem]:
        """`whole`: the file is no part of a package, so that it can import nothing relative to itself."""
        if _changes_the_path(tree):
            return
        for node in _sure_imports(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                if whole:
                    what = "a locustfile is no part of a package, so it cannot import relative to itself"
                    yield _problem(file, node, what, "name the module without the dot")
                continue
            for name, at in _names(node):
                yield from self._look_up(name, at, file)

    def _look_up(self, name: str, at: ast.AST, file: str) -> Iterator[Problem]:
        root = name.partition(".")[0]
        if root in sys.stdlib_module_names:
            return
        local = self._local(name)
        if local is not None:
            yield from self._inside(local)
        elif self._is_local(root):
            yield _problem(file, at, f"there is no module {name!r} beside it", "")
        elif not _is_installed(root):
            beside = [each.stem for each in sorted(self._folders[0].glob("*.py"))]
            near = nearest(root, beside)
            meant = (
                near if near.startswith("did you") else "install it where gameday is, or put it beside the locustfile"
            )
            yield _problem(file, at, f"there is no module {root!r}", meant)
        elif (lacking := _lacking_below(name)) is not None:
            missing, known = lacking
            near = nearest(missing.rpartition(".")[2], known)
            meant = near if near.startswith("did you") else f"the {root} that is installed has none of this name"
            yield _problem(file, at, f"there is no module {missing!r}", meant)

    def _is_local(self, root: str) -> bool:
        return any(is_file(folder / f"{root}.py") or is_dir(folder / root) for folder in self._folders)

    def _local(self, name: str) -> Path | None:
        """The file or folder of a module beside the locustfile."""
        for base in (folder.joinpath(*name.split(".")) for folder in self._folders):
            source = base.with_name(f"{base.name}.py")
            if is_file(source) or is_dir(base):
                return source if is_file(source) else base
        return None

    def _inside(self, module: Path) -> Iterator[Problem]:
        source = module / "__init__.py" if module.suffix != ".py" else module
        if source in self._seen or len(self._seen) >= _MOST or not is_file(source):
            return
        self._seen.add(source)
        beside = source.is_relative_to(self._folders[0])
        shown = str(self._shown / source.relative_to(self._folders[0])) if beside else str(source)
        try:
            tree = ast.parse(read_bytes(source, shown))
        except (InputError, SyntaxError, ValueError, RecursionError, MemoryError):
            # Whoever reads that file itself says so; Locust would, with its line.
            return
        yield from self.problems_in(tree, shown, whole=False)


def _problem(file: str, at: ast.AST, what: str, meant: str) -> Problem:
    line, column = getattr(at, "lineno", 1), getattr(at, "col_offset", 0) + 1
    return Problem(file=file, line=line, column=column, what=what, meant=meant)


def _is_installed(root: str) -> bool:
    try:
        return find_spec(root) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _lacking_below(name: str) -> tuple[str, list[str]] | None:
    """The part of a dotted name that an installed package has not, and what it has beside; None when nothing is sure to lack.

    Only packages of plain files are looked into: one that speaks of `sys.modules`, `__path__` or `__getattr__` may make modules.
    """
    root, *below = name.split(".")
    spec = find_spec(root)
    folders = [Path(each) for each in (spec.submodule_search_locations or ())] if spec is not None else []
    for depth, part in enumerate(below, start=1):
        if not folders or not all(_is_plain(folder) for folder in folders):
            return None
        known = sorted({file.name.partition(".")[0] for folder in folders for file in folder.iterdir()})
        if part not in known:
            return ".".join([root, *below[:depth]]), known
        folders = [folder / part for folder in folders if is_dir(folder / part)]
    return None


def _is_plain(folder: Path) -> bool:
    try:
        source = (folder / "__init__.py").read_bytes()
    except OSError:
        return False
    return not any(word in source for word in (b"sys.modules", b"__path__", b"__getattr__", b"meta_path"))


def _names(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, alias) for alias in node.names)
    elif node.module:
        yield node.module, node


def _sure_imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Those that run when the file is imported, or when one of its functions is called."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.Try) and any(_catches(handler) for handler in node.handlers):
            continue
        elif not isinstance(node, ast.If | ast.Match | ast.With):
            yield from _sure_imports(node)


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(_last_name(each) in _HANDLES_IT for each in caught)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _changes_the_path(tree: ast.AST) -> bool:
    """`sys.path` is spoken of, or modules are put in place by hand: then anything may be found."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ("path", "modules", "meta_path")
        and _last_name(node.value) == "sys"
        for node in ast.walk(tree)
    )
