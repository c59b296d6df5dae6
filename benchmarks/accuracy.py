"""Measure the accuracy of a bundle's model files, and how far it drops below that of the Keras model.

Usage:

    python benchmarks/accuracy.py                                  # the shipped bundle, 25,000 test reviews
    python benchmarks/accuracy.py --model bundles/tickets --run runs/tickets --data tickets.csv
    python benchmarks/accuracy.py --max-drop 0.5                   # exit 1 if a file loses more than half a point

Each file is scored by the classifier that ships, with the engine that will run it. Quantisation errors average out
over a long text, so the first ten words of each text are compared too. Of the table that a run was trained on, only
the rows held out for testing are scored; of another table, all rows.

Exit codes: 0; 1 if --max-drop is exceeded; 2 for a mistake or if an engine is missing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, results, texts
from benchmarks.measuring.layout import Part, Table, percent, render
from benchmarks.measuring.text_files import make_reading
from edgetext import Bundle

# How many classes are shown.
SHOWN = 20


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    command.add_bundle_arguments(parser)
    texts.add_arguments(parser, "labelled texts: a table with text and label, or that of the run")
    run = command.ROOT / "train" / "default"
    parser.add_argument("--run", metavar="DIR", type=Path, default=run, help="its run (default: train/default)")
    drop = "exit 1 if a file's accuracy is more than POINTS percentage points below that of Keras"
    parser.add_argument("--max-drop", metavar="POINTS", type=command.at_least(0, float), help=drop)
    parser.add_argument("--classes", action="store_true", help="show each class, even if there are only two")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Score the bundle's files and return the content of the results file."""
    bundle = Bundle.open(args.model)
    models = command.choose_models(bundle, args.recipe)
    from export.bundle_folder import check_origin

    check_origin(bundle, args.run)  # before TensorFlow is imported, which takes seconds
    from benchmarks.measuring import scoring
    from train.run import load_run

    run = load_run(args.run)
    found = scoring.find_labelled(args.data, run, args.limit, make_reading(args))
    command.say(f"{bundle.name}: scoring {len(found.texts):,} texts with Keras and {len(models)} model files", args)
    scored = scoring.score_bundle(bundle, models, run, found.texts)
    about = {
        "bundle": results.identify(bundle),
        "texts": found.describe(bundle.preprocessing.rules),
        "labels": list(bundle.labels),
    }
    return {**about, **scored}


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    head = ["recipe", "engine", "size", "accuracy", "drop", "macro-F1", "macro-F1 drop", "calibration error", "changed"]
    head += ["as first", "short texts", "changed"]
    count = found["texts"]["count"]
    starts = [[row["recipe"], row["engine"], f"{results.bytes_read(row) / 1000:,.0f} kB"] for row in found["rows"]]
    pairs = zip([*starts, ["Keras", "", ""]], [*found["rows"], found["keras"]])
    rows = [[*start, *_cells(row, count)] for start, row in pairs]
    note = (
        f"{found['bundle']['name']} on {texts.sentence(found['texts'])}. Size: what scoring reads. "
        "Drop: percentage points below Keras. Calibration error: ECE, 15 bins. Changed: labels that differ from "
        "Keras. As first: same label as the first file. Short texts: the first ten words of each text."
    )
    caveat = [texts.CAVEAT] if found["texts"]["source"] == texts.TEST_REVIEWS else []
    return [note, Table(head, rows, 2), *caveat]


def _cells(row: dict[str, Any], count: int) -> list[str]:
    if "error" in row:
        return ["not measured", *[""] * 8]
    drop, macro_drop = (f"{row[name]:.2f}" if name in row else "" for name in ("drop_points", "macro_drop_points"))
    changed, short_changed = (
        percent(row[name] / count) if name in row else "" for name in ("labels_changed", "short_labels_changed")
    )
    first = percent(row.get("labels_as_first"))
    whole = [percent(row["accuracy"]), drop, percent(row["macro_f1"]), macro_drop, f"{row['calibration_error']:.3f}"]
    return [*whole, changed, first, percent(row["short_accuracy"]), short_changed]


def class_tables(found: results.Results) -> list[Part]:
    """Lay out the classes of the first file that works (else of Keras), those with the lowest F1 first."""
    row = next((row for row in found["rows"] if "error" not in row), {"recipe": "Keras", **found["keras"]})
    lines = []
    for label, scores in sorted(row["classes"].items(), key=lambda item: (item[1]["texts"] == 0, item[1]["f1"]))[
        :SHOWN
    ]:
        wrong = {other: count for other, count in row["confusion"].get(label, {}).items() if other != label}
        most = max(wrong, key=wrong.__getitem__, default="")
        confused = f"{most} ({wrong[most]:,})" if wrong else ""
        shares = [percent(scores[name]) for name in ("precision", "recall", "f1")]
        lines.append([label, f"{scores['texts']:,}", *shares, confused])
    head = ["class", "texts", "precision", "recall", "F1", "most often found as"]
    return [f"Classes, {row['recipe']}, the lowest F1 first, at most {SHOWN}:", Table(head, lines)]


def judge(rows: list[dict[str, Any]], max_drop: float | None = None) -> int:
    """Print what is wrong with the rows on standard error, and return the exit code."""
    dropped = [row for row in rows if max_drop is not None and row.get("drop_points", 0.0) > max_drop]
    missing = dict.fromkeys(row["error"] for row in rows if "error" in row)
    for row in dropped:
        print(f"error: {row['file']} drops {row['drop_points']:.2f} points, more than {max_drop:g}", file=sys.stderr)
    for reason in missing:
        print(f"error: {reason}", file=sys.stderr)
    return 2 if missing else 1 if dropped else 0


def finish(args: argparse.Namespace, found: results.Results) -> int:
    """Print the classes if they are asked for or more than two, and return the exit code."""
    if args.classes or len(found["labels"]) > 2:
        command.say("\n" + render(class_tables(found)), args)
    return judge(found["rows"], args.max_drop)


main = command.make_main("accuracy", make_parser, measure, tables, finish)

if __name__ == "__main__":
    sys.exit(main(None))
