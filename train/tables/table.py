"""A table of labelled text, read row by row: CSV, TSV, JSON lines or Parquet, by the file's name.

A row that cannot be used is not an error: it is returned with the kind of its fault. ``DataError`` is raised when the
whole file cannot be used. Rows are numbered by the line on which they begin, counted from 1 with the header; in
Parquet, which has no lines, by the row.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from train.dataset import DataError
from train.tables import delimited, json_lines, parquet
from train.tables.columns import Columns, as_label, as_text
from train.tables.lines import BAD


class Row(NamedTuple):
    """A row of a table."""

    line: int
    label: str = ""  # as columns.as_label returns it; known of most rows that cannot be used, too
    text: str = ""  # several columns are joined by a space
    fault: str = ""  # why it cannot be used, one of report.KINDS
    collapsed: bool = False  # whether the label has other white space inside in the file


class Table(NamedTuple):
    """A file, and how to read it; see ``TableOptions``."""

    path: Path
    encoding: str = "utf-8"
    delimiter: str | None = None

    @property
    def is_csv(self) -> bool:
        """Whether the delimiter is used."""
        return _ending(self.path) == ".csv"

    @property
    def unit(self) -> str:
        """What the numbers of rows count: ``"line"`` or ``"row"``."""
        return "row" if _ending(self.path) == ".parquet" else "line"

    def columns(self) -> list[str]:
        """Return the names of the columns, in their order.

        Raises:
            DataError: If the file cannot be read, is in none of the formats, is empty, or has two columns of the same
                name.
        """
        names: list[str] = _format(self).columns(*self)
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
        """Yield the rows, usable or not; blank lines are skipped.

        Raises:
            DataError: If the file cannot be read to its end.
        """
        for line, values in _format(self).values(*self, [columns.label, *columns.texts]):
            if isinstance(values, str):
                yield Row(line, fault=values)
            else:
                label, label_fault = as_label(values[0])
                text, text_fault = as_text(values[1:])
                collapsed = isinstance(values[0], str) and values[0].strip() != label
                yield Row(line, label, text, label_fault or text_fault, collapsed)


# The modules by the ending of the name. Each has ``columns`` and ``values``, which yields the number of each row, and
# its values or the kind of its fault; both take path, encoding and delimiter.
FORMATS = {".csv": delimited, ".tsv": delimited, ".jsonl": json_lines, ".ndjson": json_lines, ".parquet": parquet}
ENDINGS = ".csv, .tsv, .jsonl or .ndjson, each optionally followed by .gz, or .parquet"


def is_table(path: str | Path) -> bool:
    """Return whether the name of a file ends like a table's."""
    return _ending(Path(path)) in FORMATS


def stem(path: Path) -> str:
    """Return the name of a table without its endings: ``tickets`` for ``tickets.csv.gz``."""
    return Path(path.name[:-3] if path.name.lower().endswith(".gz") else path.name).stem


def _ending(path: Path) -> str:
    """Return the ending that names the format, in lower case, without ``.gz``."""
    name = path.name.lower()
    return "" if name.endswith(".parquet.gz") else Path(name.removesuffix(".gz")).suffix


def _format(table: Table) -> ModuleType:
    try:
        return FORMATS[_ending(table.path)]
    except KeyError:
        raise DataError(f"{table.path}: the name must end in {ENDINGS}") from None
