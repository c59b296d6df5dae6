"""Report on a bundle as exported: one HTML file with figures, plots, mistakes and likely label errors.

Usage:

    python benchmarks/report_card.py --model bundles/tickets --run runs/tickets --data tickets.csv --out report.html
    python benchmarks/report_card.py --model bundles/tickets --run runs/tickets --data tickets.csv --suspects rows.csv
    python benchmarks/report_card.py               # the shipped bundle; what needs texts is left out

The second also writes the rows that the model was trained on as CSV, the most suspicious labels first, with their
lines in the table, so that a person can go through them.

Texts that the run held out are scored with each model file, in its engine. Label errors and copies are looked for in
those rows. The file needs no other files and no network; it prints well.

Exit codes: 0; 2 for a mistake.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command
from benchmarks.measuring.results import BenchmarkError
from benchmarks.measuring.text_files import add_reading_arguments
from edgetext import Bundle
from edgetext.command.arguments.parser import Parser, refuse_empty

DEFAULT_OUT = "report.html"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="DIR", help="the bundle (default: the one that ships with edgetext)")
    run = command.ROOT / "train" / "default"
    parser.add_argument("--run", metavar="DIR", type=Path, default=run, help="its run (default: train/default)")
    data = "the table that the run was trained on, or the reviews' archive or folder; or another labelled table"
    parser.add_argument("--data", metavar="PATH", help=data)
    out = "the file to write (default: %(default)s)"
    parser.add_argument("--out", metavar="FILE.html", type=Path, default=Path(DEFAULT_OUT), help=out)
    parser.add_argument("--suspects", metavar="FILE.csv", type=Path, help="also write a table of suspicious rows")
    add_reading_arguments(parser)
    refuse_empty(parser, Path, None)
    return parser


def check_out(out: Path) -> None:
    """Raise BenchmarkError if a report cannot be written there, before long work is done for it."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise BenchmarkError(f"{out}: the name of a report must end in .html")
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise BenchmarkError(f"{out}: {'that is a folder' if out.is_dir() else 'there is no such folder'}")


def check_new(path: Path) -> None:
    """Raise BenchmarkError unless a table can be made at ``path`` without replacing one."""
    if path.suffix.lower() != ".csv":
        raise BenchmarkError(f"{path}: the name of the table of suspicious rows must end in .csv")
    if path.exists():
        raise BenchmarkError(f"{path}: the file exists, and may have notes in it: name another one")


def write_report(args: argparse.Namespace) -> int:
    """Write the report that the command line asks for, and return the exit code.

    Raises:
        edgetext.EdgetextError: If something that the user gave cannot be used.
        OSError: If a file cannot be written.
    """
    check_out(args.out)
    if args.suspects is not None:
        check_new(args.suspects)
    bundle = Bundle.open(args.model)
    bundle.verify()
    from export.bundle_folder import check_origin

    check_origin(bundle, args.run)  # before TensorFlow is imported, which takes seconds
    from train.tensorflow_setup import import_tensorflow

    import_tensorflow()  # with our settings, before another module imports it without them
    from benchmarks.reporting.content import gather
    from benchmarks.reporting.page import render
    from benchmarks.reporting.sources import Missing
    from benchmarks.reporting.suspicion import write_suspects
    from train.run import load_run

    content = gather(args, bundle, load_run(args.run))
    suspects = content["suspects"]
    if args.suspects is not None:
        if isinstance(suspects, Missing):
            raise BenchmarkError(f"--suspects {suspects.reason}")
        write_suspects(args.suspects, suspects)
        print(f"wrote {args.suspects}: {len(suspects):,} rows, the most suspicious first")
    args.out.write_text(render(content), encoding="utf-8", errors="replace")
    print(f"wrote {args.out}: open it in a browser")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    args = make_parser().parse_args(argv)
    return command.finish(lambda: write_report(args))


if __name__ == "__main__":
    sys.exit(main())
