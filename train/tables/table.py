"""Labelled text in a table, CSV, TSV, JSON lines or Parquet by the file's name, read row by row.

A row that cannot be used is no error: it comes with the kind of its fault, and the rows after it are read. What makes
the whole file useless raises ``DataError``. The number of a row is that of the line on which it begins, counted from 1
with the header; in Parquet, which has no lines, that of the row.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from train.dataset import DataError
from train.tables import parquet
from train.tables.columns import Columns, as_label, as_text
from train.tables.lines import BAD, Record, csv_records, read_lines, tsv_records

# The keys of so many objects are the columns of JSON lines.
FIRST_OBJECTS = 100

# Of each row its number, and the values of the columns that are asked for, or the kind of its fault.
Values = Iterator[tuple[int, "list[Any] | str"]]


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        line: Its number.
        label: Its label, without the white space around it.
        text: Its text; that of several columns is joined by a space.
        fault: Why it cannot be used, one of ``report.KINDS``; empty if it can.
    """

    line: int
    label: str = ""
    text: str = ""
    fault: str = ""


class Table(NamedTuple):
    """A file, and how to read it.

    Attributes:
        path: The file.
        encoding: Of a file of lines.
        delimiter: Between the columns of CSV; None for a comma.
    """

    path: Path
    encoding: str = "utf-8"
    delimiter: str | None = None

    @property
    def is_csv(self) -> bool:
        """Whether the delimiter is of use."""
        return _ending(self.path) == ".csv"

    @property
    def unit(self) -> str:
        """What the numbers of rows count: ``"line"`` or ``"row"``."""
        return "row" if _ending(self.path) == ".parquet" else "line"

    def columns(self) -> list[str]:
        """Give the names of the columns, in their order.

        Raises:
            DataError: The file cannot be read, is none of the formats, is empty, or has two columns of the same name.
        """
        names = _format(self).columns(self)
        if not names:
            raise DataError(f"{self.path}: the file is empty")
        if any(BAD in name for name in names):
            raise DataError(
                f"{self.path}: the names of the columns are not {self.encoding}: "
                "name the encoding with --encoding, such as windows-1252 or utf-16"
            )
        if twice := [name for name in names if name and names.count(name) > 1]:
            raise DataError(f"{self.path}: more than one column is called {twice[0]!r}")
        return names

    def rows(self, columns: Columns) -> Iterator[Row]:
        """Read the rows, usable or not; blank lines are skipped.

        Raises:
            DataError: The file cannot be read to its end.
        """
        for line, values in _format(self).values(self, [columns.label, *columns.texts]):
            if isinstance(values, str):
                yield Row(line, fault=values)
            else:
                label, label_fault = as_label(values[0])
                text, text_fault = as_text(values[1:])
                yield Row(line, label, text, text_fault or label_fault)


class Format(NamedTuple):
    """How a format is read: its columns, and the values of some of them."""

    columns: Callable[[Table], list[str]]
    values: Callable[[Table, list[str]], Values]


def is_table(path: str | Path) -> bool:
    """Tell by the ending of the name whether this is a file that ``Table`` reads."""
    return _ending(Path(path)) in FORMATS


def stem(path: Path) -> str:
    """Give the name of a table without its endings: ``tickets`` of ``tickets.csv.gz``."""
    return Path(path.name[:-3] if path.name.lower().endswith(".gz") else path.name).stem


def _ending(path: Path) -> str:
    """Give the ending that tells the format, in small letters, without ``.gz``."""
    name = path.name.lower()
    return "" if name.endswith(".parquet.gz") else Path(name.removesuffix(".gz")).suffix


def _format(table: Table) -> Format:
    try:
        return FORMATS[_ending(table.path)]
    except KeyError:
        raise DataError(f"{table.path}: the name must end in {ENDINGS}") from None


def _records(table: Table) -> Iterator[Record]:
    if table.is_csv:
        return csv_records(table.path, table.encoding, table.delimiter or ",")
    return tsv_records(table.path, table.encoding)


def _field_columns(table: Table) -> list[str]:
    """Read the header of CSV or TSV."""
    line, fields = next(_records(table), (0, []))
    if fields is None:
        raise DataError(f"{table.path}: line {line}: the header has a quotation mark that is not closed, or misplaced")
    names = [field.strip() for field in fields]
    separators = {";": "';'", "\t": "tab", "|": "'|'", ",": "','"}
    if len(names) == 1 and (found := [name for mark, name in separators.items() if mark in names[0]]):
        mend = f"say what separates columns with --delimiter {found[0]}" if table.is_csv else "is it CSV?"
        raise DataError(f"{table.path}: the header is one column, {names[0]!r}: {mend}")
    return names


def _field_values(table: Table, names: list[str]) -> Values:
    """Read the rows of CSV or TSV."""
    header = _field_columns(table)
    places = [header.index(name) for name in names]
    for line, fields in itertools.islice(_records(table), 1, None):
        if fields is None:
            yield line, "quotes"
        elif any(BAD in field for field in fields):
            yield line, "encoding"
        elif len(fields) != len(header):
            yield line, "ragged"
        else:
            yield line, [fields[place] for place in places]


def _objects(table: Table) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Read an object a line, or the kind of the line's fault; blank lines are skipped."""
    for number, line in enumerate(read_lines(table.path, table.encoding), 1):
        if BAD in line:
            yield number, "encoding"
        elif line.strip():
            try:
                content = json.loads(line)
            except (ValueError, RecursionError):
                content = None
            yield number, content if isinstance(content, dict) else "json"


def _object_columns(table: Table) -> list[str]:
    """Give the keys of the first objects, in the order in which they appear."""
    first = [content for _, content in itertools.islice(_objects(table), FIRST_OBJECTS)]
    names = list(dict.fromkeys(name for content in first if not isinstance(content, str) for name in content))
    if first and not names:
        raise DataError(f"{table.path}: none of the first {len(first)} lines is a JSON object in {table.encoding}")
    return names


def _object_values(table: Table, names: list[str]) -> Values:
    for line, content in _objects(table):
        yield line, content if isinstance(content, str) else [content.get(name) for name in names]


def _parquet_columns(table: Table) -> list[str]:
    return parquet.columns(table.path)


def _parquet_values(table: Table, names: list[str]) -> Values:
    yield from parquet.values(table.path, names)


# The formats by the ending of the name.
_FIELDS, _OBJECTS = Format(_field_columns, _field_values), Format(_object_columns, _object_values)
FORMATS = {
    ".csv": _FIELDS,
    ".tsv": _FIELDS,
    ".jsonl": _OBJECTS,
    ".ndjson": _OBJECTS,
    ".parquet": Format(_parquet_columns, _parquet_values),
}
ENDINGS = ".csv, .tsv, .jsonl or .ndjson, each also with .gz behind, or .parquet"
