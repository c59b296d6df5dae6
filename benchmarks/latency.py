"""Measure how fast a bundle's models are on this machine, and how much memory they take.

The usual calls:

    python benchmarks/latency.py                                   # the shipped bundle, every engine that works here
    python benchmarks/latency.py --model bundles/mine --recipe float32 --data texts.txt --json latency.json
    python benchmarks/latency.py --emulated --python "qemu-aarch64-static -L ROOT -cpu cortex-a72 ROOT/usr/bin/python3"

It needs edgetext, and Python 3.9 or later with its standard library: to measure a device, copy runtime/ and
benchmarks/ there, side by side.

Protocol, for each engine and recipe, single-threaded; the models take turns, so that what else the machine does falls
on all of them alike:

  start-up    wall time of the whole process `runtime/classify.py --model B --engine E --recipe R "great movie"`, or
              without options for the model file that is taken without any, in turns with `python -c pass`: medians of
              10, after one of each that does not count, and their ratio
  load        Classifier.load, and then the first classification, in a process that imports nothing else, and the most
              memory that this process held: medians of 10 processes, files in the system's cache
  latency     3 processes, in each of them 200 calls of each kind to warm up, then at least 1 second and 1,000 calls of
              each kind, in turns of a tenth of that, timed one by one: text-to-label (classify), model only (the
              engine's predict on a row of ids made before) and the yardstick, text.lower().split(), on the same texts
  bulk        in the same turns, texts per second through classify_many in batches of 1, 32 and 256

Latencies are a process's median, 95th and 99th percentile, and of these the medians of the 3 processes. The texts
differ in length, which the percentiles show too.
Compare machines by the ratio to the yardstick, which was measured in the same process.

Exit codes: 0, 2 for a mistake or when no engine works.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, launching, records, texts, timing
from edgetext import Bundle


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    common.add_model_argument(parser)
    common.add_recipe_argument(parser)
    texts.add_arguments(parser)
    parser.add_argument("--python", metavar="COMMAND", help="the Python to measure with (default: this one)")
    parser.add_argument(
        "--emulated",
        action="store_true",
        help="say in the results that the processor is emulated: not a device's speed",
    )
    parser.add_argument("--quick", action="store_true", help="measure hardly anything, to see that it runs")
    common.add_json_argument(parser)
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Measure the bundle's models and give the content of the results file.

    Raises:
        common.BenchmarkError: The texts are missing, or no engine of the bundle works here.
        edgetext.BundleError: The bundle is missing or damaged.
    """
    bundle = Bundle.open(args.model)
    models = common.choose_models(bundle, args.recipe)
    found = texts.find(args.data, args.limit, fall_back=True)
    protocol = timing.QUICK if args.quick else timing.Protocol()
    python = shlex.split(args.python) if args.python else [sys.executable]
    common.show(f"{bundle.name}: timing {len(models)} model files with {found}", args.json)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.json"
        file.write_text(json.dumps([review.text for review in found.reviews]), encoding="utf-8")
        tasks = [timing.Task(args.model, model.engine, model.recipe, str(file), protocol) for model in models]
        taken = bundle.models[0] if args.model is None else None
        subjects = [launching.Subject(python, model, task, plain=model is taken) for model, task in zip(models, tasks)]
        for number in range(protocol.launches + 1):
            for subject in subjects:
                common.progress(f"start {number + 1} of {protocol.launches + 1}: {subject.model.file}")
                subject.launch(counted=number > 0)
        for number in range(protocol.rounds):
            for subject in subjects:
                common.progress(f"round {number + 1} of {protocol.rounds}: {subject.model.file}")
                subject.time()
    common.progress("")
    rows = [subject.row() for subject in subjects]
    environments = [row.pop("environment") for row in rows if "error" not in row]
    if not environments:
        raise common.BenchmarkError("; or ".join(dict.fromkeys(row["error"] for row in rows)))
    return {
        "kind": "latency",
        "command": str(command),
        "environment": {**environments[0], "emulated": args.emulated},
        "bundle": records.identify(bundle),
        "texts": found.describe(),
        "protocol": {**protocol._asdict(), "quick": args.quick},
        "rows": rows,
    }


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    sizes = results["protocol"]["batches"]
    head = [
        *(
            "recipe",
            "engine",
            "start ms",
            "ratio",
            "load ms",
            "first us",
            "label us",
            "p95",
            "p99",
            "ratio",
            "model us",
        ),
        *(f"texts/s by {size}" for size in sizes),
        "MB",
    ]
    rows, notes = [], []
    for row in results["rows"]:
        name = [row["recipe"], row["engine"]]
        if "error" in row:
            rows.append([*name, "missing", *[""] * (len(head) - 3)])
            notes.append(f"missing: {row['file']}: {row['error']}")
            continue
        start, label = row["startup"], row["text_to_label"]
        rows.append(
            [
                *name,
                f"{start['median_ms']:.0f}",
                f"{start['ratio']:.1f}",
                f"{row['load_ms']:.0f}",
                f"{row['first_us']:.0f}",
                *(f"{label[key]:.1f}" for key in ("median_us", "p95_us", "p99_us", "ratio")),
                f"{row['model_only']['median_us']:.1f}",
                *(f"{row['texts_per_second'][str(size)]:,}" for size in sizes),
                "" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}",
            ]
        )
    measured = [row for row in results["rows"] if "error" not in row]
    yardstick = statistics.median(row["yardstick"]["median_us"] for row in measured)
    empty = statistics.median(row["startup"]["empty_ms"] for row in measured)
    notes.append(f"ratios: to python -c pass, {empty:.0f} ms, and to text.lower().split(), {yardstick:.1f} us")
    if results["environment"]["emulated"]:
        notes.append("the processor was emulated: these are not a device's speeds")
    return "\n".join([common.format_table(head, rows, left=2), *notes])


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return records.run("latency", argv, parse, measure, table)


if __name__ == "__main__":
    sys.exit(main())
