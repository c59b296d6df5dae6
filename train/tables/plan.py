"""What will be read and how it will be divided, found out from the options and the names of the columns alone."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from train.dataset import DataError
from train.tables.columns import Columns, choose_columns
from train.tables.options import TableOptions
from train.tables.table import ENDINGS, Table, is_table

# How a split is taken: from a file, as a number of rows, as a fraction of the rows, or not at all.
Part = Path | int | float | None


class TablePlan(NamedTuple):
    """How a table is read and divided.

    Attributes:
        options: What was asked for.
        tables: The files by split: ``"train"``, and those that have a file of their own.
        validation: What to validate on.
        test: What to test on.
        columns: The columns of text and label.
    """

    options: TableOptions
    tables: dict[str, Table]
    validation: Part
    test: Part
    columns: Columns


def make_plan(options: TableOptions) -> TablePlan:
    """Find out how a table is read and divided; only the names of the columns are read.

    Raises:
        DataError: If a file cannot be read, or an option or a column is missing or wrong.
    """
    validation, test = parse_part("--validation", options.validation), parse_part("--test", options.test)
    tables = {"train": Table(options.data, options.encoding, options.delimiter)}
    for split, part in (("validation", validation), ("test", test)):
        if isinstance(part, Path):
            tables[split] = tables["train"]._replace(path=part)
    _check_tables(list(tables.values()))
    names = tables["train"].columns()
    columns = choose_columns(options.data, names, options.text_columns, options.label_column)
    for table in list(tables.values())[1:]:
        check_columns(table, columns)
    return TablePlan(options, tables, validation, test, columns)


def parse_part(option: str, value: str | None) -> Part:
    """Parse the value of ``--validation`` or ``--test``.

    Raises:
        DataError: If it is neither a file, a number of rows nor a fraction.
    """
    if value is None or is_table(value):
        return None if value is None else Path(value)
    if value.isascii() and value.isdigit() and int(value):
        return int(value)
    try:
        fraction = float(value)
    except ValueError:
        fraction = 0
    if 0 < fraction < 1:
        return fraction
    none = ", or none" if option == "--test" else ""
    raise DataError(
        f"{option} {value}: must be a file ({ENDINGS}), a fraction between 0 and 1, or a number of rows{none}"
    )


def _check_tables(tables: list[Table]) -> None:
    """Raise DataError if files share a name, so that their rows could not be identified, or a delimiter is unused."""
    delimiter, names = tables[0].delimiter, [table.path.name for table in tables]
    if len(set(names)) < len(names):
        raise DataError(f"the files to train, validate and test on must have different names, not {', '.join(names)}")
    if delimiter is not None and not any(table.is_csv for table in tables):
        raise DataError(f"--delimiter is for .csv files, not for {names[0]}")


def check_columns(table: Table, columns: Columns) -> None:
    """Check that a file has the columns.

    Raises:
        DataError: If it lacks one, or cannot be read.
    """
    present = table.columns()
    if lacking := [name for name in [*columns.texts, columns.label] if name not in present]:
        raise DataError(
            f"{table.path}: no column is called {lacking[0]!r}; the columns are {', '.join(map(repr, present))}"
        )
