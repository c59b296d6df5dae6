"""The options for your own table: where it is, and how it is read and divided."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgetext.keras_imdb import KERAS_IMDB
from edgetext.tables.dialect import Dialect
from edgetext.tables.options import OF_COLUMNS, add_dialect_arguments, make_dialect
from edgetext.text import RuleSet
from train.tables.columns import join_words
from train.tables.table import ENDINGS

MAX_VALIDATION = 10_000  # texts that a fraction takes: they are in memory together, and more would add little


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
    probabilities: tuple[str, ...] = ()  # columns of the labels' probabilities, or "answer,confidence"
    # Files of texts without labels; None to leave out the rows of the table that have no label, too.
    unlabelled: tuple[Path, ...] | None = None

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
        "--probabilities",
        metavar="COLUMN",
        nargs="+",
        help="columns of the labels' probabilities for rows without a label: one for each label, whose name ends with "
        "it; one of JSON objects such as {" + '"a": 0.9, "b": 0.1' + "}; one for the second of two labels; or "
        "ANSWER,CONFIDENCE, a column of labels and one of their probabilities",
    )
    group.add_argument(
        "--validation",
        metavar="PART",
        help="validation rows: a FILE, a fraction of the rows that are not test rows (at most "
        f"{MAX_VALIDATION:,} rows), or a number of rows (default: {TableOptions.validation}; of few rows none)",
    )
    group.add_argument(
        "--test",
        metavar="PART",
        help=f"test rows: a FILE, a fraction of the rows, a number of rows, or none (default: "
        f"{TableOptions.test}; of few rows none)",
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
    if args.probabilities:
        given["probabilities"] = tuple(args.probabilities)
    if args.drop_label:
        given["drop_labels"] = tuple(map(join_words, args.drop_label))
    if args.test == "none":
        given["test"] = None
    said = make_dialect(args)._asdict()
    return given | {name: said[name] for name in OF_COLUMNS if said[name] is not None}


def make_options(
    args: argparse.Namespace,
    data: Path,
    rules: RuleSet = KERAS_IMDB,
    unlabelled: tuple[Path, ...] | None = None,
) -> TableOptions:
    """Return the options for a table that a command line gives."""
    return TableOptions(data, rules=rules, unlabelled=unlabelled, **find_given(args))
