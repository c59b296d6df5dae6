"""Choose which unlabelled texts to label next: those that a model is unsure of, and that are unlike each other.

Examples:
  python -m train.suggest --run runs/tickets --unlabelled rest.csv --count 100 --out to_label.csv
  python -m train.suggest --run runs/tickets --unlabelled tickets.csv --out to_label.csv    its rows without a label
  python -m train.suggest --run runs/tickets --unlabelled rest.txt --data more.csv --out to_label.csv

Fill in the column of the label, add the rows to the labelled table, and train again; a row that stays without a label
counts as an unlabelled text. Left out are texts that repeat others, and those that have a label: in this file, in the
tables of the run, which are expected in the same folder, or in --data.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from edgetext.command import OK
from edgetext.command.arguments.parser import Parser, refuse_empty
from edgetext.tables.options import add_dialect_arguments
from train.command import finish
from train.dataset import UNLABELLED, DataError

MOST = 1_000  # texts at a time: a model that has learned from these chooses better than this one


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    parser = Parser(
        prog="python -m train.suggest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    refuse_empty(parser, Path)
    add = parser.add_argument
    add("--run", metavar="DIR", type=Path, required=True, help="the run whose model chooses")
    add("--unlabelled", metavar="FILE", type=Path, required=True, help="a table, or a file with a text in each line")
    add("--count", metavar="N", type=int, default=100, help=f"number of texts, at most {MOST:,} (default: %(default)s)")
    add("--out", metavar="FILE", type=Path, required=True, help="the .csv file to write; no file is replaced")
    add("--data", metavar="FILE", type=Path, help="the labelled table, if it is not that of the run")
    add_dialect_arguments(parser)
    args = parser.parse_args(argv)
    if not 1 <= args.count <= MOST:
        parser.error(f"--count must be from 1 to {MOST:,}, not {args.count}")
    return finish(lambda: suggest(args), extra="train", interrupted="interrupted: nothing was written")


def suggest(args: argparse.Namespace) -> int:
    """Choose the texts that the command line asks for, and write them.

    Raises:
        DataError: If the texts cannot be read, there are none, or the file to write exists.
        RunError: If there is no run, or it is damaged.
        OSError: If the file cannot be written.
    """
    with create(args.out) as file:
        from train.suggest.texts import name_columns, read_texts  # numpy may be missing
        from train.tensorflow_setup import import_tensorflow

        texts, options = read_texts(args)
        import_tensorflow()
        from train.run import load_run
        from train.suggest.choosing import choose

        chosen = choose(load_run(args.run), texts, args.count)
        *columns, label = name_columns(options)
        added = ("predicted_label", "score", texts.table.unit)
        names = [f"{name}_2" if name in (*columns, label) else name for name in added]
        writer = csv.writer(file)
        writer.writerow([*columns, label, *names])
        for found in chosen:
            # Training joins the text's columns, of which empty ones do not count.
            empty = [""] * len(columns)
            writer.writerow([found.text, *empty, found.label, f"{found.score:.4f}", found.line])
    print(
        f"wrote {args.out}: {len(chosen):,} of {texts.count(UNLABELLED)[0]:,} texts, the least certain first; next: "
        f"fill in {label!r}, add the rows to the labelled table, and train"
    )
    return OK


@contextlib.contextmanager
def create(path: Path) -> Iterator[IO[str]]:
    """Create a CSV file, at once so that it is known to be possible; it vanishes if what follows fails.

    Raises:
        DataError: If the file exists, or its name does not end in ``.csv``.
        OSError: If it cannot be written.
    """
    if path.suffix.lower() != ".csv":
        raise DataError(f"--out {path}: the name must end in .csv, by which training knows the format")
    try:
        file = path.open(
            "x", encoding="utf-8-sig", newline=""
        )  # Excel takes UTF-8 without the mark for another encoding
    except FileExistsError:
        raise DataError(f"{path}: the file exists, and may have labels in it: give --out another name") from None
    try:
        with file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
