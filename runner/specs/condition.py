"""The language of a step's `if`: what an earlier choice, answer or outcome must be.

    steps.what-is-it.choice == 'errors'
    answers.region == 'eu' && !(steps.fail-over.outcome == 'failed')

Comparison binds tighter than `!`, that than `&&`, that than `||`. A name alone holds when it stands for anything.
A `${{ … }}` around the whole is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from runner.lazy_dataclass import lazy_dataclass

Name = tuple[str, ...]
Lookup = Callable[[Name], str]

_TOKEN = re.compile(
    r"\s*(?:(?P<op>==|!=|&&|\|\||!|\(|\))|(?P<text>'(?:[^']|'')*'|\"[^\"]*\")"
    r"|(?P<name>[A-Za-z_][\w-]*(?:\.[\w-]+)*)|(?P<number>-?\d+(?:\.\d+)?))"
)
_WRAPPED = re.compile(r"\s*\$\{\{(.*)\}\}\s*", re.DOTALL)
_CONSTANTS = {"true": "true", "false": ""}
#: Deeper brackets than this are a mistake, not a condition.
_MAX_DEPTH = 30


class ConditionError(ValueError):
    """A condition that cannot be read; `column` counts from 1."""

    def __init__(self, what: str, column: int) -> None:
        self.what = what
        self.column = column
        super().__init__(f"{what} (column {column})")


@lazy_dataclass(frozen=True)
class Value:
    """A quoted text, a number or a truth value."""

    text: str


@lazy_dataclass(frozen=True)
class Reference:
    """A dotted name, such as steps.fail-over.outcome."""

    name: Name


@lazy_dataclass(frozen=True)
class Equality:
    """left == right, or with `equal` false left != right."""

    left: Value | Reference
    right: Value | Reference
    equal: bool


@lazy_dataclass(frozen=True)
class Not:
    """The opposite."""

    inner: Condition


@lazy_dataclass(frozen=True)
class Combined:
    """All of the parts, or with `every` false any of them."""

    parts: tuple[Condition, ...]
    every: bool


Condition = Value | Reference | Equality | Not | Combined


def parse(text: str) -> Condition:
    """The condition in a text. Raises ConditionError."""
    wrapped = _WRAPPED.fullmatch(text)
    offset = wrapped.start(1) if wrapped else 0
    parser = _Parser(wrapped[1] if wrapped else text, offset)
    condition = parser.any_of(0)
    if parser.kind:
        raise ConditionError(f"{parser.word!r} is not expected here", parser.column)
    return condition


def names(condition: Condition) -> tuple[Name, ...]:
    """The dotted names it asks for, in order of appearance."""
    return tuple(dict.fromkeys(_names(condition)))


def comparisons(condition: Condition) -> Iterator[tuple[Name, str]]:
    """Every name that is compared with a fixed text, and that text."""
    if isinstance(condition, Equality):
        pairs = ((condition.left, condition.right), (condition.right, condition.left))
        yield from ((a.name, b.text) for a, b in pairs if isinstance(a, Reference) and isinstance(b, Value))
    elif isinstance(condition, Not):
        yield from comparisons(condition.inner)
    elif isinstance(condition, Combined):
        for part in condition.parts:
            yield from comparisons(part)


def evaluate(condition: Condition, lookup: Lookup) -> bool:
    """Whether it holds; `lookup` gives what a name stands for, '' when nothing."""
    if isinstance(condition, Equality):
        return (_value(condition.left, lookup) == _value(condition.right, lookup)) == condition.equal
    if isinstance(condition, Not):
        return not evaluate(condition.inner, lookup)
    if isinstance(condition, Combined):
        holds = (evaluate(part, lookup) for part in condition.parts)
        return all(holds) if condition.every else any(holds)
    return bool(_value(condition, lookup))


def _value(operand: Value | Reference, lookup: Lookup) -> str:
    return operand.text if isinstance(operand, Value) else lookup(operand.name)


def _names(condition: Condition) -> Iterator[Name]:
    if isinstance(condition, Reference):
        yield condition.name
    elif isinstance(condition, Equality):
        yield from (side.name for side in (condition.left, condition.right) if isinstance(side, Reference))
    elif isinstance(condition, Not):
        yield from _names(condition.inner)
    elif isinstance(condition, Combined):
        for part in condition.parts:
            yield from _names(part)


class _Parser:
    """Recursive descent; `kind`, `word` and `column` are those of the token ahead, `kind` '' at the end."""

    def __init__(self, text: str, offset: int) -> None:
        self._text = text
        self._offset = offset
        self._at = 0
        self.kind = self.word = ""
        self.column = 1
        self._advance()

    def _advance(self) -> None:
        rest = self._text[self._at :]
        self.column = self._offset + self._at + len(rest) - len(rest.lstrip()) + 1
        if not rest.strip():
            self.kind = self.word = ""
            return
        found = _TOKEN.match(rest)
        if not found:
            raise ConditionError(_unreadable(rest.lstrip()), self.column)
        self.kind, self.word = found.lastgroup or "", found[found.lastgroup or 0]
        self._at += found.end()

    def _taken(self, operator: str) -> bool:
        if self.kind == "op" and self.word == operator:
            self._advance()
            return True
        return False

    def any_of(self, depth: int) -> Condition:
        parts = [self._all_of(depth)]
        while self._taken("||"):
            parts.append(self._all_of(depth))
        return parts[0] if len(parts) == 1 else Combined(tuple(parts), every=False)

    def _all_of(self, depth: int) -> Condition:
        parts = [self._unary(depth)]
        while self._taken("&&"):
            parts.append(self._unary(depth))
        return parts[0] if len(parts) == 1 else Combined(tuple(parts), every=True)

    def _unary(self, depth: int) -> Condition:
        if depth > _MAX_DEPTH:
            raise ConditionError("too many brackets", self.column)
        if self._taken("!"):
            return Not(self._unary(depth + 1))
        if self._taken("("):
            inner = self.any_of(depth + 1)
            if not self._taken(")"):
                raise ConditionError("a bracket is not closed; ')' is missing", self.column)
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self._operand()
        for operator in ("==", "!="):
            if self._taken(operator):
                return Equality(left, self._operand(), equal=operator == "==")
        return left

    def _operand(self) -> Value | Reference:
        kind, word, column = self.kind, self.word, self.column
        if kind not in ("text", "name", "number"):
            found = f"{word!r} stands" if word else "the condition ends"
            raise ConditionError(f"{found} where a name or a 'quoted text' is meant", column)
        self._advance()
        if kind == "text":
            return Value(word[1:-1].replace("''", "'") if word[0] == "'" else word[1:-1])
        if kind == "number":
            return Value(word)
        return Value(_CONSTANTS[word]) if word in _CONSTANTS else Reference(tuple(word.split(".")))


def _unreadable(rest: str) -> str:
    if rest[0] in "'\"":
        return "a quoted text is not closed"
    if rest[0] == "=":
        return "'=' is not a comparison; write '=='"
    if rest[0] in "&|":
        return f"{rest[0]!r} alone means nothing; write {rest[0] * 2!r}"
    return f"{rest[0]!r} means nothing here"
