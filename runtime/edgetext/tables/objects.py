"""JSON: an object a line, or one array of objects."""

from __future__ import annotations

import json

from edgetext.tables import lines as limits
from edgetext.tables.encoding import show_encoding
from edgetext.tables.lines import Lines, read_line
from edgetext.tables.records import Fault, Record, is_unicode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

    from edgetext.tables.records import RecordOrFault

_DECODER = json.JSONDecoder()


def read_json_lines(stream: BinaryIO, encoding: str) -> Iterator[RecordOrFault]:
    """Yield an object a line; blank lines are skipped."""
    lines = Lines(stream, encoding)
    while line := read_line(lines, encoding):
        if isinstance(line, Fault):
            if line.kind == "encoding":
                found = _parse(line.values.strip(), lines.number)
                line.values = found.values if isinstance(found, Record) else None
            yield line
        elif content := line.strip():
            yield _parse(content, lines.number)


def _parse(content: str, number: int) -> RecordOrFault:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        return Fault("json", number, f"line {number}: not JSON: {error}")
    if not isinstance(value, dict):
        return Fault("json", number, f"line {number}: not a JSON object")
    return Record(number, number, value, content)


def read_json_array(stream: BinaryIO, encoding: str) -> Iterator[RecordOrFault]:
    """Yield the objects of an array, one of which is in memory at a time.

    What follows something that is not JSON cannot be found again: its fault is the last.
    """
    window = _Window(Lines(stream, encoding), encoding)
    fault = window.expect("[")
    is_first = True
    while fault is None and not window.take("]"):
        fault = None if is_first else window.expect(",")
        is_first = False
        if fault is None:
            found = window.take_value()
            if isinstance(found, Fault) and found.is_last:
                fault = found
            else:
                yield found
    if fault is None and window.next():
        fault = window.refuse("something follows the array")
    if fault is not None:
        yield fault


class _Window:
    """The part of an array that is in memory."""

    def __init__(self, lines: Lines, encoding: str) -> None:
        self._lines = lines
        self._encoding = encoding
        self._text = ""
        self._place = 0  # up to which it was taken
        self._line = 1  # on which that place is

    def next(self) -> str:
        """Skip white space and return the next character; an empty string at the end."""
        while True:
            while self._text[self._place : self._place + 1] in (" ", "\t", "\r", "\n"):
                self._advance(self._place + 1)
            if self._place < len(self._text) or not self._grow():
                return self._text[self._place : self._place + 1]

    def take(self, char: str) -> bool:
        """Take the next character if it is this one."""
        found = self.next() == char
        self._advance(self._place + found)
        return found

    def expect(self, char: str) -> Fault | None:
        """Take the next character, or return the fault if it is another."""
        return None if self.take(char) else self.refuse(f"not JSON: expecting {char!r}")

    def take_value(self) -> RecordOrFault:
        """Take the next value; a fault that is not the last if it is not an object, or not text."""
        if not self.next():
            return self.refuse("not JSON: the array is not closed")
        tried = 0
        while True:
            size = len(self._text) - self._place
            # A value is parsed again when there is twice as much of it: one in many pieces takes linear time.
            problem = ""
            if size >= 2 * tried:
                tried = size
                try:
                    value, end = _DECODER.raw_decode(self._text, self._place)
                except (ValueError, RecursionError) as error:
                    problem = str(error)
                else:
                    # A number may go on in the next piece.
                    if end < len(self._text) or isinstance(value, dict):
                        return self._take(value, end)
            if size > limits.MAX_LINE_BYTES:
                return self.refuse(limits.TOO_LONG)
            if not self._grow():
                if problem:
                    return self.refuse(f"not JSON: {problem}")
                tried = 0

    def _take(self, value: Any, end: int) -> RecordOrFault:
        source, line = self._text[self._place : end], self._line
        self._advance(end)
        if not is_unicode(source):
            message = f"line {line}: not {show_encoding(self._encoding)}"
            return Fault("encoding", line, message, values=value if isinstance(value, dict) else None)
        if not isinstance(value, dict):
            return Fault("json", line, f"line {line}: not a JSON object")
        # Line ends occur between the parts of a value only, never within a string.
        return Record(line, self._line, value, source.replace("\r", " ").replace("\n", " "))

    def refuse(self, problem: str) -> Fault:
        """Return the fault that ends the array."""
        return Fault("json", self._line, f"line {self._line}: {problem}; the rest is not read", is_last=True)

    def _advance(self, place: int) -> None:
        self._line += self._text.count("\n", self._place, place)
        self._place = place

    def _grow(self) -> bool:
        piece = self._lines.read_piece()
        self._text = self._text[self._place :] + piece
        self._place = 0
        return bool(piece)
