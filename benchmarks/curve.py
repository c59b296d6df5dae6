"""Measure accuracy against file size: train the ``edge`` preset with more and more buckets, and quantise each to int8.

The usual calls:

    python benchmarks/curve.py                                     # 2^14 to 2^20 buckets: about 12 minutes
    python benchmarks/curve.py --exponents 16 18 --keep runs/curve --json curve.json --plot curve.png

For each: `python -m train --buckets N`, an export to safetensors and to TFLite, and benchmarks/accuracy.py. What ships
was chosen by the validation column; the test reviews are there to report.

Exit codes: 0, 2 for a mistake or when a training fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, plot, records, seeds

ENGINES = {"builtin": "safetensors", "tflite": "tflite"}
# fastText with bigrams, dimension 10, quantised, on the same reviews: bytes and accuracy, measured once with
# fasttext-predict on tokenised text when this project began.
FASTTEXT = ((187_000, 0.894), (1_700_000, 0.895))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--exponents",
        metavar="E",
        nargs="+",
        type=common.at_least(1),
        default=list(range(14, 21)),
        help="train with 2**E buckets (default: 14 to 20)",
    )
    parser.add_argument("--data", metavar="PATH", help="the reviews' archive or folder (default: as python -m train)")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="keep runs and bundles there")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw the curve into this PNG file")
    parser.add_argument("options", metavar="-- OPTIONS", nargs="*", help="more options of python -m train")
    common.add_json_argument(parser)
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Train, export and score every size, and give the content of the results file.

    Raises:
        common.BenchmarkError: One of the commands fails.
    """
    data = [] if args.data is None else ["--data", str(Path(args.data).absolute())]
    rows = []
    with contextlib.ExitStack() as stack:
        folder = args.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for exponent in args.exponents:
            common.show(f"2^{exponent} buckets", args.json)
            run, bundle = folder.absolute() / f"run-{exponent}", folder.absolute() / f"bundle-{exponent}"
            metrics = seeds.train(["--buckets", str(2**exponent), "--no-test", *data, *args.options], run)
            for suffix in ENGINES.values():
                _call([f"export/to_{suffix}.py", "--run", str(run), "--out", str(bundle)])
            scored = json.loads(
                _call(["benchmarks/accuracy.py", "--model", str(bundle), "--run", str(run), "--json", "-", *data])
            )
            files = {row["engine"]: {key: row[key] for key in ("size", "accuracy")} for row in scored["rows"]}
            rows.append(
                {
                    "exponent": exponent,
                    "validation_accuracy": metrics["validation"]["accuracy"],
                    "sentences_accuracy": metrics["validation_sentences"]["accuracy"],
                    "keras_accuracy": scored["keras"]["accuracy"],
                    **files,
                }
            )
    return {"kind": "curve", "command": str(command), "environment": records.environment(), "rows": rows}


def _call(arguments: list[str]) -> str:
    """Run a script of this checkout; its progress goes to standard error."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=common.ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise common.BenchmarkError("" if done.returncode == 2 else f"{arguments[0]} ended with {done.returncode}")
    return done.stdout


def cells(results: dict[str, Any]) -> list[list[str]]:
    """Turn the results into the cells of a table, its head first."""
    head = ["buckets", "validation, float", "its sentences", "test, float", "safetensors, int8", "test"]
    lines = [[*head, "TFLite, int8", "test"]]
    for row in results["rows"]:
        shown = [f"{row[name]:.2%}" for name in ("validation_accuracy", "sentences_accuracy", "keras_accuracy")]
        for engine in ENGINES:
            shown += [f"{row[engine]['size'] / 1000:,.0f} kB", f"{row[engine]['accuracy']:.2%}"]
        lines.append([f"2^{row['exponent']}", *shown])
    return lines


def draw(results: dict[str, Any], out: Path) -> None:
    """Draw the curve.

    Raises:
        OSError: It cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for (engine, suffix), style in zip(ENGINES.items(), ("o-", "s--")):
        points = [(row[engine]["size"] / 1000, 100 * row[engine]["accuracy"]) for row in results["rows"]]
        axes.plot(*zip(*points), style, markersize=4, label=f"edge, int8 {suffix}")
    for row in results["rows"]:
        place = row["builtin"]["size"] / 1000, 100 * row["builtin"]["accuracy"]
        axes.annotate(f"2^{row['exponent']}", place, xytext=(0, 7), textcoords="offset points", ha="center", fontsize=8)
    axes.plot(
        [size / 1000 for size, _ in FASTTEXT],
        [100 * accuracy for _, accuracy in FASTTEXT],
        "^:",
        color="#555555",
        label="fastText, bigrams, quantised (measured elsewhere)",
    )
    axes.set(xscale="log", xlabel="size of the model file (kB)", ylabel="accuracy on the test reviews (%)")
    axes.margins(y=0.1)
    axes.grid(alpha=0.25, which="both")
    axes.legend()
    plot.save(figure, out)


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    head, *rows = cells(results)
    return common.format_table(head, rows)


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""

    def after(args: argparse.Namespace, results: dict[str, Any]) -> int:
        if args.plot:
            draw(results, args.plot)
        return 0

    return records.run("curve", argv, parse, measure, table, after)


if __name__ == "__main__":
    sys.exit(main())
