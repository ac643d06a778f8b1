"""What a toxic is, and the checks on what users send. Pure.

Types, attributes and messages follow Toxiproxy 2.x, so that a drill cannot tell the two apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Type → its attributes with their defaults. latency, jitter, timeout and slow_close's delay are in milliseconds,
#: slicer's delay in microseconds, rate in KB/s, sizes in bytes.
TYPES: Mapping[str, Mapping[str, int]] = {
    "latency": {"latency": 0, "jitter": 0},
    "bandwidth": {"rate": 0},
    "slow_close": {"delay": 0},
    "timeout": {"timeout": 0},
    "reset_peer": {"timeout": 0},
    "slicer": {"average_size": 0, "size_variation": 0, "delay": 0},
    "limit_data": {"bytes": 0},
}

STREAMS = ("upstream", "downstream")


class ProxyError(Exception):
    """What the API answers with: a status and `{"error": message, "status": status}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, kw_only=True, eq=False)
class Toxic:
    """`toxicity` is the share of connections it touches, 0 to 1. Changing one makes another: equality is identity."""

    name: str
    type: str
    stream: str
    toxicity: float
    attributes: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        return {
            "attributes": dict(self.attributes),
            "name": self.name,
            "type": self.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
        }


def parse_toxic(body: Mapping[str, Any]) -> Toxic:
    """What a POST to …/toxics asks for. Raises `ProxyError` 400."""
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise ProxyError(400, "invalid toxic type")
    stream = body.get("stream") or "downstream"
    if stream not in STREAMS:
        raise ProxyError(400, "stream was invalid, can be either upstream or downstream")
    name = body.get("name") or f"{kind}_{stream}"
    if not isinstance(name, str):
        raise ProxyError(400, "bad request body: name is no string")
    attributes = _attributes(TYPES[kind], body.get("attributes"))
    return Toxic(name=name, type=kind, stream=stream, toxicity=_toxicity(body, 1.0), attributes=attributes)


def update_toxic(toxic: Toxic, body: Mapping[str, Any]) -> Toxic:
    """Attributes and toxicity may change; the rest stays. Raises `ProxyError` 400."""
    return Toxic(
        name=toxic.name,
        type=toxic.type,
        stream=toxic.stream,
        toxicity=_toxicity(body, toxic.toxicity),
        attributes=_attributes(toxic.attributes, body.get("attributes")),
    )


def _attributes(known: Mapping[str, int], given: Any) -> dict[str, int]:
    if given is None:
        return dict(known)
    if not isinstance(given, dict):
        raise ProxyError(400, "bad request body: attributes are no object")
    for name, value in given.items():
        if name in known and (isinstance(value, bool) or not isinstance(value, int)):
            raise ProxyError(400, f"bad request body: {name} is no whole number")
    return {name: max(given.get(name, default), 0) for name, default in known.items()}


def _toxicity(body: Mapping[str, Any], default: float) -> float:
    value = body.get("toxicity", default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ProxyError(400, "bad request body: toxicity is no number from 0 to 1")
    return float(value)
