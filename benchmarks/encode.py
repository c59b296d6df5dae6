"""Measure what turning a text into ids costs, against the least that plain Python could do with it.

The usual calls:

    python benchmarks/encode.py
    python benchmarks/encode.py --data texts.txt --max-ratio 4     # exit 1 if encoding takes over four times as long

Compared are Encoder.encode, which folds, splits, looks up, cuts and pads, and `text.translate(table).split()` with the
table that folds the same characters, which looks nothing up. After one round over all texts that does not count, both
take each text in turns, for 5 rounds; which of the two comes first changes with every text, and each call is timed by
itself.

Exit codes: 0, 1 when --max-ratio is exceeded, 2 for a mistake.
"""

from __future__ import annotations

import argparse
import statistics
import string
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, records, texts
from edgetext import Bundle
from edgetext.text import FILTERS, Encoder

ROUNDS = 5
NAMES = ("Encoder.encode", "translate and split")
TABLE = str.maketrans(FILTERS + string.ascii_uppercase, " " * len(FILTERS) + string.ascii_lowercase)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common.add_model_argument(parser)
    texts.add_arguments(parser)
    parser.add_argument(
        "--max-ratio",
        metavar="RATIO",
        type=common.at_least(0, float),
        help="exit 1 if the ratio of the medians is larger",
    )
    common.add_json_argument(parser)
    return parser.parse_args(argv)


def time_in_turns(first: Callable[[str], Any], second: Callable[[str], Any], inputs: Sequence[str]) -> list[list[int]]:
    """Time two functions on the same texts.

    Returns:
        For each of the two its times in nanoseconds, ``ROUNDS`` for each text.
    """
    clock = time.perf_counter_ns
    times: list[list[int]] = [[], []]
    both = ((first, times[0]), (second, times[1]))
    for number in range(ROUNDS + 1):
        for index, text in enumerate(inputs):
            for call, kept in both if (number + index) % 2 else both[::-1]:
                before = clock()
                call(text)
                kept.append(clock() - before)
        if number == 0:
            for kept in times:
                kept.clear()
    return times


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Time both and give the content of the results file.

    Raises:
        common.BenchmarkError: The texts are missing.
        edgetext.BundleError: The bundle is missing or damaged.
    """
    bundle = Bundle.open(args.model)
    encoder = Encoder(bundle.vocabulary(), bundle.preprocessing)
    found = texts.find(args.data, args.limit, fall_back=True)
    common.show(f"{bundle.name}: encoding {found}, {ROUNDS} rounds", args.json)
    times = time_in_turns(
        encoder.encode, lambda text: text.translate(TABLE).split(), [review.text for review in found.reviews]
    )
    medians, means = ([average(kept) / 1e3 for kept in times] for average in (statistics.median, statistics.fmean))
    return {
        "kind": "encode",
        "command": str(command),
        "environment": records.environment(),
        "bundle": records.identify(bundle),
        "texts": found.describe(),
        "ratio": {"median": round(medians[0] / medians[1], 2), "mean": round(means[0] / means[1], 2)},
        "rows": [
            {"name": name, "median_us": round(median, 2), "mean_us": round(mean, 2), "calls": len(kept)}
            for name, median, mean, kept in zip(NAMES, medians, means, times)
        ],
    }


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    rows = [[row["name"], f"{row['median_us']:.1f}", f"{row['mean_us']:.1f}"] for row in results["rows"]]
    rows.append(["ratio", *(f"{results['ratio'][kind]:.2f}" for kind in ("median", "mean"))])
    return common.format_table(["", "median us", "mean us"], rows)


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""

    def after(args: argparse.Namespace, results: dict[str, Any]) -> int:
        ratio = results["ratio"]["median"]
        if args.max_ratio is not None and ratio > args.max_ratio:
            print(f"error: the ratio is {ratio}, more than {args.max_ratio:g}", file=sys.stderr)
            return 1
        return 0

    return records.run("encode", argv, parse, measure, table, after)


if __name__ == "__main__":
    sys.exit(main())
