"""Train a preset with several seeds, to see how much of a result is chance.

The usual calls:

    python benchmarks/seeds.py                                     # seeds 0, 1 and 2
    python benchmarks/seeds.py --preset tutorial --seeds 0 1 2 3 4 --keep runs/seeds --json seeds.json
    python benchmarks/seeds.py --data aclImdb --seeds 0 1 -- --epochs 10      # what follows -- goes to python -m train

Each run is `python -m train --seed S --preset P --out FOLDER`, a process of its own, and its numbers are those of
its metrics.json. Choose by the validation columns; the test reviews are there to report, not to choose by.

Exit codes: 0, 2 for a mistake or when a training fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, records

# Column of the table: where the number lies in metrics.json, and how it is shown.
COLUMNS = {
    "validation_accuracy": ("validation", "accuracy", ".2%"),
    "sentences_accuracy": ("validation_sentences", "accuracy", ".2%"),
    "sentences_positive": ("validation_sentences", "positive", ".1%"),
    "test_accuracy": ("test", "accuracy", ".2%"),
    "test_loss": ("test", "loss", ".4f"),
    "test_calibration_error": ("test", "ece", ".3f"),
    "fit_seconds": ("fit_seconds", None, ".0f"),
}


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seeds", metavar="S", nargs="+", type=common.at_least(0), default=[0, 1, 2], help="the seeds (default: 0 1 2)"
    )
    parser.add_argument("--preset", metavar="P", default="edge", help="the network (default: %(default)s)")
    parser.add_argument("--data", metavar="PATH", help="the reviews' archive or folder (default: as python -m train)")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="keep the runs there, as seed-0, seed-1, ...")
    common.add_json_argument(parser)
    parser.add_argument("options", metavar="-- OPTIONS", nargs="*", help="more options of python -m train")
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Train with every seed and give the content of the results file.

    Raises:
        common.BenchmarkError: A training fails.
    """
    options = ["--preset", args.preset, *args.options]
    if args.data is not None:
        options += ["--data", str(Path(args.data).absolute())]
    rows = []
    with contextlib.ExitStack() as stack:
        folder = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for seed in dict.fromkeys(args.seeds):
            common.show(f"training preset {args.preset} with seed {seed}", args.json)
            metrics = train(["--seed", str(seed), *options], folder.absolute() / f"seed-{seed}")
            rows.append({"seed": seed, **pick(metrics, COLUMNS)})
    return {
        "kind": "seeds",
        "command": str(command),
        "environment": records.environment(),
        "preset": args.preset,
        "rows": rows,
        "summary": summarize(rows),
    }


def train(options: Sequence[str], out: Path) -> dict[str, Any]:
    """Train one run into ``out``, in a process of its own; its progress goes to standard error.

    Returns:
        The content of its metrics.json.

    Raises:
        common.BenchmarkError: The training fails; the message is empty if it has said why itself.
    """
    command = [sys.executable, "-m", "train", "--out", str(out), *options]
    code = subprocess.run(command, cwd=common.ROOT, stdout=2, check=False).returncode
    if code != 0:
        raise common.BenchmarkError("" if code == 2 else f"python -m train ended with exit code {code}")
    metrics: dict[str, Any] = json.loads((out / "metrics.json").read_text("utf-8"))
    return metrics


def pick(metrics: dict[str, Any], columns: dict[str, Any]) -> dict[str, float | None]:
    """Take a table's columns out of a metrics.json; None for one that it does not have."""
    values: dict[str, float | None] = {}
    for column, (key, part, _) in columns.items():
        value = metrics.get(key)
        values[column] = value if part is None or value is None else value.get(part)
    return values


def summarize(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Give each column's ``mean`` and ``spread``, the largest value less the smallest."""
    summary = {}
    for column in COLUMNS:
        values = [row[column] for row in rows if row[column] is not None]
        if values:
            summary[column] = {"mean": statistics.fmean(values), "spread": max(values) - min(values)}
    return summary


def cells(results: dict[str, Any]) -> list[list[str]]:
    """Turn the results into the cells of a table, its head first."""
    lines = [["seed", *(column.replace("_", " ") for column in COLUMNS)]]
    summary = results["summary"]
    parts = [(str(row["seed"]), row) for row in results["rows"]]
    parts += [(kind, {column: value[kind] for column, value in summary.items()}) for kind in ("mean", "spread")]
    for name, values in parts:
        shown = ((values.get(column), style) for column, (_, _, style) in COLUMNS.items())
        lines.append([name, *("" if value is None else format(value, style) for value, style in shown)])
    return lines


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    head, *rows = cells(results)
    return common.format_table(head, rows)


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return records.run("seeds", argv, parse, measure, table)


if __name__ == "__main__":
    sys.exit(main())
