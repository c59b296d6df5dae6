"""The options for your own table: where it is, and how it is read and divided."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from edgetext.keras_imdb import KERAS_IMDB
from edgetext.tables.dialect import CSV, TSV, Dialect
from edgetext.tables.options import OF_COLUMNS, add_dialect_arguments, make_dialect, show_option
from edgetext.text import RuleSet
from train.dataset import DataError
from train.tables.columns import Columns, choose_columns, join_words
from train.tables.table import ENDINGS, Inspection, Table, is_table

MAX_VALIDATION = 10_000  # texts that a fraction takes: they are in memory together, and more would add little
# How a split is taken: from a file, as a number of rows, as a fraction of the rows, or not at all.
Part = Path | int | float | None


@dataclass(frozen=True)
class TableOptions:
    """How to read and divide a table; ``add_table_arguments`` describes the options."""

    data: Path
    text_columns: tuple[str, ...] = ()  # joined by a space; empty to guess
    label_column: str | None = None  # None to guess
    validation: str = "0.1"  # a file, a fraction of the rows that the test leaves, or a number of rows
    test: str | None = "0.2"  # a file, a fraction of the rows, a number of rows, or None for no test
    split_seed: int = 0
    strict: bool = False  # whether every problem found in the table is an error
    encoding: str | None = None  # None to detect, like the delimiter of CSV and the quotation mark of TSV
    delimiter: str | None = None
    rules: RuleSet = KERAS_IMDB  # how a text becomes the words that are compared
    drop_labels: tuple[str, ...] = ()  # whose rows are left out
    quote: str | None = None
    escape: str | None = None
    header: bool | None = None
    dialects: Mapping[str, Dialect] = field(default_factory=dict)  # by split, as an earlier run read its files

    @property
    def given(self) -> Dialect:
        """What the user says of how tables are written."""
        return Dialect(None, self.encoding, self.delimiter, self.quote, self.escape, self.header)


def add_table_arguments(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that every command over tables has, except ``--data``, and return their group.

    Every default is None, which shows what was given; ``make_options`` fills in the defaults.
    """
    group = parser.add_argument_group("your own text", f"with --data FILE, a table: {ENDINGS}")
    group.add_argument(
        "--text-column",
        metavar="NAME",
        action="append",
        help="column of the text; repeat it to join several, such as title and body (default: guessed by name)",
    )
    group.add_argument("--label-column", metavar="NAME", help="column of the label (default: guessed by name)")
    group.add_argument(
        "--validation",
        metavar="PART",
        help="validation rows: a FILE, a fraction of the rows that are not test rows (at most "
        f"{MAX_VALIDATION:,} rows), or a number of rows (default: {TableOptions.validation})",
    )
    group.add_argument(
        "--test",
        metavar="PART",
        help=f"test rows: a FILE, a fraction of the rows, a number of rows, or none (default: {TableOptions.test})",
    )
    group.add_argument(
        "--split-seed",
        metavar="N",
        type=int,
        help=f"seed that selects the validation and test rows (default: {TableOptions.split_seed})",
    )
    group.add_argument(
        "--drop-label",
        metavar="NAME",
        action="append",
        help="leave out the rows of this label, such as 'nan'; may be repeated",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        default=None,
        help="treat any problem, such as a row without a label, as an error instead of skipping the row",
    )
    add_dialect_arguments(group)
    return group


def find_given(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of ``TableOptions`` that a command line gives, of those that ``add_table_arguments`` added."""
    names = ("label_column", "validation", "test", "split_seed", "strict", "encoding")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.text_column:
        given["text_columns"] = tuple(args.text_column)
    if args.drop_label:
        given["drop_labels"] = tuple(map(join_words, args.drop_label))
    if args.test == "none":
        given["test"] = None
    said = make_dialect(args)._asdict()
    return given | {name: said[name] for name in OF_COLUMNS if said[name] is not None}


def make_options(args: argparse.Namespace, data: Path, rules: RuleSet = KERAS_IMDB) -> TableOptions:
    """Return the options for a table that a command line gives."""
    return TableOptions(data, rules=rules, **find_given(args))


class TablePlan(NamedTuple):
    """How a table is read and divided."""

    options: TableOptions
    tables: dict[str, Table]  # by split: "train", and those that have their own file
    validation: Part
    test: Part
    columns: Columns


def make_plan(options: TableOptions) -> TablePlan:
    """Find out how a table is read and divided; only the names of the columns are read.

    Raises:
        DataError: If a file cannot be read, or an option or a column is missing or wrong.
    """
    validation, test = parse_part("--validation", options.validation), parse_part("--test", options.test)
    paths = {"train": options.data}
    paths |= {split: part for split, part in (("validation", validation), ("test", test)) if isinstance(part, Path)}
    _check_names(list(paths.values()))
    tables = {split: _make_table(path, options, split) for split, path in paths.items()}
    _check_use(options.given, tables["train"], list(tables.values()))
    label = [] if options.label_column is None else [options.label_column]
    found = tables["train"].inspect([*options.text_columns, *label])
    columns = choose_columns(
        options.data,
        found.names,
        options.text_columns,
        options.label_column,
        with_header=found.with_header,
        is_headless=found.is_headless,
    )
    wanted = [*columns.texts, columns.label]
    others = {split: table.inspect(wanted) for split, table in tables.items() if split != "train"}
    inspected = {"train": found, **others}
    for split, inspection in inspected.items():
        check_columns(inspection, columns, split)
    tables = {split: inspection.table for split, inspection in inspected.items()}
    return TablePlan(options, tables, validation, test, columns)


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


def _check_names(paths: Sequence[Path]) -> None:
    """Raise DataError if files share a name, so that their rows could not be identified."""
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        raise DataError(f"the files to train, validate and test on must have different names, not {', '.join(names)}")


def _check_use(given: Dialect, first: Table, tables: Sequence[Table]) -> None:
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
    if lacking := [name for name in [*columns.texts, columns.label] if name not in names]:
        raise DataError(f"{path}: no column is called {lacking[0]!r}; the columns are {', '.join(map(repr, names))}")
    if columns.label in found.lists:
        raise DataError(f"{path}: {columns.label!r} holds lists: several labels per text are not supported")
    if found.is_empty:
        raise DataError(f"{path}: no row is left" + (f" for the {split}" if split != "train" else ""))
