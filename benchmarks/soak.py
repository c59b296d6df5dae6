"""Try to break edgetext: hostile texts, endless streams, damaged files, sudden ends, long and shared use.

The usual calls:

    python benchmarks/soak.py                                      # everything, about half an hour; Linux
    python benchmarks/soak.py --part bundles --part kills --json soak.json
    python benchmarks/soak.py --quick                              # a little of everything, as the tests do

Each promise is tried so many times; a time that it does not hold is a failure, and described. What is random is drawn
from --seed. Everything happens in $TMPDIR, on copies.

Exit codes: 0, 1 when a promise did not hold, 2 for a mistake.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, records

PARTS = ("texts", "streams", "bundles", "archives", "kills", "programs")


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; may be repeated (default: all)")
    parser.add_argument("--quick", action="store_true", help="a little of everything, in two minutes")
    parser.add_argument("--seed", metavar="S", type=common.at_least(0), default=0, help="(default: %(default)s)")
    common.add_json_argument(parser)
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Do the parts, and give the content of the results file.

    Raises:
        common.BenchmarkError: Something that is needed is not there.
        OSError: There is no place for the copies.
        ModuleNotFoundError: A package is not installed.
    """
    rows = []
    for part in args.part or PARTS:
        started = time.perf_counter()
        common.show(f"{part} ...", args.json)
        # The parts try every stage, as tests do, and lie with them.
        outcomes = list(importlib.import_module(f"tests.soaking.{part}").run(args.quick, args.seed))
        rows += [outcome.as_row(part) for outcome in outcomes]
        common.show(f"{part}: {time.perf_counter() - started:.0f} s", args.json)
    return {
        "kind": "soak",
        "command": str(command),
        "environment": records.environment(),
        "quick": args.quick,
        "seed": args.seed,
        "rows": rows,
    }


def cells(results: dict[str, Any]) -> list[list[str]]:
    """Turn the results into the cells of a table, its head first."""
    lines = [["what holds", "tried", "failed", "measured"]]
    for row in results["rows"]:
        lines.append([row["promise"], f"{row['tried']:,} {row['unit']}", f"{row['failed']:,}", row["measured"]])
    return lines


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people, with the first failures below."""
    head, *rows = cells(results)
    failures = [f"failed: {row['promise']}: {failure}" for row in results["rows"] for failure in row["failures"]]
    return "\n".join([common.format_table(head, rows), *failures])


def after(args: argparse.Namespace, results: dict[str, Any]) -> int:
    """Give the exit code."""
    return 1 if any(row["failed"] for row in results["rows"]) else 0


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return records.run("soak", argv, parse, measure, table, after)


if __name__ == "__main__":
    sys.exit(main())
