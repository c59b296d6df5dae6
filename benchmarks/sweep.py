"""Train a preset again and again: with several seeds, with other choices, or with more and more buckets.

Usage:

    python benchmarks/sweep.py seeds                               # seeds 0, 1 and 2: how much is chance
    python benchmarks/sweep.py choices                             # all of measuring/choices.json: an hour and a half
    python benchmarks/sweep.py curve                               # 2^14 to 2^20 buckets: about 40 minutes
    python benchmarks/sweep.py seeds --seeds 0 1 -- --epochs 10    # options after -- go to python -m train

Each training is `python -m train` in a separate process. Choose by the validation columns; the test reviews are there
to report. `choices` validates on 10,000 reviews; `curve` also exports each run, and scores the files.

Exit codes: 0; 2 for a mistake or if a training fails.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, results, texts
from benchmarks.measuring.layout import Part, Table, percent
from benchmarks.measuring.results import BenchmarkError
from edgetext import Bundle

# Options of `python -m train` for each variant, and what they mean. The first is the unchanged preset.
CHOICES: dict[str, str] = json.loads(Path(__file__).with_name("measuring").joinpath("choices.json").read_text("utf-8"))
# By the name in a row: the heading, where the number lies in metrics.json, and its format.
COLUMNS = {
    "validation_accuracy": ("validation accuracy", "validation", "accuracy", ".2%"),
    "validation_calibration_error": ("calibration error", "validation", "ece", ".3f"),
    "sentences_accuracy": ("sentences: accuracy", "validation_sentences", "accuracy", ".2%"),
    "sentences_positive": ("sentences: called positive", "validation_sentences", "positive", ".1%"),
    "typos_accuracy": ("with typos: accuracy", "validation_typos", "accuracy", ".2%"),
    "test_accuracy": ("test accuracy", "test", "accuracy", ".2%"),
    "test_loss": ("test loss", "test", "loss", ".4f"),
    "test_calibration_error": ("test calibration error", "test", "ece", ".3f"),
    "fit_seconds": ("fit seconds", "fit_seconds", "", ".0f"),
}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    add, seed, exponent = parser.add_argument, command.at_least(0), command.at_least(1)
    add("what", choices=("seeds", "choices", "curve"), help="what to vary")
    add("--preset", metavar="P", default="edge", help="seeds: the network (default: %(default)s)")
    add("--seeds", metavar="S", nargs="+", type=seed, default=[0, 1, 2], help="seeds: (default: 0 1 2)")
    add("--only", metavar="NAME=VALUE", nargs="+", help="choices: these only, in addition to the unchanged preset")
    add("--exponents", metavar="E", nargs="+", type=exponent, default=range(14, 21), help="curve: 2**E buckets (14-20)")
    add("--data", metavar="PATH", help="the reviews' archive or folder (default: as python -m train)")
    add("--keep", metavar="DIR", type=Path, help="keep runs and bundles there")
    return parser


def variants(args: argparse.Namespace) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Return what a row says of each variant, and the options that train it."""
    if args.what == "seeds":
        for seed in dict.fromkeys(args.seeds):
            yield {"seed": seed}, ["--preset", args.preset, "--seed", str(seed)]
    elif args.what == "choices":
        for change in CHOICES if args.only is None else ["", *args.only]:
            options = change.split() if change.startswith("--") else ["--choice", change] if change else []
            about = {"change": change, "about": CHOICES.get(change, "")}
            yield about, ["--preset", "edge", "--no-test", "--validation", "10000", *options]
    else:
        for exponent in args.exponents:
            yield {"buckets": 2**exponent}, ["--buckets", str(2**exponent), "--no-test"]


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Train every variant and return the content of the results file."""
    data = [] if args.data is None else ["--data", str(Path(args.data).absolute())]
    rows = []
    with command.open_folder(args.keep) as folder:
        for number, (about, options) in enumerate(variants(args)):
            command.say("training " + " ".join(options), args)
            run = folder / f"run-{number}"
            metrics = train(run, [*options, *data, *args.options])
            more = score(run, folder / f"bundle-{number}", args.data) if args.what == "curve" else {}
            rows.append({**about, **pick(metrics), **more})
    return {"kind": args.what, **({"preset": args.preset} if args.what == "seeds" else {}), "rows": rows}


def train(out: Path, options: Sequence[str]) -> dict[str, Any]:
    """Train a run in a separate process and return the content of its metrics.json."""
    call(["-m", "train", "--out", str(out), *options])
    metrics: dict[str, Any] = json.loads((out / "metrics.json").read_text("utf-8"))
    return metrics


def export(run: Path, out: Path, *formats: str) -> None:
    """Export a run into a bundle with the defaults of each exporter; one of an earlier run is replaced."""
    for name in formats:
        call([f"export/to_{name}.py", "--run", str(run), "--out", str(out), "--replace"])


def call(arguments: Sequence[str]) -> None:
    """Run a command of this checkout, with its output on standard error."""
    code = subprocess.run([sys.executable, *arguments], cwd=command.ROOT, stdout=2, check=False).returncode
    if code != 0:
        raise BenchmarkError("" if code == 2 else f"{' '.join(arguments[:2])} ended with exit code {code}")


def score(run: Path, out: Path, data: str | None) -> dict[str, Any]:
    """Export a run and score the files; return Keras' accuracy, and size and accuracy by engine."""
    from benchmarks.measuring import scoring
    from train.run import load_run

    export(run, out, "safetensors", "tflite")
    bundle = Bundle.open(out)
    scored = scoring.score_bundle(bundle, bundle.models, load_run(run), texts.find(data).texts)
    for row in scored["rows"]:
        if "error" in row:
            raise BenchmarkError(row["error"])
    kept = ("size", "vocabulary_size", "accuracy")
    files = {row["engine"]: {name: row[name] for name in kept if name in row} for row in scored["rows"]}
    return {"keras_accuracy": scored["keras"]["accuracy"], **files}


def pick(metrics: dict[str, Any]) -> dict[str, float]:
    """Return those of ``COLUMNS`` that a metrics.json has."""
    parts = {key: (metrics.get(part), name) for key, (_, part, name, _) in COLUMNS.items()}
    values = {key: part.get(name) if isinstance(part, dict) else part for key, (part, name) in parts.items()}
    return {key: value for key, value in values.items() if value is not None}


def tables(found: results.Results) -> list[Part]:
    """Lay the results out, by their kind."""
    kind, rows = found["kind"], found["rows"]
    if kind == "curve":
        return _curve_tables(rows)
    names = [name for name in COLUMNS if any(name in row for row in rows)]
    headings = [COLUMNS[name][0] for name in names]

    def cells(row: dict[str, Any]) -> list[str]:
        return [format(row[name], COLUMNS[name][3]) if name in row else "" for name in names]

    if kind == "choices":
        lines = [[row["change"] or "none", row["about"], *cells(row)] for row in rows]
        return [Table(["change", "what it is", *headings], lines, 2)]
    lines = [[str(row["seed"]), *cells(row)] for row in rows]
    present = {name: [row[name] for row in rows if name in row] for name in names}
    for name, summarize in (("mean", statistics.fmean), ("spread", lambda values: max(values) - min(values))):
        lines.append([name, *cells({key: summarize(values) for key, values in present.items()})])
    return [f"Preset `{found['preset']}`:", Table(["seed", *headings], lines)]


def _curve_tables(rows: list[dict[str, Any]]) -> list[Part]:
    head = ["buckets", "validation, float", "its sentences", "test, float", "safetensors, int8", "test", "TFLite, int8"]
    lines = []
    for row in rows:
        cells = [percent(row[name]) for name in ("validation_accuracy", "sentences_accuracy", "keras_accuracy")]
        for file in (row["builtin"], row["tflite"]):
            cells += [f"{results.bytes_read(file) / 1000:,.0f} kB", percent(file["accuracy"])]
        lines.append([f"{row['buckets']:,}", *cells])
    note = "Sizes are those of weights and vocabulary; the TFLite file contains its vocabulary."
    return [Table([*head, "test"], lines), note]


main = command.make_main("sweep", make_parser, measure, tables)

if __name__ == "__main__":
    sys.exit(main(None))
