"""Train on tables of your own with the defaults, and compare every exported file with Keras and with scikit-learn.

Usage:

    python benchmarks/tables.py --task tickets=tickets.csv --task trec=trec_train.csv,trec_test.csv
    python benchmarks/tables.py --task mine=mine.csv -- --text-column body --label-column queue

A task is NAME=FILE, whose rows are divided as training divides them, or NAME=FILE,TESTFILE. Training and exporting run
with their defaults; the linear models of scikit-learn are tuned to each task, on the rows to train and to validate on.

Exit codes: 0; 2 for a mistake, or if a training or an export fails or an engine is missing.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import accuracy, sweep
from benchmarks.measuring import command, results, texts
from benchmarks.measuring.layout import Part, Table, percent
from edgetext import Bundle
from edgetext.command.arguments.parser import Parser

SPLITS = ("train", "validation", "test")
FAMILY_NAMES = ("words in lower case", "words", "characters")


def parse_task(text: str) -> tuple[str, list[Path]]:
    """Parse ``NAME=FILE`` or ``NAME=FILE,TESTFILE``."""
    name, _, words = text.partition("=")
    files = [Path(word) for word in words.split(",", 1)]
    if not (name and words) or "/" in name:
        raise argparse.ArgumentTypeError(f"{text}: a task is NAME=FILE or NAME=FILE,TESTFILE")
    for file in files:
        if not file.is_file():
            raise argparse.ArgumentTypeError(f"{file}: there is no such file")
    return name, [file.absolute() for file in files]


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    add, task = parser.add_argument, "NAME=FILE[,TEST]"
    add("--task", metavar=task, action="append", required=True, type=parse_task, help="may be repeated")
    add("--family", action="append", choices=FAMILY_NAMES, help="scikit-learn: these n-grams only (default: all)")
    add("--keep", metavar="DIR", type=Path, help="keep runs and bundles there, a folder per task")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Train, export and score every task, and return the content of the results file."""
    with command.open_folder(args.keep) as folder:
        return {"rows": [do_task(name, *files, folder=folder / name, args=args) for name, files in args.task]}


def do_task(name: str, data: Path, test: Path | None = None, *, folder: Path, args: argparse.Namespace) -> Any:
    """Train, export and score one task, and return its row."""
    from benchmarks.measuring import scoring
    from train.run import load_run

    options = [*(["--test", str(test)] if test else []), *args.options]
    command.say(f"{name}: training", args)
    fitted = sweep.train(folder / "run", ["--data", str(data), *options])
    sweep.export(folder / "run", folder / "bundle", "safetensors", "tflite", "onnx")
    run, bundle, split = load_run(folder / "run"), Bundle.open(folder / "bundle"), read_splits(data, options)
    command.say(f"{name}: scoring {len(split['test']):,} texts", args)
    counts = Counter(text.label for text in split["train"])
    scored = scoring.score_bundle(bundle, bundle.models, run, split["test"])
    return {
        "name": name,
        "labels": list(bundle.labels),
        "minority": min(bundle.labels, key=lambda label: counts[label]) if len(bundle.labels) == 2 else None,
        "texts": {name: len(part) for name, part in split.items()},
        "median_words": texts.count_words(split["test"], bundle.preprocessing.rules),
        "choices": run.config.get("choices"),
        "preprocessing": run.config.get("preprocessing"),
        "fit_seconds": fitted.get("fit_seconds"),
        "keras": scored["keras"],
        "files": scored["rows"],
        "peers": compare_linear([*split["train"], *split["validation"]], split["test"], bundle.labels, args),
    }


def read_splits(data: Path, options: Sequence[str]) -> dict[str, list[texts.Text]]:
    """Return the splits of a table, divided as `python -m train` divides it with these options."""
    from train.tables.dataset import read_table
    from train.tables.options import add_table_arguments, make_options

    parser = Parser()
    add_table_arguments(parser)
    found = read_table(make_options(parser.parse_known_args(options)[0], data))
    return {name: [texts.Text(row.text, row.id, row.label) for row in found.texts(name)] for name in SPLITS}


def compare_linear(train: list[texts.Text], test: list[texts.Text], labels: Any, args: argparse.Namespace) -> list[Any]:
    """Tune scikit-learn's linear models on some texts and test them on others; return a row per family."""
    from benchmarks.measuring import linear_models, scoring

    given, expected = scoring.find_targets(train, labels), scoring.find_targets(test, labels)
    rows = []
    for name in args.family or FAMILY_NAMES:
        command.say(f"tuning linear models over n-grams of {name}", args)
        options = linear_models.FAMILIES[name]
        pipeline, about = linear_models.search([text.text for text in train], given.tolist(), options)
        certain = np.eye(len(labels))[pipeline.predict([text.text for text in test])]  # it has no probabilities
        described = scoring.describe(certain, expected, labels)
        rows.append({"family": name, **about, **described, "calibration_error": None})
    return rows


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    tasks, models, peers = [], [], []
    for row in found["rows"]:
        choices = {**(row["preprocessing"] or {}), **(row["choices"] or {})}
        sizes = [f"{choices[name]:,}" if name in choices else "" for name in ("vocabulary", "buckets", "max_length")]
        fit = "" if row["fit_seconds"] is None else f"{row['fit_seconds']:.0f} s"
        counts = [str(len(row["labels"])), *(f"{count:,}" for count in row["texts"].values())]
        tasks.append([row["name"], *counts, f"{row['median_words']:g}", *sizes, fit])
        for file in row["files"]:
            start = [row["name"], f"{file['recipe']} ({file['engine']})", f"{results.bytes_read(file) / 1000:,.0f} kB"]
            models.append([*start, *(["not measured", *[""] * 5] if "error" in file else _file_cells(row, file))])
        models.append([row["name"], "Keras", "", *_scores(row, row["keras"]), "", "", ""])
        first = next((file for file in row["files"] if "error" not in file), row["keras"])
        for peer in row["peers"]:
            ahead = [f"{100 * (first[name] - peer[name]):+.2f}" for name in ("accuracy", "macro_f1")]
            chosen = f"{peer['features']}; {peer['classifier']}"
            peers.append([row["name"], peer["family"], *_scores(row, peer), *ahead, chosen])
    whole = all(
        "vocabulary_size" in file for row in found["rows"] for file in row["files"] if file["engine"] == "builtin"
    )
    size = "what scoring reads" if whole else "the model file; builtin reads the vocabulary too"
    note = (
        f"Trained and exported with the defaults. Size: {size}. Drop: percentage points below Keras. Ahead: points by "
        "which the first file exceeds scikit-learn's model, which is tuned on the same rows."
    )
    head = ["task", "classes", "train", "validation", "test", "median words", "vocabulary", "buckets", "max_length"]
    scores = ["accuracy", "macro-F1", "minority-class F1"]
    return [
        note,
        Table([*head, "fit"], tasks),
        Table(["task", "model", "size", *scores, "drop", "macro-F1 drop", "as first"], models, 2),
        Table(["task", "n-grams of", *scores, "ahead", "ahead in macro-F1", "chosen"], peers, 2),
    ]


def _file_cells(row: dict[str, Any], file: dict[str, Any]) -> list[str]:
    drops = [f"{file['drop_points']:.2f}", f"{file['macro_drop_points']:.2f}"]
    return [*_scores(row, file), *drops, percent(file["labels_as_first"])]


def _scores(row: dict[str, Any], scored: dict[str, Any]) -> list[str]:
    minority = scored["classes"].get(row["minority"])
    return [percent(scored["accuracy"]), percent(scored["macro_f1"]), percent(minority and minority["f1"])]


def _judge(args: argparse.Namespace, found: results.Results) -> int:
    return accuracy.judge([file for row in found["rows"] for file in row["files"]])


main = command.make_main("tables", make_parser, measure, tables, _judge)

if __name__ == "__main__":
    sys.exit(main(None))
