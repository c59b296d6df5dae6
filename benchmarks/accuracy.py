"""Measure the accuracy of a bundle's model files, and how far it drops below that of the Keras model.

Usage:

    python benchmarks/accuracy.py                                  # the shipped bundle, 25,000 test reviews
    python benchmarks/accuracy.py --model bundles/tickets --run runs/tickets --data tickets.csv
    python benchmarks/accuracy.py --recipe float16 --limit 2000 --classes --plot confusion.png
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
from benchmarks.measuring.layout import Part, Table, kilobytes, percent, render
from edgetext import Bundle

# With more classes only the worst are shown, and the most frequent confusions instead of the matrix.
MANY, WORST, WIDE = 40, 20, 12
# Longer labels are truncated in tables and plots.
LONGEST = 24


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    command.add_bundle_arguments(parser)
    texts.add_arguments(parser, "labelled texts (.jsonl with text and label), the table of a run")
    run = command.ROOT / "train" / "default"
    parser.add_argument("--run", metavar="DIR", type=Path, default=run, help="its run (default: train/default)")
    parser.add_argument(
        "--max-drop",
        metavar="POINTS",
        type=command.at_least(0, float),
        help="exit 1 if a file's accuracy is more than so many percentage points below that of Keras",
    )
    parser.add_argument(
        "--classes", action="store_true", help="show each class and the confusions, also of two classes"
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw the confusion matrix of the first file, as PNG")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Score the bundle's files and return the content of the results file.

    Raises:
        edgetext.EdgetextError: If the bundle, the run or the texts are missing or do not fit each other.
    """
    bundle = Bundle.open(args.model)
    models = command.choose_models(bundle, args.recipe)
    from benchmarks.measuring import scoring
    from export.scoring import check_origin
    from train.run import load_run

    run = load_run(args.run)
    check_origin(bundle, run)
    found = scoring.find_labelled(args.data, run, args.limit)
    command.say(f"{bundle.name}: scoring {found} with Keras and {len(models)} model files", args)
    scored = scoring.score_bundle(bundle, models, run, found.texts)
    about = {"bundle": results.identify(bundle), "texts": found.describe(), "labels": list(bundle.labels)}
    return {**about, **scored}


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    head = ["recipe", "engine", "size", "accuracy", "drop", "macro-F1", "macro-F1 drop", "calibration error", "changed"]
    head += ["as first", "short texts", "changed"]
    count = found["texts"]["count"]
    rows = [
        [row["recipe"], row["engine"], kilobytes(results.bytes_read(row)), *_cells(row, count)] for row in found["rows"]
    ]
    rows.append(["Keras", "", "", *_cells(found["keras"], count)])
    note = (
        f"{found['bundle']['name']} on {texts.sentence(found['texts'])}. Size: what scoring reads, the vocabulary "
        "included. Drop: percentage points below Keras. Calibration error: expected calibration error, 15 bins. "
        "Changed: labels other than those of Keras. As first: same label as from the first file. Short texts: accuracy "
        "on the first ten words of each text."
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


def first_file(found: results.Results) -> tuple[str, dict[str, Any]]:
    """Return name and row of the first file that works here; Keras' if none does."""
    row = next((row for row in found["rows"] if "error" not in row), None)
    return ("Keras", found["keras"]) if row is None else (f"{row['recipe']} ({row['engine']})", row)


def shorten(label: str) -> str:
    """Return a label as it is shown in a table or plot."""
    return label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"


def class_tables(found: results.Results) -> list[Part]:
    """Lay out the classes and the confusions of the first file."""
    name, row = first_file(found)
    labels, scores, confusion = found["labels"], row["classes"], row["confusion"]
    chosen = [label for label in labels if label in scores]
    if len(labels) > MANY:  # classes without any text come last
        chosen = sorted(chosen, key=lambda label: (scores[label]["texts"] == 0, scores[label]["f1"]))[:WORST]
    parts = ("precision", "recall", "f1")
    lines = [
        [shorten(label), f"{scores[label]['texts']}", *(percent(scores[label][part]) for part in parts)]
        for label in chosen
    ]
    rest = f", of {len(labels)} classes those with the lowest F1" if len(chosen) < len(labels) else ""
    shown: list[Part] = [f"Classes, {name}{rest}:", Table(["class", "texts", "precision", "recall", "F1"], lines)]
    if len(labels) <= WIDE:
        lines = [[shorten(true), *(str(confusion[true].get(label, 0)) for label in labels)] for true in labels]
        return [*shown, f"Confusion, {name}, true classes in rows:", Table(["", *map(shorten, labels)], lines)]
    pairs = [(count, true, label) for true, row in confusion.items() for label, count in row.items() if true != label]
    pairs.sort(key=lambda pair: -pair[0])
    lines = [[shorten(true), shorten(label), str(count)] for count, true, label in pairs[:WORST]]
    return [
        *shown,
        f"Confusions, {name}, the most frequent of {len(pairs)}:",
        Table(["class", "label", "texts"], lines, 2),
    ]


def judge(rows: list[dict[str, Any]], max_drop: float | None = None) -> int:
    """Print what is wrong with the rows on standard error, and return the exit code."""
    dropped = [row for row in rows if max_drop is not None and row.get("drop_points", 0.0) > max_drop]
    missing = dict.fromkeys(row["error"] for row in rows if "error" in row)
    for row in dropped:
        print(f"error: {row['file']} drops {row['drop_points']:.2f} points, more than {max_drop:g}", file=sys.stderr)
    for reason in missing:
        print(f"error: {reason}", file=sys.stderr)
    return 2 if missing else 1 if dropped else 0


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""

    def after(args: argparse.Namespace, found: results.Results) -> int:
        if args.classes or len(found["labels"]) > 2:
            command.say("\n" + render(class_tables(found)), args)
        if args.plot:
            from benchmarks.measuring import plots

            name, row = first_file(found)
            title = f"{found['bundle']['name']}, {name}\n{found['texts']['count']:,} {found['texts']['source']}"
            plots.draw_confusion(row["confusion"], found["labels"], title, args.plot)
        return judge(found["rows"], args.max_drop)

    return command.run("accuracy", argv, make_parser(), measure, tables, after)


if __name__ == "__main__":
    sys.exit(main())
