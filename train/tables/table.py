"""A table of labelled text, read row by row: CSV, TSV, JSON, lines of fastText or Parquet.

A row that cannot be used is not an error: it is returned with the kind of its fault. ``DataError`` is raised when the
whole file cannot be used. Rows are numbered by the line on which they begin, counted from 1 with the header; in
Parquet, which has no lines, by the row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgetext.tables import dialect
from edgetext.tables.dialect import CSV, FASTTEXT, SEPARATORS, TSV, Dialect
from edgetext.tables.source import GZIP_MARK
from train.dataset import DataError
from train.tables import parquet
from train.tables.columns import Columns, as_label, as_text
from train.tables.report import NO_LABEL
from train.tables.text_file import check_file, is_fasttext, open_reader, read_start, read_values


class Row(NamedTuple):
    """A row of a table."""

    line: int
    label: str = ""  # as columns.as_label returns it; known of most rows that cannot be used, too
    text: str = ""  # several columns are joined by a space
    fault: str = ""  # why it cannot be used, one of report.KINDS; NO_LABEL if nothing but the label is missing
    collapsed: bool = False  # whether the label has other white space inside in the file
    probabilities: Sequence[Any] = ()  # the values of their columns


class Table(NamedTuple):
    """A file, and what is known of how it is written."""

    path: Path
    dialect: Dialect = Dialect()
    notes: tuple[str, ...] = ()  # what of it was detected

    @property
    def format(self) -> str:
        """The format: of the dialect, or else by the name of the file, or its first line.

        Raises:
            DataError: If it is none.
        """
        found = self.dialect.format or FORMATS.get(_ending(self.path)) or (FASTTEXT if is_fasttext(self.path) else "")
        if not found:
            raise DataError(refuse(self.path))
        return found

    @property
    def unit(self) -> str:
        """What the numbers of rows count: ``"line"`` or ``"row"``."""
        return "row" if self.format == PARQUET else "line"

    def written_as(self, given: Dialect) -> Table:
        """Return the table with what the user says of how tables are written, as far as its format has it."""
        if self.format in (CSV, TSV):
            delimiter = given.delimiter if self.format == CSV else None
            return self._replace(dialect=given._replace(format=self.format, delimiter=delimiter))
        return self._replace(dialect=Dialect(self.format, given.encoding if self.format != PARQUET else None))

    def inspect(self, columns: Collection[str] = ()) -> Inspection:
        """Read the names of the columns, and complete the dialect; ``columns`` are those that the table must have.

        Raises:
            DataError: If the file cannot be read, is in none of the formats, is empty, or has two columns of the same
                name.
        """
        check_file(self.path)
        if self.format == PARQUET:
            names, rows = parquet.read_columns(self.path)
            found = Inspection(self._replace(dialect=Dialect(PARQUET)), names, rows == 0)
        else:
            start = read_start(self.path, self.dialect._replace(format=self.format), columns)
            is_plain = self.format == FASTTEXT and not is_fasttext(self.path)
            notes = start.notes if not is_plain else (*start.notes[:-1], "a text in each line")
            table = self._replace(dialect=start.dialect, notes=notes)
            found = Inspection(table, start.names, start.is_empty, start.is_headless, start.lists)
        names = found.names
        if not names:
            raise DataError(f"{self.path}: the file is empty")
        if len(names) == 1 and found.table.format in (CSV, TSV):
            self._check_separator(found)
        if twice := [name for name in names if name and names.count(name) > 1]:
            fix = "; --no-header if the first line is a row" if found.with_header else ""
            raise DataError(f"{self.path}: more than one column is called {twice[0]!r}{fix}")
        return found

    def _check_separator(self, found: Inspection) -> None:
        """Raise DataError if the only column seems to be several ones."""
        (name,) = found.names
        marks = [shown for mark, shown in SEPARATORS.items() if mark in name]
        if marks and found.with_header:
            fix = "is it CSV?" if found.table.format == TSV else f"separate columns with --delimiter {marks[0]}"
            raise DataError(f"{self.path}: the header is one column, {name!r}: {fix}")

    def rows(self, columns: Columns) -> Iterator[Row]:
        """Yield the rows, usable or not; blank lines are skipped.

        Raises:
            DataError: If the file cannot be read to its end.
        """
        names = [columns.label, *columns.texts, *columns.probabilities]
        end = 1 + len(columns.texts)
        if self.format == PARQUET:
            found: Iterator[tuple[int, list[Any] | str]] = parquet.read_values(self.path, names, columns.texts)
        else:
            found = read_values(self.path, self.dialect._replace(format=self.format), names)
        for line, values in found:
            if isinstance(values, str):
                yield Row(line, fault=values)
            else:
                label, label_fault = as_label(values[0])
                text, text_fault = as_text(values[1:end])
                collapsed = isinstance(values[0], str) and values[0].strip() != label
                faults = (text_fault, label_fault) if label_fault == NO_LABEL else (label_fault, text_fault)
                yield Row(line, label, text, faults[0] or faults[1], collapsed, tuple(values[end:]))

    def explain(self, kind: str) -> str:
        """Return what the report of a kind of fault says about this file: its encoding, and options to try."""
        if self.format == PARQUET:
            return "utf-8"
        if kind not in ("encoding", "quotes", "ragged"):
            return ""
        with open_reader(self.path, self.dialect._replace(format=self.format)) as reader:
            if kind == "encoding":
                return f"{reader.encoding} (--encoding names another, such as {reader.propose_encoding()})"
            options = reader.propose_quoting()
            return f" (try {options})" if options else ""


class Inspection(NamedTuple):
    """What the header and the first rows of a table say."""

    table: Table  # its dialect is complete
    names: list[str]  # of the columns, in their order
    is_empty: bool = False  # whether no row follows
    is_headless: bool = False  # whether the header seems to be a row
    lists: Sequence[str] = ()  # the columns that hold lists

    @property
    def with_header(self) -> bool:
        """Whether the names are those of a header, which may be a row by mistake."""
        return bool(self.table.dialect.header)


PARQUET = "parquet"
# The formats by the ending of the name; lines of fastText are recognised by their content.
FORMATS = {**dialect.ENDINGS, ".parquet": PARQUET}
WORKBOOKS = (".xlsx", ".xls", ".ods")
ENDINGS = ".csv, .tsv, .json, .jsonl or .ndjson, each optionally followed by .gz, or .parquet"


def is_table(path: str | Path) -> bool:
    """Return whether the name of a file ends like a table's, or it has lines of fastText."""
    return _ending(Path(path)) in FORMATS or is_fasttext(Path(path))


def open_texts(path: Path) -> Table:
    """Return a file of unlabelled texts: a table, or else lines of text, read as fastText's without labels."""
    is_lines = not is_table(path) and path.suffix.lower() not in WORKBOOKS
    return Table(path, Dialect(FASTTEXT) if is_lines else Dialect())


def is_archive(path: Path) -> bool:
    """Return whether a file is compressed, like the archive of the movie reviews."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(GZIP_MARK)) == GZIP_MARK
    except OSError:
        return False


def refuse(path: Path) -> str:
    """Return why a file is not a table, and how to fix it."""
    if not path.exists():
        return f"{path}: No such file or directory"
    if path.suffix.lower() in WORKBOOKS:
        return f"{path}: workbooks are not read: save the sheet as CSV"
    return f"{path}: not a table: the name must end in {ENDINGS}, or the lines begin with __label__"


def stem(path: Path) -> str:
    """Return the name of a table without its endings: ``tickets`` for ``tickets.csv.gz``."""
    return Path(path.name[:-3] if path.name.lower().endswith(".gz") else path.name).stem


def _ending(path: Path) -> str:
    """Return the ending that names the format, in lower case, without ``.gz``."""
    return "" if path.name.lower().endswith(".parquet.gz") else dialect.ending(path.name)
