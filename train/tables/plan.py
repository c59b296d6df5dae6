"""How a table is read and divided: the options, checked against the names of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edgetext.tables.dialect import CSV, FASTTEXT, TSV, Dialect
from edgetext.tables.options import OF_COLUMNS, show_option
from train.dataset import UNLABELLED, DataError
from train.tables.columns import Columns, choose_columns, choose_text_columns
from train.tables.options import TableOptions
from train.tables.report import NOTHING_LEFT
from train.tables.table import ENDINGS, Inspection, Table, is_table, open_texts

# How a split is taken: from a file, as a number of rows, as a fraction of the rows, or not at all.
Part = Path | int | float | None


class TablePlan(NamedTuple):
    """How a table is read and divided."""

    options: TableOptions
    tables: dict[str, Table]  # by split: "train", and those that have their own file
    validation: Part
    test: Part
    columns: Columns
    columns_of: dict[str, Columns]  # by split: those that its file has
    unlabelled: tuple[tuple[Table, Columns], ...] = ()


def make_plan(options: TableOptions) -> TablePlan:
    """Find out how a table is read and divided; only the names of the columns are read.

    Raises:
        DataError: If a file cannot be read, or an option or a column is missing or wrong.
    """
    validation, test = parse_part("--validation", options.validation), parse_part("--test", options.test)
    paths = {"train": options.data}
    paths |= {split: part for split, part in (("validation", validation), ("test", test)) if isinstance(part, Path)}
    _check_names(list(paths.values()), options.unlabelled or ())
    tables = {split: _make_table(path, options, split) for split, path in paths.items()}
    check_use(options.given, tables["train"], [*tables.values(), *map(open_texts, options.unlabelled or ())])
    label = [] if options.label_column is None else [options.label_column]
    found = tables["train"].inspect([*options.text_columns, *label])
    columns = choose_columns(
        options.data,
        found.names,
        options.text_columns,
        options.label_column,
        options.probabilities,
        with_header=found.with_header,
        is_headless=found.is_headless,
    )
    others = {split: table.inspect(columns.all) for split, table in tables.items() if split != "train"}
    inspected = {"train": found, **others}
    for split, inspection in inspected.items():
        check_columns(inspection, columns.of(inspection.names), split)
    unlabelled = tuple(_plan_unlabelled(path, options, columns) for path in options.unlabelled or ())
    return TablePlan(
        options,
        {split: inspection.table for split, inspection in inspected.items()},
        validation,
        test,
        columns,
        {split: columns.of(inspection.names) for split, inspection in inspected.items()},
        unlabelled,
    )


def _plan_unlabelled(path: Path, options: TableOptions, columns: Columns) -> tuple[Table, Columns]:
    """Find out how a file of unlabelled texts is read."""
    found = open_texts(path).written_as(options.given).inspect(columns.texts)
    chosen = choose_text_columns(path, found.names, columns.texts, is_headless=found.is_headless)
    check_columns(found, chosen, UNLABELLED)
    if set(columns.probabilities) & set(found.names):
        raise DataError(f"{path}: --probabilities is for the table of --data: put the rows that have them there")
    table = found.table
    if is_table(path) and (columns.label in found.names or table.format == FASTTEXT):
        table = table._replace(notes=(*table.notes, "labels, which are ignored"))
    return table, chosen


def _make_table(path: Path, options: TableOptions, split: str) -> Table:
    dialect = options.dialects.get(split)
    return Table(path).written_as(options.given) if dialect is None else Table(path, dialect)


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


def _check_names(paths: Sequence[Path], unlabelled: Sequence[Path]) -> None:
    """Raise DataError if files share a name, so that their rows could not be identified."""
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        raise DataError(f"the files to train, validate and test on must have different names, not {', '.join(names)}")
    for place, path in enumerate(unlabelled):
        if path.name in [*names, *(other.name for other in unlabelled[:place])]:
            raise DataError(f"--unlabelled {path}: another file of this training has that name too")


def check_use(given: Dialect, first: Table, tables: Sequence[Table]) -> None:
    """Raise DataError if no file uses an option that says how tables are written."""
    formats = {table.format for table in tables}
    if given.delimiter is not None and CSV not in formats:
        raise DataError(f"--delimiter is for .csv files, not for {first.path.name}")
    used = [name for name in OF_COLUMNS if getattr(given, name) is not None]
    if used and not formats & {CSV, TSV}:
        raise DataError(f"{show_option(used[0])} is for .csv and .tsv files, not for {first.path.name}")


def check_columns(found: Inspection, columns: Columns, split: str) -> None:
    """Raise DataError if a file lacks one of the columns, has lists of labels, or no row."""
    path, names = found.table.path, found.names
    if lacking := [name for name in columns.all if name not in names]:
        raise DataError(f"{path}: no column is called {lacking[0]!r}; the columns are {', '.join(map(repr, names))}")
    if columns.label in found.lists:
        raise DataError(f"{path}: {columns.label!r} holds lists: several labels per text are not supported")
    if found.is_empty:
        raise DataError(f"{path}: {NOTHING_LEFT[split]}")
