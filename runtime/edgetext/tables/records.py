"""What the readers of tables yield: a record, or the fault of one that cannot be read."""

from __future__ import annotations

from edgetext.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    RecordOrFault = Union["Record", "Fault"]


class Record:
    """A record of a table.

    Attributes:
        line: The line on which it begins, from 1.
        end: The line on which it ends.
        values: The cells of a row, or the object of a JSON line.
        source: The JSON text of an object; empty for a row.
    """

    __slots__ = ("end", "line", "source", "values")

    def __init__(self, line: int, end: int, values: Any, source: str = "") -> None:
        self.line = line
        self.end = end
        self.values = values
        self.source = source


class Fault(InputError):
    """A record that cannot be read; the message begins with its lines.

    Attributes:
        kind: ``encoding``, ``long``, ``quotes``, ``ragged``, ``json`` or ``labels``.
        line: The line on which the record begins, from 1.
        is_last: Whether the rest of the file cannot be read either.
        lines: The number of its lines, where a quotation mark may have swallowed rows; else 1.
        values: Of a record with invalid bytes its cells or its object, with lone surrogates in their place; of a line
            with several labels the first, and its text; else None.
    """

    def __init__(self, kind: str, line: int, message: str, is_last: bool = False, values: Any = None) -> None:
        super().__init__(message)
        self.values = values
        self.kind = kind
        self.line = line
        self.is_last = is_last
        self.lines = 1


def is_unicode(text: str) -> bool:
    """Return whether a text can be written as UTF-8; one read from invalid bytes contains lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
