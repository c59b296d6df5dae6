"""Texts in a field of JSON lines or a column of CSV: other fields are passed through, and predictions are added."""

from __future__ import annotations

import csv
import io
import json

from edgetext.command import lines
from edgetext.command.ranking import FIELD
from edgetext.command.records import Record, dump, fields, is_utf8
from edgetext.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from edgetext.command.ranking import Ranking
    from edgetext.command.records import RecordOrError
    from edgetext.prediction import Prediction

# The fields that predictions add, without those of a ranking; CSV gets no `probabilities`.
JSON_FIELDS = ("label", "score", "probabilities", "engine")


class JSONLines:
    """One object per line, UTF-8, with the text in a field; other fields are passed through, blank lines skipped."""

    header = ""

    def __init__(self, stream: BinaryIO, field: str, prefix: str = "", ranking: Ranking | None = None) -> None:
        """Read texts in ``field``; ``prefix`` comes before the names of added fields, which no object may have."""
        self._stream = stream
        self._field = field
        self._ranking = ranking
        self._names = {name: prefix + name for name in (*JSON_FIELDS, *([FIELD] if ranking else []))}

    def __iter__(self) -> Iterator[RecordOrError]:
        for number, line in enumerate(lines.read_lines(self._stream), 1):
            try:
                content = lines.decode_line(line, number).strip()
                if content:
                    yield Record(number, self._text(content, number), content)
            except InputError as error:
                yield error

    def _text(self, content: str, number: int) -> str:
        try:
            record = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise InputError(f"line {number}: not JSON: {error}") from None
        if not isinstance(record, dict):
            raise InputError(f"line {number}: not a JSON object")
        if taken := record.keys() & self._names.values():
            raise InputError(f"line {number}: has a field {min(taken)!r} already: choose a --prefix for the added ones")
        text = record.get(self._field)
        if not isinstance(text, str):
            raise InputError(f"line {number}: no field {self._field!r} with a text")
        return text

    def write(self, record: Record, prediction: Prediction) -> str:
        """Return the record's line as it was read, no number rounded and no key lost, with the new fields added."""
        assert isinstance(record.source, str)
        added = {self._names[name]: value for name, value in fields(prediction, self._ranking).items()}
        return f"{record.source[:-1].rstrip()}, {dump(added)[1:]}\n"


class _CSVLines:
    """The lines of a CSV file for its reader; all lines of a record together are bounded like one line elsewhere."""

    def __init__(self, stream: BinaryIO) -> None:
        # Bytes that are not UTF-8 become lone surrogates, so that the quotes around them are still understood.
        self.file = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
        self._size = self._quotes = 0
        self._skipped_cr = False
        self.number = 0  # of the last line read, from 1

    def begin(self) -> int:
        """Begin a record and return the number of its first line."""
        self._size = self._quotes = 0
        return self.number + 1

    def __iter__(self) -> _CSVLines:
        return self

    def __next__(self) -> str:
        """Return a line; InputError if the record becomes too long, after its rest is skipped."""
        # The bytes are at least as many as the characters.
        line = self.file.readline(max(lines.MAX_LINE_BYTES - self._size, 0) + 1)
        if self._skipped_cr and line == "\n":  # the second half of a skipped line's CR LF
            line = self.file.readline(lines.MAX_LINE_BYTES + 1)
        self._skipped_cr = False
        if not line:
            raise StopIteration
        self.number += 1
        self._size += len(line) if line.isascii() else len(line.encode("utf-8", "surrogateescape"))
        if self._size - line.endswith("\n") > lines.MAX_LINE_BYTES:
            self._skip(line)
            raise InputError(lines.TOO_LONG)
        self._quotes += line.count('"')
        return line

    def _skip(self, line: str) -> None:
        """Read to the end of the record: the first line end outside quotes, or the end of the file."""
        quotes = self._quotes + line.count('"')
        while line and (line[-1] not in "\r\n" or quotes % 2):
            ended = line[-1]
            line = self.file.readline(lines.PIECE_BYTES)
            # A line end of two characters can be split over two pieces.
            self.number += bool(line) and ended in "\r\n" and (ended, line) != ("\r", "\n")
            quotes += line.count('"')
        self._skipped_cr = line.endswith("\r")


class CSVTable:
    """CSV with a header, UTF-8, as in RFC 4180; blank lines are skipped.

    Columns for label, score, a ranking and engine are added.
    """

    def __init__(
        self, stream: BinaryIO, column: str, delimiter: str = ",", prefix: str = "", ranking: Ranking | None = None
    ) -> None:
        """Read the header; ``prefix`` comes before the names of the added columns.

        Raises:
            InputError: If there is no header, the column is not in it, or an added column is in it already.
        """
        csv.field_size_limit(2**31 - 1)  # the largest there is everywhere; _CSVLines has its own limit
        self._lines = _CSVLines(stream)
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        try:
            columns = next(self._reader, [])
        except (csv.Error, InputError) as error:
            raise self._refuse(1, error) from None
        if not is_utf8("".join([*columns, prefix])):
            raise InputError("line 1: not UTF-8")
        if columns.count(column) != 1:
            names = ", ".join(map(repr, columns)) or "none"
            raise InputError(f"line 1: {columns.count(column)} columns are called {column!r}; the columns are {names}")
        added = [prefix + name for name in ("label", "score", *(ranking.columns if ranking else []), "engine")]
        if taken := set(columns).intersection(added):
            raise InputError(f"line 1: has a column {min(taken)!r} already: choose a --prefix for the added ones")
        self._column = columns.index(column)
        self._ranking = ranking
        self._width = len(columns)
        self._delimiter = delimiter
        self.header = self._line([*columns, *added])

    def __iter__(self) -> Iterator[RecordOrError]:
        with self._lines.file:
            while True:
                start = self._lines.begin()
                try:
                    row = next(self._reader)
                except StopIteration:
                    return
                except (csv.Error, InputError) as error:
                    yield self._refuse(start, error)
                    continue
                number = self._lines.number
                if row and len(row) != self._width:
                    yield InputError(f"line {number}: {len(row)} columns, and the header has {self._width}")
                elif not is_utf8("".join(row)):
                    yield InputError(f"line {number}: not UTF-8")
                elif row:
                    yield Record(number, row[self._column], row)

    def _refuse(self, start: int, error: Exception) -> InputError:
        """Return the error for a record that cannot be read, with its lines: an unclosed quote spans many."""
        end = self._lines.number
        where = f"line {start}" if start == end else f"lines {start} to {end}"
        if isinstance(error, InputError):
            return InputError(f"{where}: {error}" + (" (a quote not closed?)" if start != end else ""))
        return InputError(f"{where}: not CSV: {error} (a quote not closed?)")

    def write(self, record: Record, prediction: Prediction) -> str:
        """Return the line of a row; scores have six decimals."""
        assert isinstance(record.source, list)
        further = self._ranking.cells(prediction, 6) if self._ranking else []
        return self._line([*record.source, prediction.label, f"{prediction.score:.6f}", *further, prediction.engine])

    def _line(self, row: list[str]) -> str:
        buffer = io.StringIO()
        # Before Python 3.13 the writer quotes only those line ends that it writes itself.
        csv.writer(buffer, delimiter=self._delimiter, lineterminator="\r\n").writerow(row)
        return buffer.getvalue()[:-2] + "\n"
