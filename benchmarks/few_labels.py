"""Label few rows, and compare training on these alone with training on the texts of the others too.

Usage:

    python benchmarks/few_labels.py --task trec=trec_train.csv,trec_test.csv --task reviews=aclImdb_v1.tar.gz
    python benchmarks/few_labels.py --task mine=mine.csv --labels 100 500 --seeds 5

A task is NAME=FILE, of which 3 rows in 10 are to test on, or NAME=FILE,TESTFILE. FILE may also be the archive of the
movie reviews: 5,000 of the training reviews, of other movies, are to test on, and the archive's unlabelled reviews are
unlabelled texts. Each seed draws other rows to label; the rest stand for unlabelled texts. Training runs with its
defaults, in a separate process.

Exit codes: 0; 2 for a mistake or if a training fails.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import suggest, sweep, tables
from benchmarks.measuring import command, results
from benchmarks.measuring.layout import Part, Table
from benchmarks.measuring.results import BenchmarkError

REVIEWS_TO_TEST = 5000
MODELS = {"alone": ("--teacher", "none"), "unlabelled": ()}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    add, task, count = parser.add_argument, "NAME=FILE[,TEST]", command.at_least(1)
    add("--task", metavar=task, action="append", required=True, type=tables.parse_task, help="may be repeated")
    add("--labels", metavar="N", type=count, nargs="+", default=[200], help="rows with a label (default: 200)")
    add("--seeds", metavar="N", type=count, default=3, help="draws of these rows (default: %(default)s)")
    add("--keep", metavar="DIR", type=Path, help="keep the runs there, and use those that are there already")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Train with every number of labels and every seed, and return the content of the results file."""
    rows = []
    with command.open_folder(args.keep) as folder:
        for (name, files), labels, seed in itertools.product(args.task, args.labels, range(args.seeds)):
            command.say(f"{name}: {labels:,} labels, seed {seed}", args)
            own = folder / f"{name}-{labels}-{seed}"
            own.mkdir(exist_ok=True)
            found = do_seed(*files, labels=labels, seed=seed, folder=own, args=args)
            rows.append({"name": name, "labels": labels, "seed": seed, **found})
    return {"rows": rows}


def do_seed(
    data: Path, test: Path | None = None, *, labels: int, seed: int, folder: Path, args: argparse.Namespace
) -> dict[str, Any]:
    """Train on some labelled rows alone, and with the others as unlabelled texts."""
    rows, test_rows, texts = read_rows(data, test, seed, args.options)
    random.Random(seed).shuffle(rows)
    rest = [(text, "") for text, _ in rows[labels:]] + texts
    if not rest:
        raise BenchmarkError(f"{data}: --labels {labels} leaves no row of {len(rows):,} unlabelled")
    files = {"data": rows[:labels], "unlabelled": rest, "test": test_rows}
    paths = {name: suggest.write(folder / f"{name}.csv", part) for name, part in files.items()}
    options = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    found: dict[str, Any] = {"rows": {name: len(part) for name, part in files.items()}}
    for name, more in MODELS.items():
        run = folder / name
        if not run.exists():
            sweep.train(run, [*options, *more, *args.options])
        metrics = json.loads((run / "metrics.json").read_text("utf-8"))
        found[name] = {**{key: metrics["test"][key] for key in suggest.METRICS}, "unlabelled": metrics["unlabelled"]}
    return found


def read_rows(
    data: Path, test: Path | None, seed: int, options: Sequence[str]
) -> tuple[list[suggest.Row], list[suggest.Row], list[suggest.Row]]:
    """Return the rows that may be labelled, those to test on, and those without a label."""
    from train.dataset import TRAIN, UNLABELLED, VALIDATION
    from train.reviews.dataset import read_reviews
    from train.tables.table import is_table

    if is_table(data):
        split = tables.read_splits(data, ["--test", str(test or suggest.HELD_OUT), "--split-seed", str(seed), *options])
        return suggest.make_rows([*split["train"], *split["validation"]]), suggest.make_rows(split["test"]), []
    reviews = read_reviews(str(data), REVIEWS_TO_TEST, by_movie=True)
    rows, test_rows, unlabelled = (suggest.make_rows(reviews.texts(name)) for name in (TRAIN, VALIDATION, UNLABELLED))
    return rows, test_rows, unlabelled


def lay_out(found: results.Results) -> list[Part]:
    """Lay the results out: a line for each task and number of labels."""
    lines = []
    for (name, labels), group in itertools.groupby(found["rows"], lambda row: (row["name"], row["labels"])):
        rows = list(group)
        used = sum(row["unlabelled"]["unlabelled"] > 0 for row in rows)
        cells = [f"{labels:,}", f"{rows[0]['rows']['unlabelled']:,}", f"{used} of {len(rows)}"]
        for metric in suggest.METRICS:
            alone, both = ([row[model][metric] for row in rows] for model in MODELS)
            cells += [suggest.show(alone), suggest.show(both)]
        lines.append([name, *cells])
    head = ["task", "labels", "unlabelled", "used in"]
    head += [f"{shown}, {how}" for shown in suggest.METRICS.values() for how in ("labels alone", "`--unlabelled`")]
    note = (
        "On the test rows, in Keras: mean of the draws, in percent, and its standard error. Used in: draws in which "
        "training chose to learn from the unlabelled texts."
    )
    return [note, Table(head, lines)]


main = command.make_main("few_labels", make_parser, measure, lay_out)

if __name__ == "__main__":
    sys.exit(main(None))
