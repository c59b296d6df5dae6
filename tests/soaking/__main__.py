"""Try to break edgetext: hostile texts, endless streams, damaged files, kills, long and shared use.

Usage:

    python -m tests.soaking                                          # everything, about half an hour; Linux
    python -m tests.soaking --part bundles --part kills --json soak.json
    python -m tests.soaking --quick                                  # a little of everything, about two minutes

Each promise is tried many times; each time it does not hold is counted as a failure and described. Random choices are
drawn from --seed. Everything happens on copies in $TMPDIR.

Exit codes: 0, 1 if a promise did not hold, 2 for a mistake.
"""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
import time
from collections.abc import Sequence

from benchmarks.measuring.results import environment
from tests.soaking import Outcome, SoakError, natural, write_results

PARTS = ("texts", "streams", "bundles", "archives", "kills", "programs", "library")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soaking", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a little of everything, about two minutes")
    parser.add_argument("--seed", metavar="S", type=natural, default=0, help="(default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="also write the results to this file")
    return parser.parse_args(argv)


def show(found: Outcome) -> None:
    """Print an outcome."""
    measured = f" ({found.measured})" if found.measured else ""
    print(f"  {found.failed:,} of {found.tried:,} {found.unit} failed: {found.promise}{measured}", flush=True)
    for failure in found.failures:
        print(f"    failed: {failure}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command described in the module's docstring."""
    arguments = sys.argv[1:] if argv is None else argv
    args = parse(arguments)
    rows = []
    try:
        for part in args.part or PARTS:
            started = time.perf_counter()
            print(f"{part} ...", flush=True)
            for found in importlib.import_module(f"tests.soaking.{part}").run(args.quick, args.seed):
                show(found)
                rows.append(found.as_row(part))
            print(f"{part}: {time.perf_counter() - started:.0f} s", flush=True)
        results = {"command": shlex.join(["python", "-m", "tests.soaking", *arguments]), "environment": environment()}
        write_results(args.json, {"kind": "soak", **results, "quick": args.quick, "seed": args.seed, "rows": rows})
    except (SoakError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 1 if any(row["failed"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
