"""Label more texts, those that `python -m train.suggest` chooses or as many at random, and compare the models.

Usage:

    python benchmarks/suggest.py --task trec=trec_train.csv --task zh=zh_reviews_train.csv

A task is NAME=FILE, of which 3 rows in 10 are to test on, or NAME=FILE,TESTFILE. 100 of the other rows are labelled,
and the rest stand for unlabelled texts. Each seed draws other rows. Training runs with its defaults.

Exit codes: 0; 2 for a mistake or if a training fails.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import random
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import sweep, tables
from benchmarks.measuring import command, results
from benchmarks.measuring.layout import Part, Table
from benchmarks.measuring.texts import Text

if TYPE_CHECKING:
    from train.dataset import LabelledText

LABELLED = COUNT = 100
HELD_OUT = "0.3"
MODELS = ("labelled", "random", "suggested")
METRICS = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
Row = tuple[str, str]  # a text and its label, which is empty for none


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    add, task = parser.add_argument, "NAME=FILE[,TEST]"
    add("--task", metavar=task, action="append", required=True, type=tables.parse_task, help="may be repeated")
    add("--seeds", metavar="N", type=command.at_least(1), default=5, help="draws of the rows (default: %(default)s)")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure every task with every seed, and return the content of the results file."""
    rows = []
    for (name, files), seed in itertools.product(args.task, range(args.seeds)):
        command.say(f"{name}: seed {seed}", args)
        with command.open_folder(None) as folder:
            rows.append({"name": name, "seed": seed, **do_seed(*files, seed=seed, folder=folder, args=args)})
    return {"rows": rows}


def do_seed(data: Path, test: Path | None = None, *, seed: int, folder: Path, args: argparse.Namespace) -> Any:
    """Train on labelled rows, on these and others drawn at random, and on these and those that are suggested."""
    split = tables.read_splits(data, ["--test", str(test or HELD_OUT), "--split-seed", str(seed), *args.options])
    rows = make_rows([*split["train"], *split["validation"]])
    random.Random(seed).shuffle(rows)
    labelled, rest = rows[:LABELLED], rows[LABELLED:]
    write(folder / "test.csv", make_rows(split["test"]))
    write(folder / "rest.csv", [(text, "") for text, _ in rest])
    found = {"labelled": train(folder / "labelled", labelled)}
    files = ["--unlabelled", str(folder / "rest.csv"), "--out", str(folder / "chosen.csv")]
    sweep.call(["-m", "train.suggest", "--run", str(folder / "labelled"), *files, "--count", str(COUNT)])
    with (folder / "chosen.csv").open(encoding="utf-8-sig", newline="") as file:
        chosen = {row["text"] for row in csv.DictReader(file)}
    suggested = dict(row for row in rest if row[0] in chosen).items()
    found["suggested"] = train(folder / "suggested", [*labelled, *suggested])
    found["random"] = train(folder / "random", [*labelled, *rest[:COUNT]])
    return found


def train(out: Path, rows: Iterable[Row]) -> dict[str, float]:
    """Train on some rows, and return the metrics on the test rows."""
    data = write(out.with_suffix(".csv"), rows)
    metrics = sweep.train(out, ["--data", str(data), "--test", str(out.with_name("test.csv"))])
    return {name: metrics["test"][name] for name in METRICS}


def make_rows(texts: Iterable[LabelledText | Text]) -> list[Row]:
    """Return texts as rows of a table."""
    return [(text.text, text.label or "") for text in texts]


def write(path: Path, rows: Iterable[Row]) -> Path:
    """Write a table and return its path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def show(values: Sequence[float], sign: str = "") -> str:
    """Return the mean and its standard error in percent."""
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0
    return f"{100 * statistics.fmean(values):{sign}.1f} ± {100 * error:.1f}"


def lay_out(found: results.Results) -> list[Part]:
    """Lay the results out."""
    lines = []
    for name, (metric, shown) in itertools.product(
        dict.fromkeys(row["name"] for row in found["rows"]), METRICS.items()
    ):
        rows = [row for row in found["rows"] if row["name"] == name]
        values = [[row[model][metric] for row in rows] for model in MODELS]
        gains = [suggested - drawn for drawn, suggested in zip(*values[1:])]
        lines.append([name, shown, *map(show, values), show(gains, "+")])
    head = ["task", "", f"{LABELLED} labels", f"{COUNT} more, random", f"{COUNT} more, suggested", "gain"]
    return ["Mean of the seeds, in percent, and its standard error.", Table(head, lines, 2)]


main = command.make_main("suggest", make_parser, measure, lay_out)

if __name__ == "__main__":
    sys.exit(main(None))
