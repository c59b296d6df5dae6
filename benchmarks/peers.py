"""Compare the shipped bundle, with its builtin engine, to fastText: one-shot command, latency, bulk, memory, accuracy.

The usual calls:

    make peers                                       # makes the two environments, then runs this
    python benchmarks/peers.py --trainer build/fasttext-train/bin/python --peer build/fasttext/bin/python

fastText is trained on the same 25,000 reviews with bigrams, and quantised to about 190 kB, twice: on texts in lower
case, which is the least that can be done with them, and on texts whose punctuation was cut off words. Preparing a text
is part of its latency, as it is of ours. fasttext-wheel trains, fasttext-predict predicts, and both are called
``fasttext``, hence two environments.

Protocol, everything with the Python of --peer, byte code compiled:

  one-shot   `runtime/classify.py "great movie"`, the shortest script that does the same with fasttext-predict, and
             `python -c pass`, in turns: medians of 20 after one that does not count
  latency    2,000 test reviews, one at a time, in one process and in turns, 5 rounds after one that does not count
  bulk       the same reviews through classify_many, and through text.lower().split(), in turns
  memory     the most that the process of a one-shot command held, and that of a bare Python

Exit codes: 0, 2 for a mistake.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, launching, records, texts
from benchmarks.fasttext_peer import FORMS
from edgetext import Bundle

PEER = str(Path(__file__).resolve().with_name("fasttext_peer.py"))
LAUNCHES = 20
FIRST_TEXT = "great movie"
_MEMORY = "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM:')))"
_ONCE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from edgetext.command.main import main; "
    f"main([sys.argv[2]]); {_MEMORY}"
)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainer", metavar="PYTHON", required=True, help="a Python with fasttext-wheel")
    parser.add_argument("--peer", metavar="PYTHON", required=True, help="a Python with fasttext-predict")
    parser.add_argument("--data", metavar="PATH", help="the reviews' archive or folder (default: as python -m train)")
    parser.add_argument(
        "--limit", metavar="N", type=common.at_least(1), default=2000, help="time N reviews (default: %(default)s)"
    )
    common.add_json_argument(parser)
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Train the peer, measure both, and give the content of the results file.

    Raises:
        common.BenchmarkError: The reviews are missing, or one of the Pythons has no fastText.
        edgetext.BundleError: The shipped bundle is damaged.
    """
    bundle = Bundle.open()
    found = texts.find(args.data, args.limit)
    labelled = [(review.text, review.label) for review in texts.find(args.data).reviews]
    (shipped,) = (entry for entry in bundle.models if entry.engine == "builtin")
    sizes = {"edgetext": shipped.size}
    with tempfile.TemporaryDirectory() as folder:
        models, task = {form: f"{folder}/{form}.ftz" for form in FORMS}, f"{folder}/task.json"
        reviews = str(texts.ask_train(args.data, "train"))
        for form, model in models.items():
            common.show(f"training fastText on {form}", args.json)
            sizes[f"fasttext, {form}"] = json.loads(_run([args.trainer, PEER, "train", reviews, model, form]))["size"]
        given = {"models": models, "texts": [review.text for review in found.reviews], "labelled": labelled}
        Path(task).write_text(json.dumps(given), encoding="utf-8")
        common.show(f"timing {found}", args.json)
        startup = _launch(args.peer, models["lower"])
        steady = json.loads(_run([args.peer, PEER, "time", task]))
    split = next(row for row in steady["rows"] if row["name"] == "split")["median_us"]
    return {
        "kind": "peers",
        "command": str(command),
        "environment": records.environment(),
        "bundle": records.identify(bundle),
        "texts": found.describe(),
        "startup": startup,
        "memory_mb": _memory(args.peer),
        "texts_per_second": steady["texts_per_second"],
        "rows": [
            {
                **row,
                "ratio": round(row["median_us"] / split, 2),
                "accuracy": steady["accuracy"].get(row["name"]),
                "size": sizes.get(row["name"]),
            }
            for row in steady["rows"]
        ],
    }


def _launch(python: str, model: str) -> dict[str, Any]:
    """Time the one-shot commands; give their medians in milliseconds, and their ratios to an empty Python."""
    commands = {
        "empty": [python, "-c", "pass"],
        "edgetext": [python, str(launching.CLASSIFY), FIRST_TEXT],
        "fasttext": [python, PEER, "once", model, FIRST_TEXT],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(LAUNCHES + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            _run(command)
            if number:
                times[name].append(1e3 * (time.perf_counter() - started))
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {
        name: {"median_ms": round(median, 2), "ratio": round(median / medians["empty"], 2), "runs": LAUNCHES}
        for name, median in medians.items()
    }


def _memory(python: str) -> dict[str, float] | None:
    """Give the most memory that a bare Python and a one-shot command held, in MB; None where that is not told."""
    if not Path("/proc/self/status").exists():
        return None
    runtime = str(launching.CLASSIFY.parent)
    outputs = {"empty": _run([python, "-c", _MEMORY]), "edgetext": _run([python, "-c", _ONCE, runtime, FIRST_TEXT])}
    return {name: round(int(output.split()[-1]) * 1024 / 1e6, 2) for name, output in outputs.items()}


def _run(command: list[str]) -> str:
    try:
        return launching.run(command)
    except launching.LaunchError as error:
        raise common.BenchmarkError(f"{Path(command[0]).name} {Path(command[1]).name}: {error}") from None


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    return "\n".join(common.format_table(*part) for part in parts(results))


def parts(results: dict[str, Any]) -> list[tuple[list[str], list[list[str]]]]:
    """Give the head and the rows of each table."""
    startup, rate, memory = results["startup"], results["texts_per_second"], results["memory_mb"]
    one = [[name, f"{row['median_ms']:.1f} ms", f"{row['ratio']:.2f}"] for name, row in startup.items()]
    steady = [
        [
            row["name"],
            f"{row['median_us']:.1f} µs",
            f"{row['p95_us']:.1f} µs",
            f"{row['ratio']:.1f}",
            "" if row["accuracy"] is None else f"{row['accuracy']:.2%}",
            "" if row["size"] is None else f"{row['size']:,}",
        ]
        for row in results["rows"]
    ]
    other = [
        ["reviews a second, edgetext", f"{rate['edgetext']:,}"],
        ["text.lower().split() a second", f"{rate['split']:,}"],
    ]
    other.append(["ratio", f"{rate['split'] / rate['edgetext']:.1f}"])
    if memory:
        other += [
            ["memory, one-shot", f"{memory['edgetext']:.1f} MB"],
            ["memory, bare Python", f"{memory['empty']:.1f} MB"],
        ]
    return [
        (["one-shot", "median", "ratio"], one),
        (["text to label", "median", "95th percentile", "× split", "accuracy", "bytes"], steady),
        (["", ""], other),
    ]


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return records.run("peers", argv, parse, measure, table)


if __name__ == "__main__":
    sys.exit(main())
