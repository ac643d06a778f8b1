"""The small types that the models of files are made of."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, ClassVar, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from runner.specs.env_patterns import OWN_PREFIXES, PATTERN

MAX_NAME = 200

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def wrong(what: str, meant: str = "") -> NoReturn:
    """Refuses the value being validated."""
    # The text travels as context, so that a brace in it is not read as a field of a template.
    raise PydanticCustomError("wrong", "{what}", {"what": what, "meant": meant})


def kebab(name: str) -> str:
    """The key in a file for a field: `spawn_rate` is written `spawn-rate`."""
    return name.rstrip("_").replace("_", "-")


class Model(BaseModel):
    """A mapping in a file: frozen, kebab-case keys, unknown keys refused."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", alias_generator=kebab, defer_build=True, protected_namespaces=()
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        from runner.specs.field_docs import field_docs

        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in field_docs(cls).items():
            if kebab(name) in properties:
                properties[kebab(name)]["description"] = text
        return schema


def _one_line(text: str) -> str:
    if not text.strip():
        wrong("is empty", "give it a few words")
    if len(text) > MAX_NAME:
        wrong(f"is {len(text)} characters long", f"at most {MAX_NAME}; put the rest in the description")
    if not {"\n", "\r", "\t"}.isdisjoint(text):
        wrong("runs over several lines", "a name is one line; put the rest in the description")
    return text.strip()


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        wrong(f"{text!r} is not an id", f"letters, digits, '-' and '_', such as {slug(text) or 'fail-over'!r}")
    return text


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        wrong(f"{text!r} cannot be the name of a variable", "letters, digits and '_', not beginning with a digit")
    return text


def written(value: Any) -> Any:
    """A word as it stands in the file: what is no word is left as it is, for a strict type to refuse."""
    # `PORT: 8080` means one thing only; 1.10 and 010 do not, and are left for the strict type to refuse.
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def slug(name: str) -> str:
    """`Fail over to the backup gateway` → `fail-over-to-the-backup-gateway`; '' when no letter or digit is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))[:60].rstrip("-")


Name = Annotated[str, AfterValidator(_one_line)]
Id = Annotated[str, AfterValidator(_id)]
VariableName = Annotated[str, AfterValidator(_variable)]
#: The value of an environment variable or header: a text, or a whole number or truth value as it is written.
Word = Annotated[
    str,
    BeforeValidator(written),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]}),
]
#: One of several texts to choose from, as it is written.
Label = Annotated[
    str,
    BeforeValidator(written),
    AfterValidator(_one_line),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}, {"type": "boolean"}]}),
]
Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
PositiveCount = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _passing(text: str) -> str:
    if not PATTERN.fullmatch(text):
        wrong(f"{text!r} is not the name of a variable", "write it like AWS_PROFILE or VAULT_*")
    if not text.strip("*?_"):
        wrong(f"{text!r} would let every variable through", "name those that are needed, such as VAULT_*")
    if text.startswith(OWN_PREFIXES):
        wrong(f"{text!r} is one that Gameday itself sets", "leave it out")
    return text


#: A name of an environment variable, or a pattern of several: `*` stands for any part of it, `?` for one character.
Passing = Annotated[str, AfterValidator(_passing)]
