"""The journal an experiment leaves behind: made fit for JSON, redacted, and put in place in one piece."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from runner.errors import Broken
from runner.private import file_mode
from runner.redact import Redactor, Redacts

_DEEPEST = 60


def plain(value: Any, depth: int = 0) -> Any:
    """`value` as JSON can hold it: what JSON does not know becomes text, in the spelling Chaos Toolkit's journal uses
    where it has one.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth >= _DEEPEST:
        return _shown(value)
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in value]
    return _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    try:
        return repr(value)
    # Any class may raise anything from its repr, and a recorded value must never end the recording.
    except Exception:
        return f"<{type(value).__name__}>"


def write_journal(path: Path, journal: Any, redactor: Redacts, *, durable: bool = True) -> None:
    """Replace `path` with the redacted journal; a reader sees the old one or the new one.

    `durable` waits for the disk. Raises OSError.
    """
    text = json.dumps(redactor.value(plain(journal)), indent=2, ensure_ascii=False)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        draft.unlink()
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.fchmod(handle, file_mode(path.parent))
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text + "\n")
        file.flush()
        if durable:
            os.fsync(file.fileno())
    draft.replace(path)
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def merge_rollbacks(path: Path, entries: Sequence[Any]) -> bool:
    """Give the kept journal its rollbacks, in the order they ran, so that it reads as if one process had done it all.

    `entries` come redacted from `RollbackResult.activity`. False when there is no journal: its child was killed before
    it could write one. Raises Broken if the journal cannot be read, OSError if it cannot be written.
    """
    try:
        journal = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except ValueError as error:
        raise Broken(f"{path}: the journal is not JSON: {error}") from error
    journal["rollbacks"] = [entry for entry in entries if entry is not None]
    write_journal(path, journal, Redactor())
    return True
