"""pydantic's errors → problems in plain words, at the place of the value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from runner.specs.diagnostics import Diagnostics, nearest, no_truth, shown
from runner.specs.place import MAX_PROBLEMS
from runner.specs.yaml import Path_
from runner.specs.yaml_composer import Json

M = TypeVar("M", bound=BaseModel)
Models = tuple[type[BaseModel], ...]


def validated(model: type[M], value: Json, notes: Diagnostics, base: Path_ = ()) -> M | None:
    """The model of `value`, which stands at `base`; None, with everything that is wrong in `notes`, when it is not one."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        _note_all((model,), error, value, notes, base)
        return None


def conforms(adapter: TypeAdapter[Any], models: Models, value: Json, notes: Diagnostics, base: Path_) -> bool:
    """As `validated`, for a type that is not a model; `models` are those a mapping there may be."""
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        _note_all(models, error, value, notes, base)
        return False
    return True


def _note_all(models: Models, error: ValidationError, value: Json, notes: Diagnostics, base: Path_) -> None:
    for details in error.errors(include_url=False)[:MAX_PROBLEMS]:
        _note(models, details, value, notes, base)
    notes.leave_out(max(error.error_count() - MAX_PROBLEMS, 0))


def _note(models: Models, details: Mapping[str, Any], value: Json, notes: Diagnostics, base: Path_) -> None:
    loc, kind = details["loc"], details["type"]
    if kind == "too_short" and details["input"]:
        # Items that are wrong are not counted; each has its own error.
        return
    path = _path(value, loc)
    if kind == "extra_forbidden":
        key = str(loc[-1])
        notes.add((*base, *path), f"unknown key {key!r}", nearest(key, _known(models, loc[:-1])), key=True)
        return
    if kind == "missing":
        what = f"item {loc[-1] + 1} is missing" if isinstance(loc[-1], int) else f"{loc[-1]!r} is missing"
        notes.add((*base, *path), what, _MISSING.get(str(loc[-1]), ""), key=False)
        return
    what, meant = _words(kind, details, _word_at(notes, (*base, *path)))
    name = next((str(part) for part in reversed((*base, *path)) if isinstance(part, str)), "")
    notes.add((*base, *path), f"{name}: {what}" if name else what, meant)


_MISSING = {"name": "give it a name", "steps": "a runbook has at least one step", "target": "name one of targets.yaml"}


def _path(value: Json, loc: Iterable[str | int]) -> Path_:
    """The part of pydantic's location that is in the file; it also names branches of unions and validators."""
    path: list[str | int] = []
    for part in loc:
        try:
            value = value[part]
        except (LookupError, TypeError):
            continue
        path.append(part)
    return tuple(path)


def _word_at(notes: Diagnostics, path: Path_) -> str | None:
    return notes.document.place(path).word


# -- words -------------------------------------------------------------------------------------------------------------

_MAPPINGS = {"dict_type", "model_type", "model_attributes_type", "mapping_type"}
_LISTS = {"list_type", "tuple_type", "set_type"}
_TRUTHS = {"bool_type", "bool_parsing"}
_INTEGERS = {"int_type", "int_parsing", "int_from_float", "int_parsing_size"}
_FLOATS = {"float_type", "float_parsing"}
_BOUNDS = {
    "greater_than": ("is too small", "more than", "gt"),
    "greater_than_equal": ("is too small", "at least", "ge"),
    "less_than": ("is too large", "less than", "lt"),
    "less_than_equal": ("is too large", "at most", "le"),
}


def _words(kind: str, details: Mapping[str, Any], word: str | None) -> tuple[str, str]:
    given, context = details["input"], details.get("ctx", {})
    if kind == "string_type":
        return _text_meant(given, word)
    if kind in _MAPPINGS:
        return f"{shown(given)} stands where a mapping is meant", "write `key: value` lines"
    if kind in _LISTS:
        return f"{shown(given)} stands where a list is meant", "write `- item` lines, or [item, item]"
    if kind in _TRUTHS:
        return no_truth(given)
    if kind in _INTEGERS:
        return f"{shown(given)} is not a whole number", ""
    if kind in _FLOATS:
        return f"{shown(given)} is not a number", ""
    return _other_words(kind, details, given, context)


def _other_words(kind: str, details: Mapping[str, Any], given: Json, context: Mapping[str, Any]) -> tuple[str, str]:
    if kind in _BOUNDS:
        what, than, bound = _BOUNDS[kind]
        return f"{shown(given)} {what}", f"it is {than} {context[bound]:g}"
    if kind == "finite_number":
        return f"{shown(given)} is not a finite number", ""
    if kind == "literal_error":
        allowed = [str(choice).strip("'") for choice in str(context["expected"]).replace(" or ", ", ").split(", ")]
        return f"{shown(given)} is not possible here", nearest(str(given), allowed, noun="one of")
    if kind == "union_tag_invalid":
        allowed = [tag.strip(" '") for tag in str(context["expected_tags"]).split(",")]
        return f"{str(context['tag'])!r} is not a known type", nearest(str(context["tag"]), allowed, noun="one of")
    if kind == "union_tag_not_found":
        if not isinstance(given, dict):
            return f"{shown(given)} stands where a mapping is meant", "write `type: http` and what belongs to it"
        return "'type' is missing", "one of: http, tcp, process, python"
    if kind == "too_short":
        return "is empty", f"at least {context.get('min_length', 1)}"
    if kind == "string_too_short":
        return "is empty", ""
    if kind == "string_pattern_mismatch":
        return f"{shown(given)} is not possible here", f"it has the form {context.get('pattern', '')}"
    return _own_words(details, context)


def _own_words(details: Mapping[str, Any], context: Mapping[str, Any]) -> tuple[str, str]:
    what = str(context.get("what", details["msg"]))
    if context.get("meant"):
        return what, str(context["meant"])
    head, separator, tail = what.rpartition("; ")
    return (head, tail) if separator else (what, "")


def _text_meant(given: Json, word: str | None) -> tuple[str, str]:
    if given is None:
        return "has no value", "write a text after the colon"
    if isinstance(given, dict | list):
        return f"{shown(given)} stands where a text is meant", "quote it if it is one"
    written = word if word is not None else str(given)
    reading = "a truth value" if isinstance(given, bool) else f"the number {given}"
    return f"{written} would be read as {reading}", f'quote it: "{written}"'


# -- which keys are known where ----------------------------------------------------------------------------------------


def _known(candidates: Models, loc: Iterable[str | int]) -> list[str]:
    for part in loc:
        found = [inner for candidate in candidates for inner in _models_under(candidate, str(part))]
        tagged = tuple(candidate for candidate in candidates if _tag(candidate) == part)
        candidates = tuple(found) or tagged or candidates
    return [key for candidate in candidates for key in _keys(candidate)]


@cache
def _keys(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models_under(model: type[BaseModel], key: str) -> list[type[BaseModel]]:
    return list(_models(_keys(model).get(key)))


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _tag(model: type[BaseModel]) -> str:
    field = model.model_fields.get("type")
    values = get_args(field.annotation) if field else ()
    return str(values[0]) if values else ""
