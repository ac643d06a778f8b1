"""Chaos Toolkit's own settings file: global controls, and when to test a hypothesis."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from runner.errors import InputError
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.activity import check_global_control
from runner.specs.diagnostics import Diagnostics
from runner.specs.disk_reads import exists
from runner.specs.experiment import HYPOTHESIS_STRATEGIES
from runner.specs.shape import Shape
from runner.specs.yaml import Document, read_document
from runner.specs.yaml_composer import Json

#: Where Chaos Toolkit looks for it, below the home folder.
USUAL = ".chaostoolkit/settings.yaml"


@lazy_dataclass(frozen=True)
class Settings:
    """A checked file, as plain values; all empty when there is none."""

    file: str = ""
    value: Mapping[str, Json] = field(default_factory=dict)
    document: Document | None = None

    @property
    def controls(self) -> dict[str, str]:
        """Name → module of the controls that are called around every experiment."""
        controls = self.value.get("controls") or {}
        return {name: control["provider"]["module"] for name, control in controls.items()}

    @property
    def hash(self) -> str:
        """Of its text; '' when there is none."""
        return hashlib.sha256(self.document.content).hexdigest() if self.document else ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What it asks for and nobody does here."""
        said = f"{self.file}: notifications are for `chaos run`; none is sent of a run of Gameday"
        return (said,) if self.value.get("notifications") else ()


def read_settings(path: str | None) -> Settings:
    """The file that was named, else the usual one where there is one. Raises InputError with what is wrong with it."""
    found = Path(path) if path else _usual()
    if found is None:
        return Settings()
    document = read_document(found, str(found))
    if all(line.strip()[:1] in (b"", b"#") for line in document.content.splitlines()):
        return Settings()
    if document.problems:
        raise InputError(*document.problems)
    notes = Diagnostics(document, further=True)
    _check(Shape(notes), document.value)
    if notes:
        raise InputError(*notes.problems())
    return Settings(document.file, document.value, document)


def _usual() -> Path | None:
    try:
        usual = Path.home() / USUAL
    except RuntimeError:
        # Whoever has no home has no settings there.
        return None
    return usual if exists(usual) else None


def _check(shape: Shape, value: Json) -> None:
    """What is used of it; the rest is whoever's it is."""
    if not shape.mapping((), value):
        return
    if value.get("controls") is not None and shape.mapping(("controls",), value["controls"]):
        for name, control in value["controls"].items():
            check_global_control(shape, ("controls", name), control)
    runtime = value.get("runtime")
    if runtime is not None and shape.mapping(("runtime",), runtime) and runtime.get("hypothesis") is not None:
        hypothesis = runtime["hypothesis"]
        if shape.mapping(("runtime", "hypothesis"), hypothesis) and hypothesis.get("strategy") is not None:
            shape.word(("runtime", "hypothesis", "strategy"), hypothesis["strategy"], HYPOTHESIS_STRATEGIES)


def texts_of(value: Json, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in it, each with the key that it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from texts_of(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item, key)
