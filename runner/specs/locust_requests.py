"""The requests that locustfiles send, as far as their text shows every one of them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator

#: Methods of Locust's client; of each the first argument is the address, and the name unless `name=` gives another.
_METHODS = frozenset(("get", "post", "put", "delete", "patch", "head", "options"))
_USERS = frozenset(("HttpUser", "FastHttpUser"))
_OTHERS = frozenset(("TaskSet", "SequentialTaskSet", "LoadTestShape", "object", "Exception"))
#: What names a request by other means than its call.
_RENAMES = frozenset(("request_name", "rename_request", "fire", "rest_"))


def requests_sent(trees: Iterable[ast.Module]) -> frozenset[str] | None:
    """`GET /ok` and so on: all that these files can send; None when their text does not show all of it."""
    found: set[str] = set()
    for tree in trees:
        if not _is_plain(tree):
            return None
        for call in _client_calls(tree):
            name = "" if call is None else _name(call)
            if not name:
                return None
            found.add(name)
    return frozenset(found) if found else None


def _is_plain(tree: ast.Module) -> bool:
    """Only Locust's own HTTP users, and nothing that sends or names requests elsewhere."""
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or not _is_harmless(node.module or "", node)):
            return False
        if isinstance(node, ast.Import) and not all(_is_harmless(alias.name, node) for alias in node.names):
            return False
        if isinstance(node, ast.ClassDef) and any(
            _last_name(base) not in _USERS | _OTHERS | classes for base in node.bases
        ):
            return False
        if isinstance(node, ast.Attribute) and node.attr in _RENAMES:
            return False
    return True


def _is_harmless(module: str, node: ast.Import | ast.ImportFrom) -> bool:
    """Of Python itself, or the part of Locust that sends nothing but by its client."""
    root = module.partition(".")[0]
    if root == "locust":
        return module == "locust" or isinstance(node, ast.ImportFrom)
    return root in sys.stdlib_module_names


def _client_calls(tree: ast.Module) -> Iterator[ast.Call | None]:
    """Every call of a `….client`'s method; None for a client that is used in another way."""
    called = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_client(node.func.value):
            called.add(id(node.func.value))
            yield node
        elif isinstance(node, ast.Call) and _last_name(node.func) == "rest":
            yield node
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "client" and id(node) not in called:
            yield None


def _is_client(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "client"


def _name(call: ast.Call) -> str:
    """`GET /ok`; '' when the text does not say it."""
    method = _last_name(call.func)
    arguments = list(call.args)
    if any(isinstance(each, ast.Starred) for each in arguments) or any(each.arg is None for each in call.keywords):
        return ""
    given = {each.arg: each.value for each in call.keywords}
    if method in ("request", "rest"):
        verb = _text(arguments.pop(0) if arguments else given.get("method"))
    else:
        verb = method.upper() if method in _METHODS else ""
    address = arguments[0] if arguments else given.get("url") or given.get("path")
    name = _text(given.get("name", address))
    return f"{verb.upper()} {name}" if verb and name else ""


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
