"""Measure start-up, latency and memory of a bundle's models on this machine.

Usage:

    python benchmarks/latency.py                                   # the shipped bundle, every engine that works here
    python benchmarks/latency.py --model bundles/mine --recipe float32 --data texts.txt --json latency.json

It needs edgetext and Python 3.9 or later, nothing else: to measure a device, copy runtime/ and benchmarks/ there. The
protocol is in benchmarks/README.md. Compare machines by ratios, which are taken within one run.

Exit codes: 0; 2 for a mistake or if no engine works.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, processes, results, texts
from benchmarks.measuring.layout import Part, Table
from benchmarks.measuring.processes import Protocol, Subject
from benchmarks.measuring.results import BenchmarkError
from benchmarks.measuring.text_files import make_reading
from edgetext import Bundle
from edgetext.bundle.manifest import ModelFile

QUICK = Protocol(launches=2, rounds=1)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    command.add_bundle_arguments(parser)
    texts.add_arguments(parser, "texts: a table with a text column, or .txt with a text a line", 2000)
    parser.add_argument("--quick", action="store_true", help="measure very little, to check that everything works")
    return parser


def make_subject(bundle: Bundle, model: ModelFile, python: str, path: str | None) -> Subject:
    """Return a model file of a bundle as a subject; ``path`` is the bundle's folder, None for the shipped one."""
    target = [str(processes.CLASSIFY)] if processes.CLASSIFY.is_file() else ["-m", "edgetext"]
    options = ["--engine", model.engine, "--recipe", model.recipe, *(["--model", path] if path else [])]
    if path is None and model is bundle.models[0]:
        options = []  # the command uses it by default
    argument = " ".join([model.engine, model.recipe, *([path] if path else [])])
    once = [python, *target, *options, processes.FIRST_TEXT]
    row, program = results.describe_file(bundle, model), [python, processes.PROGRAM, "edgetext", argument]
    return Subject(row, program, python, once=once)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the bundle's models and return the content of the results file."""
    bundle = Bundle.open(args.model)
    models = command.choose_models(bundle, args.recipe)
    found = texts.find(args.data, args.limit, fall_back=True, reading=make_reading(args))
    protocol = QUICK if args.quick else Protocol()
    command.say(f"{bundle.name}: timing {len(models)} model files with {len(found.texts):,} texts", args)
    subjects = [make_subject(bundle, model, sys.executable, args.model) for model in models]
    rows = processes.measure(subjects, found, protocol)
    if all("error" in row for row in rows):
        raise BenchmarkError("; or ".join(dict.fromkeys(row["error"] for row in rows)))
    about = {"bundle": results.identify(bundle), "texts": found.describe(bundle.preprocessing.rules)}
    return {**about, "protocol": {**protocol._asdict(), "quick": args.quick}, "rows": rows}


def tables(found: results.Results) -> list[Part]:
    """Lay all results out."""
    reasons = [f"{row['recipe']} ({row['engine']}): {row['error']}" for row in found["rows"] if "error" in row]
    missing = [f"Not measured: {'; '.join(reasons)}."] if reasons else []
    return [*latency_tables(found), *startup_tables(found), *missing]


def latency_tables(found: results.Results) -> list[Part]:
    """Lay out latency, throughput and memory; nothing if no engine was measured."""
    head = ["recipe", "engine", "text to label", "95th percentile", "× split", "model only", "texts/s", "memory"]
    lines, explained = [], []
    for row in engine_rows(found):
        label, model = row["text_to_label"], row["model_only"]["median_us"]
        times = [f"{label['median_us']:.0f} µs", f"{label['p95_us']:.0f} µs", f"{label['ratio']:.1f}"]
        rates = [f"{model:.0f} µs", f"{row['texts_per_second']['median']:,.0f}"]
        lines.append(
            [row["recipe"], row["engine"], *times, *rates, f"{row['peak_mb']:.0f} MB" if "peak_mb" in row else ""]
        )
        if "explanation" in row:
            ratio = row["explanation"]["ratio"]
            explained.append(f"An explanation by {row['engine']} takes {ratio:.1f} times as long as a label.")
    note = (
        f"{texts.sentence(found['texts'])}. Single texts, median. × split: relative to `text.lower().split()`. "
        "Texts/s: in batches of 32. Memory: peak of a process that loads the model and classifies a text."
    )
    return [note, Table(head, lines, 2), *explained] if lines else []


def startup_tables(found: results.Results) -> list[Part]:
    """Lay out the start-up times; nothing if no engine was measured."""
    head = ["recipe", "engine", "one-shot command", "bare Python", "ratio", "load", "first text"]
    lines = []
    for row in engine_rows(found):
        start = row["startup"]
        times = [f"{start['median_ms']:.1f} ms", f"{start['bare_ms']:.1f} ms", f"{start['ratio']:.2f}"]
        load, first = f"{row['load_ms']:.0f} ms", f"{row['first_us'] / 1000:.2f} ms"
        lines.append([row["recipe"], row["engine"], *times, load, first])
    note = (
        'One-shot command: `python runtime/classify.py "great movie"`, the whole process; bare Python: `python -c '
        "pass`. Load: importing edgetext and the engine and loading the model."
    )
    return [note, Table(head, lines, 2)] if lines else []


def engine_rows(found: results.Results) -> Iterator[dict[str, Any]]:
    """Return the rows of the bundle's engines; of the results of peers.py those of the shipped bundle."""
    return (row for row in found["rows"] if "model_only" in row and row.get("name", "edge") == "edge")


main = command.make_main("latency", make_parser, measure, tables)

if __name__ == "__main__":
    sys.exit(main(None))
