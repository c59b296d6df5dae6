"""Write the rows of a split of a table as JSON lines.

Examples:
  python -m train.texts --data tickets.csv --text-column body --label-column queue > test.jsonl
  python -m train.texts --data tickets.csv --run runs/tickets > test.jsonl       what that run held out
  python -m train.texts --data newer.csv --run runs/tickets > test.jsonl         all rows of another file

A file is another one if its checksum is: it is not searched for rows that the run was fitted on.

A line of the output is {"id": "tickets.csv:17", "label": "billing", "text": "..."}; 17 is the line on which the row
begins, or the number of the row in a Parquet file. A row with probabilities has no label, and
"probabilities": {"billing": 0.9, "other": 0.1}.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edgetext.command import OK
from edgetext.command.arguments.parser import Parser, refuse_empty
from train.command import finish
from train.dataset import DataError
from train.tables.options import add_table_arguments, find_given, make_options


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    parser = Parser(
        prog="python -m train.texts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    refuse_empty(parser, Path)
    parser.add_argument("--data", metavar="FILE", type=Path, required=True, help="the table")
    parser.add_argument(
        "--split",
        choices=("train", "validation", "test"),
        default="test",
        help="which texts to write (default: %(default)s)",
    )
    parser.add_argument(
        "--run", metavar="DIR", type=Path, help="read and divide as this run did; another file is not divided"
    )
    add_table_arguments(parser)
    args = parser.parse_args(argv)
    return finish(lambda: write(args), extra="train", output_only=True)


def write(args: argparse.Namespace) -> int:
    """Write the texts that the command line asks for to standard output, and the problems found to standard error.

    Raises:
        DataError: If the texts cannot be read, or there are none.
    """
    from train.tables.dataset import read_table  # numpy may be missing
    from train.tables.recorded import read_for_run, read_recorded
    from train.tables.report import ReportedError

    try:
        if args.run is None:
            dataset = read_table(make_options(args, args.data))
        else:
            dataset = read_for_run(read_recorded(args.run, args.data, find_given(args)), args.split)
    except ReportedError as error:
        for finding in error.findings:
            print(finding, file=sys.stderr)
        raise
    if not dataset.counts[args.split]:
        raise DataError(f"{args.data}: there are no rows for {args.split}")
    for line in dataset.notes():
        print(line, file=sys.stderr)
    for text in dataset.texts(args.split):
        record = text._asdict()
        if text.probabilities is None:
            del record["probabilities"]
        else:
            record |= {"label": None, "probabilities": dict(zip(dataset.labels, text.probabilities))}
        sys.stdout.buffer.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
    return OK


if __name__ == "__main__":
    sys.exit(main())
