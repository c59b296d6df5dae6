"""CSV and TSV: records of fields, the first of which is the header."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from train.dataset import DataError
from train.tables.lines import BAD, MAX_CHARACTERS, read_lines

# A record: the line on which it begins, and its fields; None if its quotation marks are wrong.
Record = tuple[int, "list[str] | None"]
SEPARATORS = {";": "';'", "\t": "tab", "|": "'|'", ",": "','"}


def columns(path: Path, encoding: str, delimiter: str | None) -> list[str]:
    """Return the names of the columns."""
    return _header(path, _records(path, encoding, delimiter))


def _records(path: Path, encoding: str, delimiter: str | None) -> Iterator[Record]:
    return tsv_records(path, encoding) if _is_tsv(path) else csv_records(path, encoding, delimiter or ",")


def _is_tsv(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(".tsv")


def _header(path: Path, records: Iterator[Record]) -> list[str]:
    line, fields = next(records, (0, []))
    if fields is None:
        raise DataError(f"{path}: line {line}: the header has a quotation mark that is not closed, or misplaced")
    names = [field.strip() for field in fields]
    if len(names) == 1 and (found := [name for mark, name in SEPARATORS.items() if mark in names[0]]):
        fix = "is it CSV?" if _is_tsv(path) else f"separate columns with --delimiter {found[0]}"
        raise DataError(f"{path}: the header is one column, {names[0]!r}: {fix}")
    return names


def values(
    path: Path, encoding: str, delimiter: str | None, names: Sequence[str]
) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the rows: the number of each, and its values or the kind of its fault."""
    records = _records(path, encoding, delimiter)
    header = _header(path, records)
    if not set(names) <= set(header):
        raise DataError(f"{path}: the file was changed while it was being read")
    places = [header.index(name) for name in names]
    for line, fields in records:
        if fields is None:
            yield line, "quotes"
        elif any(BAD in field for field in fields):
            yield line, "encoding"
        elif len(fields) != len(header):
            yield line, "ragged"
        else:
            yield line, [fields[place] for place in places]


def csv_records(path: Path, encoding: str, delimiter: str) -> Iterator[Record]:
    """Yield the records of a CSV file as defined by RFC 4180; blank lines are skipped.

    After a record whose quotation marks are wrong, the line after its first begins another: a mark that is never closed
    costs one line, not the rest of the file.

    Raises:
        DataError: As for ``read_lines``, or if the delimiter is not one character.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise DataError(f"--delimiter must be one character or 'tab', not {delimiter!r}")
    csv.field_size_limit(MAX_CHARACTERS)  # the default is 128 kB
    lines = _Replay(read_lines(path, encoding))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 1
    while True:
        lines.record.clear()
        fields: list[str] | None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            fields = None
            lines.keep_first()
        if fields != []:
            yield number, fields
        number += len(lines.record)


class _Replay:
    """Lines, of which those of the present record can be put back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.record: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.record.append(line)
        return line

    def keep_first(self) -> None:
        """Put back all lines of the record except its first."""
        self._again.extendleft(reversed(self.record[1:]))
        del self.record[1:]


def tsv_records(path: Path, encoding: str) -> Iterator[Record]:
    """Yield the records of a TSV file as IANA's text/tab-separated-values: no quotation marks; no blank lines.

    Raises:
        DataError: As for ``read_lines``.
    """
    for number, line in enumerate(read_lines(path, encoding), 1):
        if content := line.rstrip("\r\n"):
            yield number, content.split("\t")
