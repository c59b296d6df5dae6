"""Measure start-up, latency and memory of a bundle's models on this machine.

Usage:

    python benchmarks/latency.py                                   # the shipped bundle, every engine that works here
    python benchmarks/latency.py --model bundles/mine --recipe float32 --data texts.txt --json latency.json
    python benchmarks/latency.py --emulated --python "qemu-aarch64-static -L ROOT -cpu cortex-a72 ROOT/usr/bin/python3"

It needs edgetext and Python 3.9 or later, nothing else: to measure a device, copy runtime/ and benchmarks/ there, side
by side. The protocol is in benchmarks/README.md. Compare machines by ratios, which are taken within one run.

Exit codes: 0; 2 for a mistake or if no engine works.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, processes, results, texts
from benchmarks.measuring.errors import BenchmarkError
from benchmarks.measuring.layout import Part, Table
from benchmarks.measuring.processes import Protocol, Subject
from edgetext import Bundle
from edgetext.bundle.manifest import ModelFile

QUICK = Protocol(launches=2, rounds=1)
EMULATED = (
    "**Emulated** on another processor: this shows that it runs there, and its cost relative to Python itself; it is "
    "not a device's speed."
)
_ENVIRONMENT = (
    "import json, sys; sys.path.insert(0, sys.argv[1]); from benchmarks.measuring import results; "
    "print(json.dumps(results.environment()))"
)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    command.add_bundle_arguments(parser)
    texts.add_arguments(parser, "texts (.jsonl with text, or .txt with a text a line)", 2000)
    parser.add_argument("--python", metavar="COMMAND", help="the Python to measure with (default: this one)")
    parser.add_argument(
        "--emulated", action="store_true", help="record that the processor is emulated: not a device's speed"
    )
    parser.add_argument("--quick", action="store_true", help="measure hardly anything, to see whether it works")
    return parser


def make_subject(
    bundle: Bundle, model: ModelFile, python: Sequence[str], path: str | None, *, plain: bool = False
) -> Subject:
    """Return a model file of a bundle as a subject.

    Args:
        bundle: The bundle.
        model: The model file.
        python: The command that starts Python.
        path: The bundle's folder, or a file that is used alone; None for the shipped bundle.
        plain: Whether the command takes this model file without being told to.
    """
    target = [str(processes.CLASSIFY)] if processes.CLASSIFY.is_file() else ["-m", "edgetext"]
    options = ["--engine", model.engine, "--recipe", model.recipe, *(["--model", path] if path else [])]
    argument = " ".join([model.engine, model.recipe, *([path] if path else [])])
    return Subject(
        results.describe_file(bundle, model),
        [*python, processes.PROGRAM, "edgetext", argument],
        python,
        once=[*python, *target, *([] if plain else options), processes.FIRST_TEXT],
    )


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the bundle's models and return the content of the results file.

    Raises:
        BenchmarkError: If the texts are missing, or no engine of the bundle works here.
        edgetext.EdgetextError: If the bundle is missing or damaged.
    """
    bundle = Bundle.open(args.model)
    models = command.choose_models(bundle, args.recipe)
    found = texts.find(args.data, args.limit, fall_back=True)
    protocol = QUICK if args.quick else Protocol()
    python = shlex.split(args.python) if args.python else [sys.executable]
    command.say(f"{bundle.name}: timing {len(models)} model files with {found}", args)
    subjects = [
        make_subject(bundle, model, python, args.model, plain=args.model is None and model is bundle.models[0])
        for model in models
    ]
    environment = json.loads(processes.run([*python, "-c", _ENVIRONMENT, str(command.ROOT)]))
    with tempfile.TemporaryDirectory() as folder:
        first = processes.write_texts(Path(folder) / "first", [processes.FIRST_TEXT])
        timed = processes.write_texts(Path(folder) / "timed", [text.text for text in found.texts])
        for subject in subjects:
            subject.describe()
        rows = processes.measure(subjects, first, timed, protocol)
    if all("error" in row for row in rows):
        raise BenchmarkError("; or ".join(dict.fromkeys(row["error"] for row in rows)))
    return {
        "environment": {**environment, "emulated": args.emulated},
        "bundle": results.identify(bundle),
        "texts": found.describe(),
        "protocol": {**protocol._asdict(), "quick": args.quick},
        "rows": rows,
    }


def tables(found: results.Results) -> list[Part]:
    """Lay out all results."""
    return [*latency_tables(found), *startup_tables(found)]


def latency_tables(found: results.Results) -> list[Part]:
    """Lay out latency, throughput and memory."""
    head = ["recipe", "engine", "text to label", "95th percentile", "× split", "model only", "texts/s", "memory"]
    rows = [
        [
            *_name(row, found),
            f"{row['text_to_label']['median_us']:.0f} µs",
            f"{row['text_to_label']['p95_us']:.0f} µs",
            f"{row['text_to_label']['ratio']:.1f}",
            f"{row['model_only']['median_us']:.0f} µs",
            f"{row['texts_per_second']['median']:,.0f}",
            f"{row['peak_mb']:.0f} MB" if "peak_mb" in row else "",
        ]
        for row in engine_rows(found)
    ]
    note = (
        f"{texts.sentence(found['texts'])}. Text to label and model only: single texts, median. × split: text to label "
        "relative to `text.lower().split()`. Texts/s: in batches of 32. Memory: peak of a process that loads the model "
        "and classifies a text."
    )
    return _show(found, note, head, rows, ratio=4)


def startup_tables(found: results.Results) -> list[Part]:
    """Lay out the start-up times."""
    head = ["recipe", "engine", "one-shot command", "bare Python", "ratio", "load", "first text"]
    rows = [
        [
            *_name(row, found),
            f"{row['startup']['median_ms']:.1f} ms",
            f"{row['startup']['bare_ms']:.1f} ms",
            f"{row['startup']['ratio']:.2f}",
            f"{row['load_ms']:.0f} ms",
            f"{row['first_us'] / 1000:.2f} ms",
        ]
        for row in engine_rows(found)
    ]
    note = (
        'One-shot command: `python runtime/classify.py "great movie"`, the whole process; bare Python: `python -c '
        "pass`. Load: importing edgetext and the engine and loading the model."
    )
    return _show(found, note, head, rows, ratio=4)


def engine_rows(found: results.Results) -> Iterator[dict[str, Any]]:
    """Return the rows of the shipped bundle's engines, also of the results of peers.py."""
    for row in found["rows"]:
        if "error" not in row and "model_only" in row and row.get("name", "edge") == "edge":
            yield row


def _name(row: dict[str, Any], found: results.Results) -> list[str]:
    """Return a row's recipe and engine, with the library if several libraries ran that engine."""
    several = len({other["runtime"] for other in engine_rows(found) if other["engine"] == row["engine"]}) > 1
    return [row["recipe"], f"{row['engine']} ({row['runtime']})" if several else row["engine"]]


def _show(found: results.Results, note: str, head: list[str], rows: list[list[str]], *, ratio: int) -> list[Part]:
    """Return a note, a table, and what could not be measured; of an emulated processor only the ratios."""
    emulated = found["environment"]["emulated"]
    columns = [0, 1, ratio] if emulated else range(len(head))
    table = Table([head[column] for column in columns], [[row[column] for column in columns] for row in rows], 2)
    reasons = [f"{row['recipe']} ({row['engine']}): {row['error']}" for row in found["rows"] if "error" in row]
    missing = [f"Not measured: {'; '.join(reasons)}."] if reasons else []
    return [note, *([EMULATED] if emulated else []), table, *missing]


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return command.run("latency", argv, make_parser(), measure, tables)


if __name__ == "__main__":
    sys.exit(main())
