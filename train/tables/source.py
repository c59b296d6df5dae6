"""Where texts of one's own are, and how they are to be read and divided: the options of the command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from train.tables.table import ENDINGS

# A fraction gives at most so many texts to validate: they are in memory together, and more would tell little more.
MAX_VALIDATION = 10_000


@dataclass(frozen=True)
class Source:
    """Where texts are, and how to read and divide them.

    Attributes:
        data: The file to train on.
        text_columns: The columns of the text, which are joined by a space; none to guess.
        label_column: The column of the label; None to guess.
        validation: Which texts validate: a file, a fraction of the rows that the test leaves, or a count of rows.
        test: Which texts test: a file, a fraction of the rows, a count, or None for no test.
        split_seed: Another one draws other rows.
        strict: Whether all that is found and should be known is an error.
        encoding: Of files of lines.
        delimiter: Between the columns of CSV; None for a comma.
        lowercase: How words are folded where they are compared, as for ``edgetext.text.tokenize``.
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


def add_arguments(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that every command over texts of one's own has, but ``--data``; give their group.

    The default of each is None, so that it can be told what was given; ``make_source`` fills in what they mean.
    """
    group = parser.add_argument_group("texts of your own", f"for --data FILE, a table: {ENDINGS}")
    group.add_argument(
        "--text-column",
        metavar="NAME",
        action="append",
        help="the column of the text; repeat it to join several, such as title and body (default: guessed by name)",
    )
    group.add_argument("--label-column", metavar="NAME", help="the column of the label (default: guessed by name)")
    group.add_argument(
        "--validation",
        metavar="PART",
        help="what to validate on: a FILE, a fraction of the rows that the test leaves (of which at most "
        f"{MAX_VALIDATION:,} are taken), or a count of rows (default: {Source.validation})",
    )
    group.add_argument(
        "--test",
        metavar="PART",
        help=f"what to test on: a FILE, a fraction of the rows, a count of rows, or none (default: {Source.test})",
    )
    group.add_argument(
        "--split-seed",
        metavar="N",
        type=int,
        help=f"draw other rows to validate and test (default: {Source.split_seed})",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        default=None,
        help="stop at whatever is found, such as rows without a label, instead of leaving it out",
    )
    group.add_argument("--encoding", metavar="NAME", help=f"the files' encoding (default: {Source.encoding})")
    group.add_argument("--delimiter", metavar="C", help="between CSV columns; 'tab' for a tab (default: comma)")
    return group


def make_source(args: argparse.Namespace, data: Path, lowercase: str = Source.lowercase) -> Source:
    """Make a source of the options that ``add_arguments`` added.

    Args:
        args: The parsed command line.
        data: The file to train on.
        lowercase: As for ``Source``.
    """
    names = ("label_column", "validation", "split_seed", "strict", "encoding")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    test = Source.test if args.test is None else args.test
    return Source(
        data,
        tuple(args.text_column or ()),
        test=None if test == "none" else test,
        delimiter="\t" if args.delimiter == "tab" else args.delimiter,
        lowercase=lowercase,
        **given,
    )
