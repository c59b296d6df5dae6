"""Show what each choice of the ``edge`` preset brings: train it again and again, with one number changed each time.

The usual calls:

    python benchmarks/choices.py                                   # all variants below: about 20 minutes
    python benchmarks/choices.py --only crops=0 teacher_buckets=0  # these, and the preset as it is

Each is `python -m train --preset edge --no-test --validation 10000 --choice NAME=VALUE`, a process of its own. The test
reviews are not looked at. Sentences are those of the validation reviews, each with its review's label.

Exit codes: 0, 2 for a mistake or when a training fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, records, seeds

OPTIONS = ("--no-test", "--validation", "10000")
# Options of `python -m train` for each variant, and what they mean. The first is the preset as it is.
VARIANTS = {
    "": "the preset as it is",
    "--seed 1": "another seed, which shows how much is chance",
    "vocabulary=10000": "half the words",
    "vocabulary=30000": "half as many words again",
    "max_length=256": "half the length",
    "max_length=1024": "twice the length",
    "buckets=65536": "a quarter of the buckets",
    "buckets=131072": "half the buckets",
    "buckets=524288": "twice the buckets",
    "exponent=0": "evidence added up without end",
    "exponent=0.5": "divided by the root of the length",
    "crops=0": "whole reviews only",
    "crop_weight=0.1": "crops count less",
    "crop_weight=1": "crops count as much as reviews",
    "crop_words=3,15": "shorter crops",
    "crop_words=10,60": "longer crops",
    "regularization=0": "no regularisation",
    "regularization=5e-5": "ten times the regularisation",
    "teacher_buckets=0": "without the unlabelled reviews",
    "teacher_temperature=1": "the teacher's labels as they are",
    "teacher_temperature=0.05": "the teacher's labels, rounded",
    "--epochs 2": "half the epochs",
    "--epochs 8": "twice the epochs",
}
# Column of the table: where the number lies in metrics.json, and how it is shown.
COLUMNS = {
    "validation": ("validation", "accuracy", ".2%"),
    "calibration error": ("validation", "ece", ".3f"),
    "sentences": ("validation_sentences", "accuracy", ".2%"),
    "called positive": ("validation_sentences", "positive", ".1%"),
    "fit seconds": ("fit_seconds", None, ".0f"),
}


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME=VALUE", nargs="+", help="these choices, beside the preset as it is")
    parser.add_argument("--data", metavar="PATH", help="the reviews' archive or folder (default: as python -m train)")
    common.add_json_argument(parser)
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Train every variant and give the content of the results file.

    Raises:
        common.BenchmarkError: A training fails.
    """
    variants = VARIANTS if args.only is None else {"": VARIANTS[""], **dict.fromkeys(args.only, "")}
    data = [] if args.data is None else ["--data", str(Path(args.data).absolute())]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (change, about) in enumerate(variants.items()):
            common.show(f"training {change or 'the preset as it is'}", args.json)
            options = change.split() if change.startswith("--") else ["--choice", change] if change else []
            metrics = seeds.train(["--preset", "edge", *OPTIONS, *data, *options], Path(folder) / str(number))
            rows.append({"change": change, "about": about, **seeds.pick(metrics, COLUMNS)})
    return {"kind": "choices", "command": str(command), "environment": records.environment(), "rows": rows}


def cells(results: dict[str, Any]) -> list[list[str]]:
    """Turn the results into the cells of a table, its head first."""
    lines = [["change", "what it is", *COLUMNS]]
    for row in results["rows"]:
        shown = (format(row[column], style) for column, (_, _, style) in COLUMNS.items())
        lines.append([row["change"] or "none", row["about"], *shown])
    return lines


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    head, *rows = cells(results)
    return common.format_table(head, rows, left=2)


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return records.run("choices", argv, parse, measure, table)


if __name__ == "__main__":
    sys.exit(main())
