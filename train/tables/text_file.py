"""A table in a text file: CSV, TSV, JSON or lines of fastText, read by ``edgetext.tables``."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgetext.errors import InputError
from edgetext.tables import fasttext
from edgetext.tables.dialect import Dialect
from edgetext.tables.reader import TableReader
from edgetext.tables.records import Fault, Record
from edgetext.tables.source import Source
from train.dataset import DataError

NOT_TEXT = "\udcff"  # a byte that is not text, as Python's error handler "surrogateescape" returns it
FIRST_RECORDS = 100  # that are read to find out about the columns
NAMED_RECORDS = 20_000  # of JSON after these, whose fields are columns, too: texts without a label may leave it out


class Start(NamedTuple):
    """The first part of a table."""

    dialect: Dialect  # complete
    notes: tuple[str, ...]  # what of it was detected
    names: list[str]  # of the columns; of JSON, the keys of the first objects
    is_empty: bool  # whether no record follows
    is_headless: bool  # whether the header seems to be a row, because one of its cells is found again in its column
    lists: list[str]  # the columns that hold lists


def check_file(path: Path) -> None:
    """Raise DataError if a file is a pipe or a device, which cannot be read several times."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise DataError(f"{path}: a table is read several times: write what comes from the pipe to a file")


@contextlib.contextmanager
def open_reader(path: Path, dialect: Dialect, columns: Collection[str] = ()) -> Iterator[TableReader]:
    """Open a file to read its records; ``columns`` are those that it must have.

    Raises:
        DataError: If it cannot be read, here or to its end.
    """
    try:
        dialect.check()
    except InputError as error:
        raise DataError(str(error)) from None
    try:
        with path.open("rb") as file:
            yield TableReader(file, dialect, columns=columns, is_labelled=True, replay=True)
    except InputError as error:
        raise DataError(f"{path}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None


def read_start(path: Path, dialect: Dialect, columns: Collection[str] = ()) -> Start:
    """Read the header and the first records; ``columns`` are those that the table must have.

    Raises:
        DataError: If they cannot be read, or none of them is a JSON object or as wide as the header.
    """
    with open_reader(path, dialect, columns) as reader:
        records = iter(reader)
        found = list(itertools.islice(records, FIRST_RECORDS))
        first = [record.values for record in found if isinstance(record, Record)]
        if reader.names:
            names, rows = list(reader.names), [dict(zip(reader.names, values)) for values in first]
        else:
            more = (record.values for record in itertools.islice(records, NAMED_RECORDS) if isinstance(record, Record))
            names = list(dict.fromkeys(name for values in itertools.chain(first, more) for name in values))
            rows = first
        if found and not names:
            if isinstance(found[0], Fault) and found[0].is_last:
                raise found[0]
            raise InputError(f"none of the first {len(found)} lines is a JSON object in {reader.encoding}")
        if found and all(isinstance(record, Fault) and record.kind == "ragged" for record in found):
            options = reader.propose_quoting()
            raise InputError(f"no row is as wide as the header: {found[0]}" + (f" (try {options})" if options else ""))
        cells = {name: [row[name] for row in rows if row.get(name) is not None] for name in names}
        return Start(
            reader.dialect,
            reader.notes,
            names,
            not found,
            bool(reader.header) and any(name and name in map(str.strip, cells[name]) for name in names),
            [name for name, values in cells.items() if values and all(isinstance(value, list) for value in values)],
        )


def read_values(path: Path, dialect: Dialect, names: Sequence[str | None]) -> Iterator[tuple[int, list[Any] | str]]:
    """Yield the rows: the number of the line on which each begins, and its values or the kind of its fault.

    The first name is that of the label, which is also known of a record with invalid bytes elsewhere. The value of a
    name that is None is None.

    Raises:
        DataError: If the file cannot be read to its end.
    """
    with open_reader(path, dialect) as reader:
        if not {*names} - {None} <= set(reader.names or names):
            raise DataError(f"{path}: the file was changed while it was being read")
        columns = {name: place for place, name in enumerate(reader.names)}
        for found in reader:
            if isinstance(found, Record) and reader.header and _is_header(found.values, reader.header):
                yield found.line, "header"
            elif isinstance(found, Record):
                yield found.line, _pick(found.values, columns, names)
            elif found.is_last:
                raise found
            elif found.kind == "labels":
                yield found.line, _pick(found.values, columns, names) if names[0] is None else found.kind
            elif isinstance(found.values, dict) or len(found.values or ()) == len(columns) > 0:
                yield found.line, [*_pick(found.values, columns, names[:1]), NOT_TEXT]
            else:
                yield found.line, found.kind


def _is_header(values: Sequence[str], header: Sequence[str]) -> bool:
    """Return whether a row repeats the header, as in files that were joined; each may have a byte order mark."""
    return values[0].removeprefix("\ufeff") == header[0] and values[1:] == header[1:]


def _pick(values: Any, columns: Mapping[str, int], names: Sequence[str | None]) -> list[Any]:
    """Return some values: of an object by their keys, of a row by the places of the columns."""
    if isinstance(values, dict):
        return [values.get(name) for name in names]
    return [None if name is None else values[columns[name]] for name in names]


def is_fasttext(path: Path) -> bool:
    """Return whether a file begins as fastText's lines do."""
    try:
        if not path.is_file():  # a pipe can be read only once
            return False
        with path.open("rb") as file:
            return fasttext.is_fasttext(Source(file, live=True, lines=1).head)
    except (OSError, InputError):
        return False
