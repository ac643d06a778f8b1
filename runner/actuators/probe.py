"""Calling one probe: asked, answered, judged, redacted.

A probe never raises for a target that fails: a refused connection, a hang, a missing command are results with
`ok` False and one line of why. Every time is on the run's clock.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import ValidationError

from runner.actuators.probe_calls import DEFAULT_TIMEOUT, ProbeResult
from runner.actuators.providers import HttpClient, Lookup, ProbeFailed, closed_port, run_command
from runner.clock import Clock
from runner.errors import GamedayError
from runner.redact import Redaction, Redactor
from runner.specs.duration import format_duration, parse_duration
from runner.specs.probe_spec import (
    HttpProvider,
    JsonPathTolerance,
    PlainTolerance,
    ProbeSpec,
    ProbeTolerance,
    ProcessProvider,
    Provider,
    PythonProvider,
    RangeTolerance,
    RegexTolerance,
    TcpProvider,
    Tolerance,
)
from runner.specs.substitution import UndefinedVariable
from runner.specs.tolerance import explain, show, within

_LONGEST_TEXT = 200
_MOST_ITEMS = 20
_DEEPEST = 4
# Characters from which on a text is judged on a thread: searching it could hold the event loop up.
_LARGE_TEXT = 1 << 14

PythonCaller = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any]]]


class ProbeCaller:
    """Calls the probes of one run.

    `variables` and `secrets` fill `${name}`; secrets, and what `redaction` knows, are masked in every result. A command
    sees `env`, and those secrets that it names.
    `python` sends a request `{"probe": …, "secrets": …}` to the process that runs Python providers and returns its
    reply `{"ok", "value", "error", "judged"}`; without one such probes fail. Use and `close` it on one event loop.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        env: Mapping[str, str],
        variables: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
        redaction: Redaction | None = None,
        python: PythonCaller | None = None,
    ) -> None:
        self.clock = clock
        self._env = env
        self._secrets = secrets or {}
        self._variables = {**variables, **self._secrets}
        self._redaction = redaction or Redaction(Redactor())
        self._redaction.learn(self._secrets.values())
        self._python = python
        self._lookup = Lookup()
        self._http = HttpClient(self._lookup)
        # Keeps the probe itself too, so that its identity stays its own.
        self._resolved: dict[int, tuple[ProbeSpec, ProbeSpec]] = {}

    async def ready(self, probe: ProbeSpec) -> None:
        """Whatever the first call of a probe would otherwise pay for."""
        if isinstance(probe.provider, HttpProvider):
            await self._http.ready()

    async def close(self) -> None:
        """Drop what is open. Calls still under way fail."""
        await self._http.close()

    async def call(self, probe: ProbeSpec, *, default: float = DEFAULT_TIMEOUT, most: float = math.inf) -> ProbeResult:
        """Call it now. `default` stands in for a provider's missing timeout, `most` caps either; seconds."""
        await self.ready(probe)
        sent = self.clock.now()
        answered = True
        try:
            resolved = self._resolve(probe)
            limit = min(_own_limit(resolved.provider) or default, most)
            try:
                async with asyncio.timeout(limit):
                    value, why = await self._judged(resolved)
            except TimeoutError:
                value, why = _unanswered(resolved, limit)
                answered = value is not None
        except ProbeFailed as error:
            value, why, answered = None, str(error), False
        duration = round(max(0.0, self.clock.now() - sent), 6)
        line = " ".join(self._redaction.text(why).split())
        return ProbeResult(sent, duration, not why, self._short(value), line, answered)

    def _short(self, value: Any) -> Any:
        # Masked between two cuts: half a secret is no longer found, and a whole body takes too long to mask.
        return _shorten(self._redaction.value(_shorten(value, _LARGE_TEXT)), _LONGEST_TEXT)

    def _resolve(self, probe: ProbeSpec) -> ProbeSpec:
        known = self._resolved.get(id(probe))
        if known is not None:
            return known[1]
        try:
            resolved = probe.resolved(self._variables)
        except UndefinedVariable as error:
            raise ProbeFailed(f"{error.what}; {error.meant}") from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ProbeFailed(f"with its variables filled in, {place} is wrong: {first['msg']}") from error
        self._resolved[id(probe)] = (probe, resolved)
        return resolved

    async def _judged(self, probe: ProbeSpec) -> tuple[Any, str]:
        """The value, and why it is not acceptable."""
        provider, tolerance = probe.provider, probe.tolerance
        if isinstance(provider, PythonProvider):
            reply = await self._call_python(probe.as_document(), provider)
            if reply.get("judged") is False and reply.get("value") is None:
                raise ProbeFailed(str(reply.get("error") or "it gave no value"))
            return reply.get("value"), "" if reply.get("ok") is True else _python_reason(tolerance, reply)
        if isinstance(provider, TcpProvider):
            closed = await closed_port(provider, self._lookup)
            return not closed, await self._explain(tolerance, not closed) and (closed or "the port is open")
        value, whole = await self._fetch(provider)
        if not whole and _reads_body(tolerance):
            return value, "the body is longer than 1 MiB and was not judged"
        return value, await self._explain(tolerance, value)

    async def _fetch(self, provider: HttpProvider | ProcessProvider | PythonProvider) -> tuple[Any, bool]:
        """The value, and whether all of it is there."""
        if isinstance(provider, HttpProvider):
            return await self._http.fetch(provider)
        if isinstance(provider, ProcessProvider):
            return await run_command(provider, self._env_of(provider)), True
        document = {"type": "probe", "name": "tolerance", "provider": provider.model_dump(exclude_unset=True)}
        reply = await self._call_python(document, provider)
        if not reply.get("ok"):
            raise ProbeFailed(str(reply.get("error") or "the tolerance's own probe failed"))
        return reply.get("value"), True

    def _env_of(self, provider: ProcessProvider) -> dict[str, str]:
        written = json.dumps(provider.model_dump(mode="json"))
        named = {name: value for name, value in self._secrets.items() if re.search(rf"\b{re.escape(name)}\b", written)}
        return {**self._env, **named}

    async def _call_python(self, document: dict[str, Any], provider: PythonProvider) -> Mapping[str, Any]:
        if self._python is None:
            raise ProbeFailed("no process is there to run a Python provider")
        named = {name: {name: self._secrets[name]} for name in provider.secrets or () if name in self._secrets}
        try:
            return await self._python({"probe": document, "secrets": named})
        except (OSError, EOFError, GamedayError) as error:
            raise ProbeFailed(f"the process that runs Python providers is gone: {error}") from error

    async def _explain(self, tolerance: Tolerance, value: Any) -> str:
        if isinstance(tolerance, ProbeTolerance):
            return await self._explain_by_probe(tolerance, value)
        if _is_large(value):
            return await asyncio.to_thread(self._explain_plainly, tolerance, value)
        return self._explain_plainly(tolerance, value)

    def _explain_plainly(self, tolerance: PlainTolerance, value: Any) -> str:
        if within(tolerance, value):
            return ""
        # Explained from the masked value: explaining cuts texts, and half a secret is no longer found.
        return explain(tolerance, self._redaction.value(value)) or "out of tolerance by a value that is secret"

    async def _explain_by_probe(self, tolerance: ProbeTolerance, value: Any) -> str:
        provider = tolerance.provider
        given = provider.arguments or {}
        if not isinstance(given, dict):
            raise ProbeFailed("a tolerance's own probe needs its arguments as a mapping, to add `value` to")
        answer, _ = await self._fetch(provider.model_copy(update={"arguments": {**given, "value": value}}))
        return "" if answer else f"{tolerance.name or 'the tolerance'} said {show(self._redaction.value(answer))}"


def _own_limit(provider: Provider) -> float | None:
    timeout = provider.timeout
    if timeout is None:
        return None
    try:
        return sum(parse_duration(part) for part in (timeout if isinstance(timeout, tuple) else (timeout,)))
    except ValueError as error:
        raise ProbeFailed(str(error)) from error


def _unanswered(probe: ProbeSpec, limit: float) -> tuple[Any, str]:
    why = f"no answer within {format_duration(limit)}"
    # A port that swallows the attempt is as closed as one that refuses it.
    if isinstance(probe.provider, TcpProvider) and not isinstance(probe.tolerance, ProbeTolerance):
        return False, explain(probe.tolerance, False) and why
    return None, why


def _python_reason(tolerance: Tolerance, reply: Mapping[str, Any]) -> str:
    value = reply.get("value")
    # A value that came back was judged; without one the call itself failed, and only the reply knows why.
    judged = "" if value is None or isinstance(tolerance, ProbeTolerance) else explain(tolerance, value)
    return judged or str(reply.get("error") or "out of tolerance")


def _reads_body(tolerance: Tolerance) -> bool:
    if isinstance(tolerance, RangeTolerance | RegexTolerance | JsonPathTolerance):
        return tolerance.target not in ("status", "headers")
    return isinstance(tolerance, ProbeTolerance)


def _is_large(value: Any) -> bool:
    text = (value.get("body") or value.get("stdout")) if isinstance(value, Mapping) else None
    return isinstance(text, Mapping | list) or (isinstance(text, str) and len(text) > _LARGE_TEXT)


def _shorten(value: Any, longest: int, depth: int = 0) -> Any:
    """A copy fit for JSON: long texts, long lists and depth are cut, an answer's headers left out."""
    if isinstance(value, str):
        return value if len(value) <= longest else value[: longest - 1] + "…"
    if isinstance(value, bool | int | None) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if depth >= _DEEPEST or not isinstance(value, Mapping | list | tuple):
        return _shorten(repr(value), longest)
    if isinstance(value, Mapping):
        kept = [key for key in value if not (depth == 0 and key == "headers" and "status" in value)]
        return {str(key): _shorten(value[key], longest, depth + 1) for key in kept[:_MOST_ITEMS]}
    return [_shorten(item, longest, depth + 1) for item in value[:_MOST_ITEMS]]
