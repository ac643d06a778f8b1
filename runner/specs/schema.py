"""JSON Schema (2020-12) of every kind of file, for editors that complete and check while somebody types."""

from __future__ import annotations

import json
import re
from typing import Any

from runner.specs.activity import DRY, PROVIDERS
from runner.specs.drill import Drill
from runner.specs.experiment import HYPOTHESIS_STRATEGIES, ROLLBACK_STRATEGIES, GamedayExtension
from runner.specs.fields import Model
from runner.specs.operator_script import Script
from runner.specs.runbook_spec import RunbookSpec
from runner.specs.target_spec import TargetsFile

Schema = dict[str, Any]

KINDS = ("drill", "runbook", "targets", "experiment", "script")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS: dict[str, type[Model]] = {"drill": Drill, "runbook": RunbookSpec, "targets": TargetsFile, "script": Script}


def schema(kind: str) -> Schema:
    """The schema of one of KINDS. Raises KeyError for anything else."""
    if kind == "experiment":
        return _experiment()
    document = _published(_MODELS[kind])
    if kind == "runbook":
        # A step without an id gets one made of its name.
        document["$defs"]["Step"]["required"].remove("id")
        document["properties"]["steps"]["items"] = {"anyOf": [{"$ref": "#/$defs/Step"}, _text("What a person does.")]}
    return {"$schema": _DIALECT, "title": f"Gameday {kind}", **{k: v for k, v in document.items() if k != "title"}}


def _published(model: type[Model]) -> Schema:
    """The schema of a model, its definitions called as users call them: `Step`, not `StepSpec`."""
    text = json.dumps(model.model_json_schema(by_alias=True))
    published: Schema = json.loads(re.sub(r'(?<=")((?:#/\$defs/)?[A-Z]\w+)Spec(?=")', r"\1", text))
    return published


# -- experiments are Chaos Toolkit's: no model of ours describes them --------------------------------------------------


def _experiment() -> Schema:
    extension = _published(GamedayExtension)
    definitions = extension.pop("$defs", {})
    return {
        "$schema": _DIALECT,
        "title": "Gameday experiment",
        "description": "A Chaos Toolkit experiment: steady-state hypothesis, method, rollbacks.",
        "type": "object",
        "required": ["title", "description", "method"],
        "additionalProperties": False,
        "properties": {
            "version": {"type": "string", "description": "Of the format: 1.0.0."},
            "title": _text("What it is called."),
            "description": _text("What it does, and what it shows."),
            "contributions": {"type": "object", "description": "What it contributes to: reliability: high."},
            "tags": _list(_text("A free label."), "Free labels."),
            "configuration": {
                "type": "object",
                "description": "Values for ${…}: texts, {type: env, key: …}, or probes.",
            },
            "secrets": _map({"type": "object"}, "Groups of secrets: GROUP: {NAME: {type: env, key: …}}."),
            "steady-state-hypothesis": _hypothesis(),
            "method": _list({"$ref": "#/$defs/Activity"}, "The actions, with probes between them, in order."),
            "rollbacks": _list({"$ref": "#/$defs/Activity"}, "What undoes the method."),
            "controls": _list({"$ref": "#/$defs/Control"}, "What is called around the activities."),
            "extensions": _list(
                {"anyOf": [{"$ref": "#/$defs/GamedayExtension"}, _other_extension()]}, "What other tools need to know."
            ),
            "runtime": _runtime(),
            "dry": {"enum": list(DRY), "description": "What is only pretended."},
        },
        "$defs": {
            **definitions,
            "GamedayExtension": extension,
            "Activity": _activity(),
            "Control": _control(),
            "Provider": {"oneOf": [_provider(kind) for kind in PROVIDERS], "description": "What is called."},
        },
    }


def _text(description: str) -> Schema:
    return {"type": "string", "minLength": 1, "description": description}


def _list(items: Schema, description: str) -> Schema:
    return {"type": "array", "items": items, "description": description}


def _map(values: Schema, description: str) -> Schema:
    return {"type": "object", "additionalProperties": values, "description": description}


def _closed(properties: Schema, required: tuple[str, ...] = (), description: str = "") -> Schema:
    closed: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        closed["required"] = list(required)
    return {**closed, "description": description} if description else closed


def _hypothesis() -> Schema:
    properties = {
        "title": _text("What normal looks like."),
        "probes": _list({"$ref": "#/$defs/Activity"}, "Probes, each with a tolerance."),
        "controls": _list({"$ref": "#/$defs/Control"}, "What is called around it."),
    }
    return _closed(properties, ("title",), "What must hold before and after the method.")


def _seconds() -> Schema:
    return {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"\$\{[^}]+\}"}]}


def _activity() -> Schema:
    return _closed(
        {
            "type": {"enum": ["action", "probe"], "description": "An action changes something, a probe only looks."},
            "name": _text("What it is called."),
            "provider": {"$ref": "#/$defs/Provider"},
            "tolerance": {"description": "What the value must be."},
            "pauses": _closed({"before": _seconds(), "after": _seconds()}, (), "Seconds to wait."),
            "background": {"type": "boolean", "description": "Go on without waiting for it."},
            "controls": _list({"$ref": "#/$defs/Control"}, "What is called around it."),
            "timeout": _seconds(),
            "secrets": {"type": "array", "items": {"type": "string"}, "description": "Groups of secrets it needs."},
            "configuration": {"type": "object", "description": "Values of its own."},
            "dry": {"enum": list(DRY), "description": "Only pretend."},
            "ref": _text("The name of another activity, in its place."),
        },
        (),
        "A probe or an action.",
    )


def _provider(kind: str) -> Schema:
    keys, required = PROVIDERS[kind]
    properties: Schema = {key: _PROVIDER_KEYS.get(key, {}) for key in keys}
    properties["type"] = {"const": kind}
    if kind == "http":
        properties["timeout"] = {"anyOf": [_seconds(), {"type": "array", "items": _seconds()}]}
    return _closed(properties, ("type", *required))


_PROVIDER_KEYS: Schema = {
    "module": _text("A Python module."),
    "func": _text("A function of the module."),
    "path": _text("A command."),
    "url": _text("An address."),
    "method": _text("The HTTP method; GET when left out."),
    "headers": {"type": "object", "description": "HTTP headers."},
    "arguments": {"description": "What it is called with."},
    "secrets": {"type": "array", "items": {"type": "string"}, "description": "Groups of secrets it needs."},
    "timeout": _seconds(),
    "verify_tls": {"type": "boolean", "description": "Whether the certificate is checked."},
    "max_retries": {"type": "integer", "minimum": 0, "description": "How often a failed connect is repeated."},
}


def _control() -> Schema:
    provider = _closed(
        {
            "type": {"const": "python"},
            "module": _text("A Python module."),
            "arguments": {"type": "object"},
            "secrets": {"type": "array", "items": {"type": "string"}},
        },
        ("type", "module"),
    )
    return _closed(
        {
            "name": _text("What it is called."),
            "provider": provider,
            "scope": {"enum": ["before", "after"]},
            "automatic": {"type": "boolean"},
            "ref": _text("The name of another control, in its place."),
        }
    )


def _runtime() -> Schema:
    def part(strategies: tuple[str, ...]) -> Schema:
        return {"type": "object", "properties": {"strategy": {"enum": list(strategies)}}}

    properties = {"hypothesis": part(HYPOTHESIS_STRATEGIES), "rollbacks": part(ROLLBACK_STRATEGIES)}
    return _closed(properties, (), "When the hypothesis is checked, and when `chaos run` rolls back.")


def _other_extension() -> Schema:
    return {"type": "object", "required": ["name"], "properties": {"name": {"not": {"const": "gameday"}}}}
