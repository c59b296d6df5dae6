"""CSV and TSV: records of fields, the first of which is the header."""

from __future__ import annotations

import csv
import io
import sys
from collections import deque

from edgetext.tables import lines as limits
from edgetext.tables.encoding import show_encoding
from edgetext.tables.lines import Lines, is_too_long, measure
from edgetext.tables.records import Fault, is_unicode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, BinaryIO, Union

    from edgetext.tables.dialect import Dialect

    # A record: the lines on which it begins and ends, and its fields.
    Fields = tuple[int, int, list[str]]
    FieldsOrFault = Union[Fields, Fault]

csv.field_size_limit(2**31 - 1)  # the largest there is everywhere; records have their own limit
# Before Python 3.11 the csv module refuses NUL. This lone surrogate takes its place; no invalid byte becomes it.
_NUL = "\udd00" if sys.version_info < (3, 11) else ""


class _TooLong(Exception):
    """The present record is too long."""


def make_reader(lines: Iterable[str], dialect: Dialect) -> Any:
    """Return a reader of the csv module, which refuses what does not fit the dialect."""
    return csv.reader(
        lines,
        delimiter=dialect.delimiter or ",",
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        strict=True,
    )


class Rows:
    """The rows of CSV (RFC 4180) and TSV, blank lines skipped; the header is one of them.

    All lines of a record together are bounded like one line elsewhere.
    """

    def __init__(self, stream: BinaryIO, dialect: Dialect, replay: bool = False) -> None:
        """Read a stream in a dialect that is complete.

        ``replay`` says where to continue after a record whose quotation marks are wrong: on the line after its first,
        so that a mark that is never closed costs one line; else behind the record.
        """
        self._lines = _RecordLines(Lines(stream, dialect.encoding or "utf-8", ""), dialect.quote or "", replay)
        self._reader = make_reader(self._lines, dialect)
        self._encoding = dialect.encoding or "utf-8"
        self._with_quotes = bool(dialect.quote)

    def __iter__(self) -> Iterator[FieldsOrFault]:
        lines = self._lines
        while True:
            start = lines.begin()
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, _TooLong) as error:
                yield self._refuse(start, error)
                continue
            if _NUL:
                fields = [field.replace(_NUL, "\0") for field in fields]
            if not is_unicode("".join(fields)):
                message = f"line {lines.number}: not {show_encoding(self._encoding)}"
                yield Fault("encoding", start, message, values=fields)
            elif fields:
                yield start, lines.number, fields

    def skip_line(self) -> None:
        """Skip the first line."""
        self._lines.begin()
        next(self._lines, None)

    def _refuse(self, start: int, error: Exception) -> Fault:
        """Return the fault of a record that cannot be read, with its lines: an unclosed quote spans many."""
        end = self._lines.number
        where = f"line {start}" if start == end else f"lines {start} to {end}"
        mark = " (a quote not closed?)" if self._with_quotes else ""
        self._lines.recover()
        if isinstance(error, _TooLong) and start == end:
            return Fault("long", start, f"{where}: {limits.TOO_LONG}")
        problem = limits.TOO_LONG if isinstance(error, _TooLong) else f"not CSV: {error}"
        fault = Fault("quotes", start, f"{where}: {problem}{mark}")
        fault.lines = end - start + 1
        return fault


class _RecordLines:
    """The lines of a file for the csv module; those of the present record can be read again."""

    def __init__(self, lines: Lines, quote: str, replay: bool) -> None:
        self._lines = lines
        self._quote = quote
        self._replay = replay
        self._again: deque[str] = deque()
        self._record: list[str] = []  # its lines, if they may be read again
        self._size = self._quotes = 0
        self.number = 0  # of the last line read, from 1

    def begin(self) -> int:
        """Begin a record and return the number of its first line."""
        self._record.clear()
        self._size = self._quotes = 0
        return self.number + 1

    def __iter__(self) -> _RecordLines:
        return self

    def __next__(self) -> str:
        """Return a line; _TooLong if the record becomes too long."""
        if self._again:
            line = self._again.popleft()
            self.number += 1
        else:
            line = self._read()
        if self._replay:
            self._record.append(line)
        if is_too_long(line, self._size):
            raise _TooLong
        self._size += measure(line)
        self._quotes += line.count(self._quote) if self._quote else 0
        return line.replace("\0", _NUL) if _NUL else line

    def _read(self) -> str:
        """Read a line; if it is too long, skip its rest, or that of the record if that is not to be read again."""
        size = 0 if self._replay else self._size
        before = self._lines.number
        line = self._lines.read(size)
        if not line:
            raise StopIteration
        if is_too_long(line, size):
            if self._replay:
                self._lines.skip(line)
            else:
                self._lines.skip(line, self._quote, self._quotes)
        self.number += self._lines.number - before
        return line

    def recover(self) -> None:
        """Put back all lines of the record except its first, if lines may be read again."""
        if self._replay:
            self._again.extendleft(reversed(self._record[1:]))
            self.number -= max(0, len(self._record) - 1)


def write_row(fields: Sequence[str], dialect: Dialect) -> str:
    """Return the line of a row, without its end, as the dialect writes it."""
    delimiter, quote, escape = dialect.delimiter or ",", dialect.quote, dialect.escape
    if quote and not escape:
        buffer = io.StringIO()
        # Before Python 3.13 the writer quotes only those line ends that it writes itself.
        csv.writer(buffer, delimiter=delimiter, quotechar=quote, lineterminator="\r\n").writerow(fields)
        return buffer.getvalue()[:-2]
    return delimiter.join(_write_field(field, delimiter, quote or "", escape or "") for field in fields)


def _write_field(field: str, delimiter: str, quote: str, escape: str) -> str:
    """Return a field with its special characters escaped, and between quotes if there are any."""
    special = [mark for mark in (escape, quote, *(() if quote else (delimiter, "\r", "\n"))) if mark]
    if escape:
        for mark in special:  # the escape character first
            field = field.replace(mark, escape + mark)
    needs_quotes = quote and any(mark in field for mark in (delimiter, quote, escape, "\r", "\n"))
    return f"{quote}{field}{quote}" if needs_quotes else field
