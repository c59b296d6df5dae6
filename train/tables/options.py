"""The options for your own table: where it is, and how it is read and divided."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.tables.table import ENDINGS

# The most texts that a fraction takes for validation: they are in memory together, and more would add little.
MAX_VALIDATION = 10_000


@dataclass(frozen=True)
class TableOptions:
    """How to read and divide a table.

    Attributes:
        data: The table to train on.
        text_columns: The columns of the text, joined by a space; empty to guess.
        label_column: The column of the label; None to guess.
        validation: What to validate on: a file, a fraction of the rows that the test leaves, or a number of rows.
        test: What to test on: a file, a fraction of the rows, a number of rows, or None for no test.
        split_seed: Draws other rows for each value.
        strict: Whether every problem found in the table is an error.
        encoding: Encoding of text files.
        delimiter: Between the columns of CSV; None for a comma.
        lowercase: How words are compared, as for ``edgetext.text.tokenize``.
    """

    data: Path
    text_columns: tuple[str, ...] = ()
    label_column: str | None = None
    validation: str = "0.1"
    test: str | None = "0.2"
    split_seed: int = 0
    strict: bool = False
    encoding: str = "utf-8"
    delimiter: str | None = None
    lowercase: str = "ascii"


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
        help="what to validate on: a FILE, a fraction of the rows left by the test (at most "
        f"{MAX_VALIDATION:,} rows), or a number of rows (default: {TableOptions.validation})",
    )
    group.add_argument(
        "--test",
        metavar="PART",
        help="what to test on: a FILE, a fraction of the rows, a number of rows, or none "
        f"(default: {TableOptions.test})",
    )
    group.add_argument(
        "--split-seed",
        metavar="N",
        type=int,
        help=f"draw other rows to validate and test on (default: {TableOptions.split_seed})",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        default=None,
        help="stop at any problem, such as rows without a label, instead of leaving the rows out",
    )
    group.add_argument("--encoding", metavar="NAME", help=f"encoding of text files (default: {TableOptions.encoding})")
    group.add_argument("--delimiter", metavar="C", help="between CSV columns; 'tab' for a tab (default: comma)")
    return group


def find_given(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of ``TableOptions`` that a command line gives, of those that ``add_table_arguments`` added."""
    names = ("label_column", "validation", "test", "split_seed", "strict", "encoding", "delimiter")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.text_column:
        given["text_columns"] = tuple(args.text_column)
    if args.test == "none":
        given["test"] = None
    if args.delimiter == "tab":
        given["delimiter"] = "\t"
    return given


def make_options(args: argparse.Namespace, data: Path, lowercase: str = TableOptions.lowercase) -> TableOptions:
    """Return the options for a table that a command line gives."""
    return TableOptions(data, lowercase=lowercase, **find_given(args))
