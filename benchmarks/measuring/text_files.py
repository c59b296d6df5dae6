"""Texts in files: a text a line, or a table in any shape that training and scoring read."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measuring.results import BenchmarkError
from edgetext.errors import InputError
from edgetext.tables.dialect import ENDINGS, FASTTEXT, Dialect, ending
from edgetext.tables.encoding import find_encoding
from edgetext.tables.fasttext import is_fasttext
from edgetext.tables.lines import Lines, read_line
from edgetext.tables.names import LABEL_NAMES, TEXT_NAMES, find_column
from edgetext.tables.options import add_dialect_arguments, make_dialect
from edgetext.tables.reader import TableReader, unify_line_ends
from edgetext.tables.records import Fault
from edgetext.tables.source import GZIP_MARK, Source


class Text(NamedTuple):
    """A text, with its id and its label where the source has them."""

    text: str
    id: str | None = None
    label: str | None = None


class Reading(NamedTuple):
    """How to read a table: the column of the text, None to guess, and what is known of how it is written."""

    column: str | None = None
    dialect: Dialect = Dialect()


ANY_READING = Reading()


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a table is read."""
    group = parser.add_argument_group("tables", "how to read --data if it is a table")
    group.add_argument("--text-column", metavar="NAME", help="column of the text (default: guessed by name)")
    add_dialect_arguments(group)


def make_reading(args: argparse.Namespace) -> Reading:
    """Return what the options say."""
    return Reading(args.text_column, make_dialect(args))


def find_given(reading: Reading) -> dict[str, Any]:
    """Return what the options say as fields of ``train.tables.options.TableOptions``."""
    columns = {} if reading.column is None else {"text_columns": (reading.column,)}
    said = {name: value for name, value in reading.dialect._asdict().items() if value is not None}
    return {**columns, **said}


def is_text_file(path: Path) -> bool:
    """Return whether to read a file here: it has the name of a table or of lines, or is neither archive nor folder.

    Raises:
        BenchmarkError: If it is none of these.
    """
    if ending(path.name) in ENDINGS or ending(path.name) == ".txt":
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        is_packed = file.read(len(GZIP_MARK)) == GZIP_MARK
        file.seek(0)
        with contextlib.suppress(InputError):  # damaged, or not text
            if is_fasttext(Source(file, live=True, lines=1).head):
                return True
    if not is_packed:
        known = ", ".join(ENDINGS)
        raise BenchmarkError(f"{path}: not texts: the name must end in {known} or .txt, optionally followed by .gz")
    return False


def read_texts(path: Path, reading: Reading = ANY_READING) -> list[Text]:
    """Read all texts of a file; each of a table is without faults, or it is refused.

    Raises:
        BenchmarkError: If there is none, or one cannot be read.
        OSError: If the file cannot be read.
    """
    try:
        reading.dialect.check()
    except InputError as error:
        raise BenchmarkError(str(error)) from None
    try:
        texts = list(_read(path, reading))
    except InputError as error:
        raise BenchmarkError(f"{path}: {error}") from None
    if not texts:
        raise BenchmarkError(f"{path}: has no text")
    return texts


def _read(path: Path, reading: Reading) -> Iterator[Text]:
    table = ENDINGS.get(ending(path.name))
    with path.open("rb") as file:
        if table is None:
            source = Source(file)
            if not is_fasttext(source.head, reading.dialect.encoding):
                yield from _read_lines(source, reading.dialect.encoding)
                return
            file.seek(0)
        dialect = reading.dialect._replace(format=table or FASTTEXT)
        columns = [] if reading.column is None else [reading.column]
        reader = TableReader(file, dialect, columns=columns)
        if twice := [name for name in reader.names if name and reader.names.count(name) > 1]:
            raise InputError(f"more than one column is called {twice[0]!r}")
        yield from _read_records(reader, reading.column)


def _read_lines(source: Source, encoding: str | None) -> Iterator[Text]:
    found, _ = find_encoding(source.head, encoding)
    lines = Lines(source.stream, found)
    while line := read_line(lines, found):
        if isinstance(line, Fault):
            raise line
        if line.strip():
            yield Text(line.rstrip("\r\n"))


def _read_records(reader: TableReader, column: str | None) -> Iterator[Text]:
    columns: tuple[str, str | None] | None = None
    for found in reader:
        if isinstance(found, Fault):
            raise found
        values: dict[str, Any] = dict(zip(reader.names, found.values)) if reader.names else found.values
        columns = columns or _choose_columns(list(values), column, with_header=bool(reader.header))
        text = values.get(columns[0])
        if not isinstance(text, str):
            raise InputError(f"line {found.line}: no text in {columns[0]!r}")
        label = values.get(columns[1] or "")
        if isinstance(label, list):
            raise InputError(f"line {found.line}: several labels per text are not supported")
        yield Text(unify_line_ends(text), _as_name(values.get("id")), _as_name(label))


def _choose_columns(names: list[str], column: str | None, *, with_header: bool) -> tuple[str, str | None]:
    """Return the columns of text and label, by their names; there may be no label."""
    text = find_column(names, TEXT_NAMES) if column is None else column
    if text not in names:
        why = "which column holds the text? Name it with --text-column" if text is None else f"no column {text!r}"
        fix = "; --no-header if the first line is a row" if with_header else ""
        raise InputError(f"{why}; the columns are {', '.join(map(repr, names))}{fix}")
    return text, find_column([name for name in names if name != text], LABEL_NAMES)


def _as_name(value: object) -> str | None:
    """Return an id or a label as training reads it: white space collapsed, whole numbers without a fraction."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (bool, float, int)):
        return str(value).lower()
    return " ".join(value.split()) if isinstance(value, str) else None
