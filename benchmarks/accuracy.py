"""Measure what quantisation costs: every model file of a bundle against the Keras model that it came from.

The usual calls:

    python benchmarks/accuracy.py                                  # the shipped bundle, 25,000 test reviews
    python benchmarks/accuracy.py --model bundles/tickets --run runs/tickets --data tickets.csv
    python benchmarks/accuracy.py --recipe float16 --limit 2000 --classes --plot confusion.png
    python benchmarks/accuracy.py --max-drop 0.5                   # exit 1 if any file loses more than half a point

Each file is scored by the classifier that ships, with the engine that will run it. As errors of quantisation average
out over a long text, the same texts cut to their first ten words are compared with Keras too. Of the table that a run
was trained on, the rows that it held out to test are scored; of another one, all rows.

Exit codes: 0, 1 when --max-drop is exceeded, 2 for a mistake or when an engine is missing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import classes, common, confusion, labelled, records
from edgetext import Bundle


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common.add_model_argument(parser)
    common.add_recipe_argument(parser)
    parser.add_argument("--run", metavar="DIR", type=Path, help="the run it was exported from (default: train/default)")
    labelled.add_argument(parser)
    parser.add_argument(
        "--limit", metavar="N", type=common.at_least(1), help="score N of the texts only, for a quick look"
    )
    parser.add_argument(
        "--max-drop",
        metavar="POINTS",
        type=common.at_least(0, float),
        help="exit 1 if a file's accuracy is more percentage points below Keras'",
    )
    parser.add_argument(
        "--classes", action="store_true", help="show each class, and what was confused, of two classes too"
    )
    parser.add_argument(
        "--plot", metavar="FILE", type=Path, help="draw the first file's confusion matrix there, as PNG"
    )
    common.add_json_argument(parser)
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Score the bundle's files and give the content of the results file.

    Raises:
        common.BenchmarkError: The run or the texts do not fit the bundle, or are missing.
        edgetext.BundleError: The bundle is missing or damaged.
        ModuleNotFoundError: numpy, tensorflow or tqdm is not installed.
    """
    from benchmarks import scoring

    bundle = Bundle.open(args.model)
    models = common.choose_models(bundle, args.recipe)
    run = args.run or common.ROOT / "train" / "default"
    keras_path = scoring.find_keras(run, bundle)
    found = labelled.find(args.data, run, args.limit)
    task = scoring.make_task(found.reviews, bundle.labels)
    common.show(f"{bundle.name}: scoring {found} with Keras and {len(models)} model files", args.json)
    reference = scoring.score_keras(keras_path, bundle, task)
    rows = scoring.score_files(bundle, models, task, reference)
    return {
        "kind": "accuracy",
        "command": str(command),
        "environment": records.environment(),
        "bundle": records.identify(bundle),
        "texts": found.describe(),
        "labels": list(bundle.labels),
        "keras": scoring.describe_keras(reference, task, bundle.labels),
        "rows": rows,
    }


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    head = ["recipe", "engine", "bytes", "accuracy", "drop", "macro F1", "drop in it", "ece", "changed"]
    head += ["max diff", "mean diff", "short", "seconds", "runtime"]
    rows = []
    for row in results["rows"]:
        start = [row["recipe"], row["engine"], f"{row['size']:,}"]
        if "error" in row:
            rows.append([*start, "missing", *[""] * 10])
            continue
        rows.append(
            [
                *start,
                f"{row['accuracy']:.2%}",
                f"{row['drop_points']:+.2f}",
                f"{row['macro_f1']:.2%}",
                f"{row['macro_drop_points']:+.2f}",
                f"{row['calibration_error']:.3f}",
                str(row["labels_changed"]),
                f"{row['max_difference']:.2g}",
                f"{row['mean_difference']:.2g}",
                str(row["short_labels_changed"]),
                f"{row['seconds']:.1f}",
                row["runtime"],
            ]
        )
    keras = results["keras"]
    rows.append(["Keras", "", "", f"{keras['accuracy']:.2%}", "", f"{keras['macro_f1']:.2%}", *[""] * 8])
    return (
        common.format_table(head, rows, left=2)
        + "\ndrop: percentage points below Keras; macro F1: the mean of the classes' F1; ece: expected calibration "
        "error; changed: labels other than Keras'; "
        "short: with each text cut to its first ten words"
    )


def judge(rows: Sequence[dict[str, Any]], max_drop: float | None) -> int:
    """Say on standard error what is wrong with the rows, and give the exit code."""
    dropped = [row for row in rows if max_drop is not None and row.get("drop_points", 0.0) > max_drop]
    missing = [row for row in rows if "error" in row]
    for row in dropped:
        print(f"error: {row['file']} drops {row['drop_points']:.2f} points, more than {max_drop:g}", file=sys.stderr)
    for reason in dict.fromkeys(row["error"] for row in missing):
        print(f"error: {reason}", file=sys.stderr)
    return 2 if missing else 1 if dropped else 0


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""

    def after(args: argparse.Namespace, results: dict[str, Any]) -> int:
        if args.classes or len(results["labels"]) > 2:
            common.show(f"\n{classes.tables(results)}", args.json)
        if args.plot:
            confusion.draw(results, args.plot)
        return judge(results["rows"], args.max_drop)

    return records.run("accuracy", argv, parse, measure, table, after)


if __name__ == "__main__":
    sys.exit(main())
