"""Train on tables of one's own with the defaults, and compare every exported file with Keras and with scikit-learn.

The usual calls:

    python benchmarks/own_text.py --task tickets=tickets.csv --task trec=trec_train.csv,trec_test.csv
    python benchmarks/own_text.py --task sms=sms_spam.tsv --keep build/own_text --json benchmarks/results/own_text.json
    python benchmarks/own_text.py --task mine=mine.csv -- --text-column body --label-column queue

A task is NAME=FILE, whose rows are divided as training divides them, or NAME=FILE,TESTFILE. Nothing is tuned to it:
`python -m train --data FILE` as it comes, then the three exporters as they come. scikit-learn's linear models, which
are tuned to each task (see linear_peer.py), are given the same rows: those to train on and those to validate on
together, for they validate by themselves.

Exit codes: 0, 2 for a mistake, when a training or an export fails, or when an engine is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, labelled, linear_peer, own_text_rows, records, seeds, texts
from edgetext import Bundle

SPLITS = ("train", "validation", "test")
EXPORTERS = ("to_safetensors", "to_tflite", "to_onnx")


class Task(NamedTuple):
    """A table to train on, and one to test on if it has its own."""

    name: str
    data: Path
    test: Path | None

    def __str__(self) -> str:
        """Give it as it was typed, without the folders."""
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


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--task", metavar="NAME=FILE[,TEST]", action="append", required=True, type=parse_task, help="may be repeated"
    )
    parser.add_argument(
        "--family",
        action="append",
        choices=linear_peer.FAMILIES,
        help="compare with scikit-learn over n-grams of these only; may be repeated (default: all)",
    )
    parser.add_argument("--keep", metavar="DIR", type=Path, help="keep runs, bundles and texts there, a folder a task")
    common.add_json_argument(parser)
    parser.add_argument("options", metavar="-- OPTIONS", nargs="*", help="options of python -m train, for every task")
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Do every task, and give the content of the results file.

    Raises:
        common.BenchmarkError: A training or an export fails, or texts do not fit.
        edgetext.BundleError: A bundle is damaged.
        ModuleNotFoundError: scikit-learn, numpy, tensorflow or tqdm is not installed.
    """
    rows = []
    with contextlib.ExitStack() as stack:
        folder = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for task in args.task:
            rows.append(do(task, folder.absolute() / task.name, args))
    return {
        "kind": "own_text",
        # Where somebody's files lie is no news for a results file.
        "command": str(command._replace(arguments=_without_folders(args))),
        "environment": records.environment(),
        "rows": rows,
    }


def _without_folders(args: argparse.Namespace) -> list[str]:
    """Give the arguments that make a difference, as they are to be recorded."""
    arguments = [word for task in args.task for word in ("--task", str(task))]
    arguments += [word for family in args.family or () for word in ("--family", family)]
    arguments += ["--json", args.json] if args.json else []
    return arguments + (["--", *args.options] if args.options else [])


def do(task: Task, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Train, export and score one task; see ``own_text_rows`` for what the row of the results has."""
    run, bundle_folder = folder / "run", folder / "bundle"
    common.show(f"{task.name}: training", args.json)
    data = ["--data", str(task.data.absolute())]
    separate = ["--test", str(task.test.absolute())] if task.test else []
    fitted = seeds.train([*data, *separate, *args.options], run)
    for exporter in EXPORTERS:
        export(exporter, run, bundle_folder)
    found = {split: read(task, run, split, folder / f"{split}.jsonl", separate) for split in SPLITS}
    train, test = [*found["train"].reviews, *found["validation"].reviews], found["test"].reviews
    bundle = Bundle.open(bundle_folder)
    common.show(f"{task.name}: scoring {len(test):,} texts", args.json)
    scores = score(run, bundle, test)
    common.show(f"{task.name}: choosing scikit-learn's models on {len(train):,} texts", args.json)
    config = json.loads((run / "config.json").read_text("utf-8"))
    return {
        "name": task.name,
        "task": str(task),
        "labels": list(bundle.labels),
        "rare": rarer(bundle.labels, train),
        "texts": {split: len(part.reviews) for split, part in found.items()},
        "median_words": found["test"].describe()["median_words"],
        "choices": config.get("choices"),
        "preprocessing": config.get("preprocessing"),
        "fit_seconds": fitted.get("fit_seconds"),
        **scores,
        "peers": linear_peer.compare(train, test, args.family or linear_peer.FAMILIES),
    }


def score(run: Path, bundle: Bundle, reviews: Sequence[texts.Review]) -> dict[str, Any]:
    """Score texts with Keras and with each file of a bundle; give ``keras`` and ``files`` of the row."""
    from benchmarks import scoring

    task = scoring.make_task(reviews, bundle.labels)
    reference = scoring.score_keras(scoring.find_keras(run, bundle), bundle, task)
    files = scoring.score_files(bundle, bundle.models, task, reference)
    return {"keras": scoring.describe_keras(reference, task, bundle.labels), "files": files}


def rarer(labels: Sequence[str], reviews: Sequence[texts.Review]) -> str | None:
    """Give the rarer of two labels, whose F1 tells filters of spam apart; None of more."""
    counts = Counter(review.label for review in reviews)
    return min(labels, key=lambda label: counts[label]) if len(labels) == 2 else None


def read(task: Task, run: Path, split: str, out: Path, options: Sequence[str]) -> texts.Texts:
    """Read the rows of a split as the run divided them."""
    labelled.ask_texts(task.data, out, "--run", str(run), "--split", split, *options)
    return texts.find(str(out))


def export(name: str, run: Path, out: Path) -> None:
    """Export a run into a bundle, with an exporter's defaults; what it says goes to standard error.

    Raises:
        common.BenchmarkError: It fails; the message is empty if it has said why itself.
    """
    script = str(common.ROOT / "export" / f"{name}.py")
    command = [sys.executable, script, "--run", str(run), "--out", str(out)]
    code = subprocess.run(command, cwd=common.ROOT, stdout=2, check=False).returncode
    if code != 0:
        raise common.BenchmarkError("" if code == 2 else f"{name}.py ended with exit code {code}")


def after(args: argparse.Namespace, results: dict[str, Any]) -> int:
    """Say which engines are missing, and give the exit code."""
    missing = dict.fromkeys(file["error"] for row in results["rows"] for file in row["files"] if "error" in file)
    for reason in missing:
        print(f"error: {reason}", file=sys.stderr)
    return 2 if missing else 0


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return records.run("own_text", argv, parse, measure, own_text_rows.table, after)


if __name__ == "__main__":
    sys.exit(main())
