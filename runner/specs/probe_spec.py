"""Probes as Chaos Toolkit writes them: a provider that fetches a value, a tolerance that judges it.

The models are frozen, refuse unknown keys, and keep `${name}` placeholders as they were written: `Probe.resolved`
puts the values in. `tcp` is our own provider; `as_document` gives the others back in Chaos Toolkit's words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    PlainValidator,
    StrictBool,
    StrictInt,
    StrictStr,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from runner.specs.arguments import too_long
from runner.specs.duration import PATTERN, parse_duration
from runner.specs.json_path import why_no_path
from runner.specs.substitution import placeholders, substitute

_PLACEHOLDER_SCHEMA = {"type": "string", "pattern": r"\$\{[^}]+\}"}
_SECONDS_SCHEMA = {
    "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": PATTERN}, _PLACEHOLDER_SCHEMA]
}
_SCALARS = (str, int, float, bool, type(None))


def _refuse(what: str) -> NoReturn:
    # The text travels as context, so that a brace in it is not read as a field of a template.
    raise PydanticCustomError("probe", "{what}", {"what": what})


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


# ---------------------------------------------------------------- providers


def _seconds(value: object) -> float | str:
    if isinstance(value, str) and placeholders(value):
        return value
    try:
        seconds = parse_duration(value)
    except ValueError as error:
        _refuse(str(error))
    if not seconds:
        _refuse("a timeout of zero never lets anything answer; leave it out for the default")
    return seconds


def _timeouts(value: object) -> float | str | tuple[float | str, float | str]:
    if not isinstance(value, list | tuple):
        return _seconds(value)
    if len(value) != 2:
        _refuse(f"a timeout is one duration or a pair [connect, read], not {len(value)} of them")
    return _seconds(value[0]), _seconds(value[1])


def _port(value: object) -> int | str:
    if isinstance(value, str) and placeholders(value):
        return value
    digits = str(value) if not isinstance(value, bool) else ""
    if not digits.isdecimal() or not 1 <= int(digits) <= 65535:
        _refuse(f"{value!r} is not a port; it is a number from 1 to 65535")
    return int(digits)


def _url(value: str) -> str:
    if not re.match(r"(?i)https?://[^/]", value) and not placeholders(value):
        _refuse(f"{value!r} is not an address; it begins with http:// or https://")
    # Some clients leave tabs and line ends out, so the machine that is called would not be the one that is judged.
    if not value.isprintable():
        _refuse(f"{value!r} is not an address; it holds neither tabs nor line ends")
    return value


def _command_arguments(value: object) -> Any:
    items = value.values() if isinstance(value, dict) else value
    if not isinstance(value, str) and (
        not isinstance(value, list | dict) or not all(isinstance(item, _SCALARS) for item in items)  # type: ignore[attr-defined]
    ):
        _refuse("arguments are one text, a list of words, or a mapping of option to word")
    if why := too_long([value] if isinstance(value, str) else items):  # type: ignore[arg-type]
        _refuse(why)
    return value


Seconds = Annotated[float | str, PlainValidator(_seconds), WithJsonSchema(_SECONDS_SCHEMA)]
Timeouts = Annotated[
    float | str | tuple[float | str, float | str],
    PlainValidator(_timeouts),
    WithJsonSchema(
        {"anyOf": [_SECONDS_SCHEMA, {"type": "array", "items": _SECONDS_SCHEMA, "minItems": 2, "maxItems": 2}]}
    ),
]
Port = Annotated[
    int | str,
    PlainValidator(_port),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, _PLACEHOLDER_SCHEMA]}),
]
CommandArguments = Annotated[
    str | list[Any] | dict[str, Any],
    PlainValidator(_command_arguments),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array"}, {"type": "object"}]}),
]


class HttpProvider(_Model):
    """One request. `arguments` are the query of a GET, else the body: JSON if the Content-Type header says so.

    `timeout` in seconds bounds the whole answer; a pair is [connect, read]. `max_retries` repeats failed connects only.
    """

    type: Literal["http"]
    url: Annotated[str, AfterValidator(_url)]
    method: Annotated[str, Field(pattern=r"^[A-Za-z]+$")] = "GET"
    headers: dict[str, str] | None = None
    arguments: JsonValue = None
    timeout: Timeouts | None = None
    verify_tls: StrictBool = Field(default=True, validation_alias=AliasChoices("verify_tls", "verify-tls"))
    max_retries: Annotated[StrictInt, Field(ge=0, le=100)] = Field(
        default=0, validation_alias=AliasChoices("max_retries", "max-retries")
    )
    secrets: list[str] | None = None


class TcpProvider(_Model):
    """Opens a connection and closes it. Its value is true when the port took it, false when it did not in time."""

    type: Literal["tcp"]
    host: Annotated[str, Field(min_length=1)]
    port: Port
    timeout: Seconds | None = None


class ProcessProvider(_Model):
    """One command. `arguments` as one text go through the shell; a list or a mapping does not."""

    type: Literal["process"]
    path: Annotated[str, Field(min_length=1)]
    arguments: CommandArguments | None = None
    timeout: Seconds | None = None
    secrets: list[str] | None = None


class PythonProvider(_Model):
    """One call of `func` in `module`, made by Chaos Toolkit itself in a process of its own."""

    type: Literal["python"]
    module: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]
    func: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
    arguments: dict[str, JsonValue] | None = None
    secrets: list[str] | None = None
    timeout: Seconds | None = None


ChaosProvider = Annotated[HttpProvider | ProcessProvider | PythonProvider, Field(discriminator="type")]
Provider = Annotated[HttpProvider | TcpProvider | ProcessProvider | PythonProvider, Field(discriminator="type")]


# ---------------------------------------------------------------- tolerances


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        # A placeholder need not be a valid pattern; what replaces it is checked when it is known.
        if not placeholders(value):
            _refuse(f"{value!r} is not a regular expression: {error}")
    return value


def _json_path(value: str) -> str:
    if placeholders(value):
        return value
    if why := why_no_path(value):
        _refuse(f"{value!r} is not a JSON path: {why}")
    return value.strip()


def _boundary(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _refuse(f"{value!r} is not a boundary; it is a finite number")
    return value


Boundary = Annotated[int | float, PlainValidator(_boundary), WithJsonSchema({"type": "number"})]


class RangeTolerance(_Model):
    """A number from the lower boundary to the upper one, both included; `target` picks a key of the value first."""

    type: Literal["range"]
    range: tuple[Boundary, Boundary]
    target: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.range[0] > self.range[1]:
            _refuse(f"no number is between {self.range[0]} and {self.range[1]}; the lower boundary comes first")
        return self


class RegexTolerance(_Model):
    """A text in which `pattern` is found; `target` picks a key of the value first."""

    type: Literal["regex"]
    pattern: Annotated[str, AfterValidator(_pattern)]
    target: str | None = None


class JsonPathTolerance(_Model):
    """What `path` finds: exactly `expect` (a list: all of it, in order), or `count` matches, or at least one.

    Without `target: body` an http value is searched as the envelope `{status, headers, body}`.
    """

    type: Literal["jsonpath"]
    path: Annotated[str, AfterValidator(_json_path)]
    target: str | None = None
    expect: JsonValue = None
    count: Annotated[StrictInt, Field(ge=0)] | None = None


class ProbeTolerance(_Model):
    """A probe that receives the value as its argument `value`; any true return holds.

    Only a Python provider can say no: what the others return is a mapping, and true. It still fails when they do.
    """

    type: Literal["probe"]
    name: str = ""
    provider: ChaosProvider


PlainTolerance = (
    StrictBool | StrictInt | StrictStr | list[JsonValue] | RangeTolerance | RegexTolerance | JsonPathTolerance
)

_KINDS = {bool: "bool", int: "int", str: "str", list: "list"}


def _kind(value: object) -> str | None:
    if isinstance(value, dict):
        return str(value.get("type"))
    if isinstance(value, BaseModel):
        return str(getattr(value, "type", None))
    return _KINDS.get(type(value))


Tolerance = Annotated[
    Annotated[StrictBool, Tag("bool")]
    | Annotated[StrictInt, Tag("int")]
    | Annotated[StrictStr, Tag("str")]
    | Annotated[list[JsonValue], Tag("list")]
    | Annotated[RangeTolerance, Tag("range")]
    | Annotated[RegexTolerance, Tag("regex")]
    | Annotated[JsonPathTolerance, Tag("jsonpath")]
    | Annotated[ProbeTolerance, Tag("probe")],
    Discriminator(
        _kind,
        custom_error_type="tolerance",
        custom_error_message="a tolerance is true, false, a whole number, a text, a list, or a mapping with "
        "type: range, regex, jsonpath or probe",
    ),
]


# ---------------------------------------------------------------- probes


class ProbeSpec(_Model):
    """What to fetch and how to judge it. A `tcp` probe needs no tolerance: it holds when the port answers."""

    type: Literal["probe"] = "probe"
    name: str = ""
    provider: Provider
    tolerance: Tolerance

    @model_validator(mode="before")
    @classmethod
    def _open_port(cls, document: Any) -> Any:
        if isinstance(document, dict) and "tolerance" not in document:
            provider = document.get("provider")
            kind = provider.get("type") if isinstance(provider, dict) else getattr(provider, "type", None)
            if kind == "tcp":
                return {**document, "tolerance": True}
        return document

    def as_document(self) -> dict[str, Any]:
        """The probe as plain values, only with the keys that were written."""
        return {"type": "probe", "name": "probe", **self.model_dump(mode="json", exclude_unset=True)}

    def placeholders(self) -> list[str]:
        """The names of all `${name}` in it."""
        return placeholders(self.model_dump(exclude_unset=True))

    def resolved(self, variables: Mapping[str, Any]) -> Self:
        """The probe with every placeholder replaced, and checked again.

        Raises UndefinedVariable, and pydantic's ValidationError when a value does not fit where it was put.
        """
        return type(self).model_validate(substitute(self.model_dump(exclude_unset=True), variables))
