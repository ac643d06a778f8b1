"""Text for Textual: whatever comes from a file or a command is taken literally, never as markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.content import Content

from runner.views.text import inert

#: The words of `runner.views` for how something is meant, in the theme's colours. No colour says anything alone.
STYLES = {
    "": "",
    "dim": "$foreground-muted",
    "bold": "bold",
    "good": "$text-success",
    "warn": "$text-warning",
    "bad": "bold $text-error",
    "fault": "bold $text-error",
    "note": "$text-accent",
    "green": "$text-success",
    "bold green": "bold $text-success",
    "yellow": "$text-warning",
    "bold yellow": "bold $text-warning",
    "red": "$text-error",
    "bold red": "bold $text-error",
    "bold blue": "bold $text-primary",
    "bold cyan": "bold $text-accent",
    "title": "bold $text-primary",
    "key": "bold $text-accent",
}

_NARROWEST = 10

Part = str | tuple[str, str]


def line(*parts: Part) -> Content:
    """One line: each part a text, or a text and one of STYLES. Control characters, newlines too, are made visible."""
    return Content.assemble(*(_part(part) for part in parts))


def _part(part: Part) -> tuple[str, str]:
    text, style = (part, "") if isinstance(part, str) else part
    return inert(text), STYLES[style]


def lines(several: Iterable[Content]) -> Content:
    """One under another."""
    return Content("\n").join(several)


def hanging(label: Content, text: Content, width: int, indent: int | None = None) -> Iterator[Content]:
    """A text beside its label, whole: what does not fit goes on below the text, `indent` cells in, not below the label."""
    deep = label.cell_length if indent is None else indent
    first, *rest = text.wrap(max(_NARROWEST, width - max(deep, label.cell_length))) or [Content("")]
    yield Content.assemble(label, first)
    yield from (Content.assemble(" " * deep, more) for more in rest)
