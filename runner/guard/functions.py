"""Whether the Python functions are there that a run calls, and take what they are given. Nothing is imported for it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches

from runner.guard.modules import exists, names_in, nearest_module, signature_of, unreadable
from runner.guard.refusal import Refusal
from runner.planning.calls import Call
from runner.specs.control_spec import CONTROL_FUNCTIONS
from runner.specs.diagnostics import nearest
from runner.specs.substitution import placeholders
from runner.specs.yaml import Path_

#: How like a name is to one of these that was probably meant: 0 to 1.
_ALIKE = 0.9
#: Arguments that the toolkit gives by itself.
_INJECTED = ("configuration", "secrets")


def missing_module(module: str) -> tuple[str, str]:
    """That there is none of this name, or none that can be read, and the cure; two empty texts when there is."""
    if exists(module):
        why = unreadable(module)
        return (f"the Python module {module!r} cannot be imported: {why}" if why else ""), ""
    meant = nearest_module(module)
    cure = (
        f"did you mean {meant!r}?" if meant else f"install the package that has it, beside this program: {sys.prefix}"
    )
    return f"there is no Python module {module!r} on this machine", cure


def faulty_control(module: str) -> tuple[str, str]:
    """That a module which is there would not be called as a control is, and the cure; two empty texts when it would.

    The toolkit calls what it finds by name, and takes a name that is not there for a control with nothing to say.
    """
    known = names_in(module)
    if known is None:
        return "", ""
    for name in known:
        meant = get_close_matches(name, CONTROL_FUNCTIONS, n=1, cutoff=_ALIKE)
        if meant and meant[0] not in known and name not in CONTROL_FUNCTIONS:
            return f"its module {module!r} has a function {name!r} that nothing calls", f"did you mean {meant[0]!r}?"
    if not set(CONTROL_FUNCTIONS) & set(known):
        return f"the module {module!r} has no function of a control", f"such as {CONTROL_FUNCTIONS[0]}"
    return "", ""


def judge_function(call: Call) -> Iterator[Refusal]:
    """A module that is not there, a function that it has not, or arguments that it does not take, as far as the source shows."""
    module, name = str(call.provider.get("module")), str(call.provider.get("func"))
    what, cure = missing_module(module)
    if what:
        yield replace(_refusal(call, ("module",), what, cure), here=True)
        return
    known = names_in(module)
    if known is None or placeholders(name):
        return
    if name not in known:
        what = f"the Python module {module!r} does not expose a function called {name!r}"
        yield _refusal(call, ("func",), what, near(name, known))
        return
    yield from _arguments(call, module, name)


def _arguments(call: Call, module: str, name: str) -> Iterator[Refusal]:
    signature, given = signature_of(module, name), call.provider.get("arguments") or {}
    if signature is None or not isinstance(given, Mapping):
        return
    for argument in given if not signature.more else ():
        if argument not in signature.names:
            what = f"{name} takes no argument {argument!r}"
            yield _refusal(call, ("arguments", argument), what, nearest(argument, signature.names, noun="it takes"))
    for argument in signature.required:
        if argument not in given and argument not in _INJECTED:
            what = f"{name} needs an argument {argument!r}"
            yield _refusal(call, ("arguments",) if given else ("func",), what, "")


def near(name: str, known: Iterable[str]) -> str:
    """The nearest of many; '' when none is near."""
    said = nearest(name, known)
    return said if said.endswith("?") else ""


def _refusal(call: Call, place: Path_, what: str, cure: str) -> Refusal:
    at = (*call.at, *place) if call.at else ()
    return Refusal(rule="tools", what=f"{call.name}: {what}", where=call.file, at=at, cure=cure)
