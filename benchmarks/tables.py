"""Train on tables of your own with the defaults, and compare every exported file with Keras and with scikit-learn.

Usage:

    python benchmarks/tables.py --task tickets=tickets.csv --task trec=trec_train.csv,trec_test.csv
    python benchmarks/tables.py --task sms=sms_spam.tsv --keep build/tables --json benchmarks/results/tables.json
    python benchmarks/tables.py --task mine=mine.csv -- --text-column body --label-column queue

A task is NAME=FILE, whose rows are divided as training divides them, or NAME=FILE,TESTFILE. Nothing is tuned to it:
`python -m train --data FILE`, then the three exporters, all with their defaults. The linear models of scikit-learn are
tuned to each task; they get the same rows, those for training and for validation together.

Exit codes: 0; 2 for a mistake, or if a training or an export fails or an engine is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import accuracy, sweep
from benchmarks.measuring import command, results, texts
from benchmarks.measuring.layout import Part, Table, kilobytes, percent
from edgetext import Bundle

SPLITS = ("train", "validation", "test")
FAMILY_NAMES = ("words in lower case", "words", "characters")


class Task(NamedTuple):
    """A table to train on, and one to test on if it is separate."""

    name: str
    data: Path
    test: Path | None

    def __str__(self) -> str:
        """Return it as it was typed, without the folders."""
        return f"{self.name}={self.data.name}" + (f",{self.test.name}" if self.test else "")


def parse_task(text: str) -> Task:
    """Parse ``NAME=FILE`` or ``NAME=FILE,TESTFILE``."""
    name, _, files = text.partition("=")
    data, _, test = files.partition(",")
    if not (name and data) or "/" in name:
        raise argparse.ArgumentTypeError(f"{text}: a task is NAME=FILE or NAME=FILE,TESTFILE")
    for file in filter(None, (data, test)):
        if not Path(file).is_file():
            raise argparse.ArgumentTypeError(f"{file}: there is no such file")
    return Task(name, Path(data), Path(test) if test else None)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    parser.add_argument(
        "--task", metavar="NAME=FILE[,TEST]", action="append", required=True, type=parse_task, help="may be repeated"
    )
    parser.add_argument(
        "--family", action="append", choices=FAMILY_NAMES, help="scikit-learn: these n-grams only (default: all)"
    )
    parser.add_argument("--keep", metavar="DIR", type=Path, help="keep runs and bundles there, a folder per task")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Train, export and score every task, and return the content of the results file.

    Raises:
        BenchmarkError: If a training or an export fails.
        edgetext.EdgetextError: If a table cannot be read or a bundle is damaged.
    """
    with contextlib.ExitStack() as stack:
        folder = (args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))).absolute()
        rows = [do_task(task, folder / task.name, args) for task in args.task]
    # The command is recorded without the folders of somebody's files.
    words = [word for task in args.task for word in ("--task", str(task))]
    words += [word for family in args.family or () for word in ("--family", family)]
    words += ["--json", args.json] if args.json else []
    words += ["--", *args.options] if args.options else []
    return {"command": shlex.join(["python", "benchmarks/tables.py", *words]), "rows": rows}


def do_task(task: Task, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Train, export and score one task, and return its row."""
    from benchmarks.measuring import scoring
    from train.run import load_run

    options = [*(["--test", str(task.test.absolute())] if task.test else []), *args.options]
    command.say(f"{task.name}: training", args)
    fitted = sweep.train(folder / "run", ["--data", str(task.data.absolute()), *options])
    sweep.export(folder / "run", folder / "bundle", "safetensors", "tflite", "onnx")
    run, bundle, split = load_run(folder / "run"), Bundle.open(folder / "bundle"), read_splits(task.data, options)
    command.say(f"{task.name}: scoring {len(split['test']):,} texts", args)
    counts = Counter(text.label for text in split["train"])
    scored = scoring.score_bundle(bundle, bundle.models, run, split["test"])
    return {
        "name": task.name,
        "task": str(task),
        "labels": list(bundle.labels),
        "minority": min(bundle.labels, key=lambda label: counts[label]) if len(bundle.labels) == 2 else None,
        "texts": {name: len(part) for name, part in split.items()},
        "median_words": texts.Texts("", split["test"], 0).describe()["median_words"],
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

    parser = argparse.ArgumentParser()
    add_table_arguments(parser)
    found = read_table(make_options(parser.parse_known_args(options)[0], data))
    return {name: [texts.Text(row.text, row.id, row.label) for row in found.texts(name)] for name in SPLITS}


def compare_linear(
    train: Sequence[texts.Text], test: Sequence[texts.Text], labels: Sequence[str], args: argparse.Namespace
) -> list[dict[str, Any]]:
    """Tune scikit-learn's linear models on some texts and test them on others; return a row per family."""
    import numpy as np

    from benchmarks.measuring import linear_models, scoring

    given, expected = scoring.find_targets(train, labels), scoring.find_targets(test, labels)
    rows = []
    for name in args.family or FAMILY_NAMES:
        command.say(f"tuning linear models over n-grams of {name}", args)
        chosen = linear_models.search([text.text for text in train], given.tolist(), linear_models.FAMILIES[name])
        certain = np.eye(len(labels))[chosen.pipeline.predict([text.text for text in test])]  # it has no probabilities
        described = scoring.describe(certain, expected, labels)
        rows.append({"family": name, **chosen.about, **described, "calibration_error": None})
    return rows


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    note = (
        "Trained and exported with the defaults. Size: what scoring reads, the vocabulary included. Minority-class F1: "
        "for two classes. Drop: percentage points below Keras. Ahead: percentage points by which the first file is "
        "above scikit-learn's model, which was tuned to the task on the same rows."
    )
    rows = found["rows"]
    task_head = [
        "task",
        "classes",
        "train",
        "validation",
        "test",
        "median words",
        "vocabulary",
        "buckets",
        "max_length",
    ]
    scores = ["accuracy", "macro-F1", "minority-class F1"]
    models = [line for row in rows for line in _model_lines(row)]
    peers = [_peer_line(row, peer) for row in rows for peer in row["peers"]]
    return [
        note,
        Table([*task_head, "fit"], [_task_line(row) for row in rows]),
        Table(["task", "model", "size", *scores, "drop", "macro-F1 drop", "as first"], models, 2),
        Table(["task", "n-grams of", *scores, "ahead", "ahead in macro-F1", "chosen"], peers, 2),
    ]


def _task_line(row: dict[str, Any]) -> list[str]:
    choices = {**(row["preprocessing"] or {}), **(row["choices"] or {})}
    sizes = (choices.get(name) for name in ("vocabulary", "buckets", "max_length"))
    counts = [f"{count:,}" for count in row["texts"].values()]
    fit = "" if row["fit_seconds"] is None else f"{row['fit_seconds']:.0f} s"
    shown = (f"{size:,}" if isinstance(size, int) else "" for size in sizes)
    return [row["name"], str(len(row["labels"])), *counts, f"{row['median_words']:g}", *shown, fit]


def _model_lines(row: dict[str, Any]) -> list[list[str]]:
    lines = []
    for file in row["files"]:
        start = [row["name"], f"{file['recipe']} ({file['engine']})", kilobytes(results.bytes_read(file))]
        if "error" in file:
            lines.append([*start, "not measured", *[""] * 5])
            continue
        drops = [f"{file['drop_points']:.2f}", f"{file['macro_drop_points']:.2f}", percent(file["labels_as_first"])]
        lines.append([*start, *_scores(row, file), *drops])
    return [*lines, [row["name"], "Keras", "", *_scores(row, row["keras"]), "", "", ""]]


def _scores(row: dict[str, Any], scored: dict[str, Any]) -> list[str]:
    minority = scored["classes"].get(row["minority"])
    return [percent(scored["accuracy"]), percent(scored["macro_f1"]), percent(minority and minority["f1"])]


def _peer_line(row: dict[str, Any], peer: dict[str, Any]) -> list[str]:
    first = next((file for file in row["files"] if "error" not in file), None)
    ahead = ["", ""]
    if first is not None:
        ahead = [f"{100 * (first[name] - peer[name]):+.2f}" for name in ("accuracy", "macro_f1")]
    return [row["name"], peer["family"], *_scores(row, peer), *ahead, f"{peer['features']}; {peer['classifier']}"]


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""

    def after(args: argparse.Namespace, found: results.Results) -> int:
        return accuracy.judge([file for row in found["rows"] for file in row["files"]])

    return command.run("tables", argv, make_parser(), measure, tables, after)


if __name__ == "__main__":
    sys.exit(main())
