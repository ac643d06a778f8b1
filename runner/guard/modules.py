"""Python modules and their functions, as far as their files tell: nothing is imported, for that would run it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

from runner.lazy_dataclass import lazy_dataclass

#: Bytes of a source that is read, and imports that are followed from one module to the next.
_LONGEST = 1 << 20
_FURTHEST = 5
#: How like two names are of which one was probably meant: 0 to 1.
_NEAR = 0.7
#: What puts names into a module that its source does not show.
_HIDDEN = ("globals()", "exec(", "sys.modules", "setattr(")


@lazy_dataclass(frozen=True, kw_only=True)
class Signature:
    """What a function may be given by name. `required` has no default; `more` is true when it takes any name."""

    names: tuple[str, ...]
    required: tuple[str, ...] = ()
    more: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class _Import:
    """`from module import name`."""

    module: str
    name: str


#: Of a name in a module: how it is called, whence it comes, or None for what only running the module would tell.
_Bound = Signature | _Import | None


def exists(module: str) -> bool:
    """Whether it could be imported, as far as that is known without importing the packages above it."""
    return module.partition(".")[0] in sys.stdlib_module_names or _spec(module)[1] is not None


def nearest_module(module: str) -> str:
    """The one that is there and was probably meant by a name that is not; '' when none is near."""
    from pkgutil import iter_modules  # a run whose modules are all there never needs it

    above, _ = _spec(module)
    prefix = f"{above.name}." if above is not None else ""
    part, dot, rest = module.removeprefix(prefix).partition(".")
    known = [each.name for each in iter_modules(_locations(above) if above is not None else None)]
    near = get_close_matches(part, known, n=1, cutoff=_NEAR)
    meant = f"{prefix}{near[0]}{dot}{rest}" if near else ""
    return meant if meant and exists(meant) else ""


def unreadable(module: str) -> str:
    """Why its source is no Python, with the line; '' for one that is, or whose source cannot be had."""
    spec = _spec(module)[1]
    if spec is None or spec.name != module or not spec.origin or not spec.origin.endswith(".py"):
        return ""
    path = Path(spec.origin)
    try:
        source = path.read_bytes()
        if len(source) <= _LONGEST:
            ast.parse(source)
    except SyntaxError as error:
        return f"{path.name}, line {error.lineno or 1}: {error.msg}"
    except (OSError, ValueError, RecursionError):
        return ""
    return ""


def names_in(module: str) -> tuple[str, ...] | None:
    """All names at the top of a module, its own functions first; None when they cannot be told from its source."""
    if module.partition(".")[0] in sys.stdlib_module_names and module in sys.modules:
        return tuple(vars(sys.modules[module]))
    bound = _bound(module)
    return None if bound is None else tuple(sorted(bound, key=lambda name: not isinstance(bound[name], Signature)))


def signature_of(module: str, function: str) -> Signature | None:
    """How a function is called; None when that cannot be told from the source."""
    for _ in range(_FURTHEST):
        match (_bound(module) or {}).get(function):
            case _Import(module=module, name=function):
                continue
            case found:
                return found
    return None


# -- files -------------------------------------------------------------------------------------------------------------


def _spec(module: str) -> tuple[ModuleSpec | None, ModuleSpec | None]:
    """The nearest package above it that is there, and the module itself; of what is no package, itself for all below it."""
    above: ModuleSpec | None = None
    spec = _find(module.partition(".")[0], None)
    for part in module.split(".")[1:]:
        # What is no package may still put modules of its own below its name.
        locations = _locations(spec) if spec is not None else None
        if spec is None or locations is None:
            break
        above, spec = spec, _find(f"{spec.name}.{part}", locations)
    return above, spec


def _find(name: str, locations: list[str] | None) -> ModuleSpec | None:
    if locations is None:
        found = (finder.find_spec(name, None) for finder in sys.meta_path if hasattr(finder, "find_spec"))
        return next((spec for spec in found if spec is not None), None)
    from pkgutil import get_importer  # few modules lie in a package

    # Not by the system's own way: below a package that nobody has imported it fails on folders without a file.
    inside = (get_importer(location) for location in locations)
    specs = [spec for finder in inside if finder and (spec := finder.find_spec(name))]
    return next((spec for spec in specs if spec.loader is not None), specs[0] if specs else None)


def _locations(spec: ModuleSpec) -> list[str] | None:
    return None if spec.submodule_search_locations is None else list(spec.submodule_search_locations)


@cache
def _bound(module: str) -> Mapping[str, _Bound] | None:
    """Every name at the top of a module; None when its source cannot be had or hides names."""
    spec = _spec(module)[1]
    if spec is None or spec.name != module or not spec.origin or not spec.origin.endswith(".py"):
        return None
    try:
        source = Path(spec.origin).read_bytes()
        tree = ast.parse(source) if len(source) <= _LONGEST else None
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    if tree is None or any(word.encode() in source for word in _HIDDEN):
        return None
    package = module if spec.submodule_search_locations is not None else module.rpartition(".")[0]
    bound: dict[str, _Bound] = {}
    for name, value in _statements(tree.body, package):
        # Twice, as in the branches of an `if`: which one it is only running tells.
        bound[name] = None if name in bound else value
    return None if {"*", "__getattr__"} & bound.keys() else bound


# -- source ------------------------------------------------------------------------------------------------------------


def _statements(body: list[ast.stmt], package: str) -> Iterator[tuple[str, _Bound]]:
    for each in body:
        match each:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield each.name, None if each.decorator_list else _signature(each.args)
            case ast.ClassDef():
                yield each.name, None
            case ast.ImportFrom():
                module = _absolute(each, package)
                yield from ((name.asname or name.name, _Import(module=module, name=name.name)) for name in each.names)
            case ast.Import():
                yield from ((name.asname or name.name.partition(".")[0], None) for name in each.names)
            case _:
                yield from ((name.id, None) for name in _assigned(each))
                for part in ("body", "orelse", "finalbody"):
                    yield from _statements(getattr(each, part, []), package)
                for handler in getattr(each, "handlers", []):
                    yield from _statements(handler.body, package)


def _assigned(statement: ast.stmt) -> Iterator[ast.Name]:
    """The names that a statement by itself gives a value to, not those inside it."""
    targets = [*getattr(statement, "targets", []), *filter(None, [getattr(statement, "target", None)])]
    targets += [item.optional_vars for item in getattr(statement, "items", []) if item.optional_vars]
    for target in targets:
        yield from (node for node in ast.walk(target) if isinstance(node, ast.Name))


def _absolute(statement: ast.ImportFrom, package: str) -> str:
    if not statement.level:
        return statement.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - statement.level + 1], *filter(None, [statement.module])])


def _signature(arguments: ast.arguments) -> Signature | None:
    """None for one that has to be called by position."""
    if arguments.posonlyargs:
        return None
    plain = [each.arg for each in arguments.args]
    named = [each.arg for each in arguments.kwonlyargs]
    without = [name for name, value in zip(named, arguments.kw_defaults, strict=True) if value is None]
    return Signature(
        names=(*plain, *named),
        required=(*plain[: len(plain) - len(arguments.defaults)], *without),
        more=arguments.kwarg is not None,
    )
