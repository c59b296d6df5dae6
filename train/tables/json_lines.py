"""JSON lines: an object a line, whose keys are the columns."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from train.dataset import DataError
from train.tables.lines import BAD, read_lines

FIRST_OBJECTS = 100  # their keys are the columns


def columns(path: Path, encoding: str, delimiter: str | None) -> list[str]:
    """Return the keys of the first objects, in the order in which they appear."""
    first = [content for _, content in itertools.islice(_objects(path, encoding), FIRST_OBJECTS)]
    names = list(dict.fromkeys(name for content in first if not isinstance(content, str) for name in content))
    if first and not names:
        raise DataError(f"{path}: none of the first {len(first)} lines is a JSON object in {encoding}")
    return names


def values(
    path: Path, encoding: str, delimiter: str | None, names: Sequence[str]
) -> Iterator[tuple[int, list[Any] | str]]:
    """Yield the rows: the number of each, and its values or the kind of its fault."""
    for line, content in _objects(path, encoding):
        yield line, content if isinstance(content, str) else [content.get(name) for name in names]


def _objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield an object a line, or the kind of the line's fault; blank lines are skipped."""
    for number, line in enumerate(read_lines(path, encoding), 1):
        if BAD in line:
            yield number, "encoding"
        elif line.strip():
            try:
                content = json.loads(line)
            except (ValueError, RecursionError):
                content = None
            yield number, content if isinstance(content, dict) else "json"
