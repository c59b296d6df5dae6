"""Measure the files of bundles in the runtimes of others: the same answers, how accurate, how fast, how large?

The usual calls:

    make interop                                     # makes the runtimes and exports two bundles, then runs this
    python benchmarks/interop.py --mediapipe .venv-mediapipe/bin/python --node build/interop/node
    python benchmarks/interop.py --model bundles/mine --texts 1000

Every file is measured in edgetext itself. A TensorFlow Lite file is measured in the plain interpreter too, which is
given the ids that edgetext makes, and in MediaPipe, which is given text; an ONNX file that takes text in ONNX Runtime
from Python, from Node.js and from C; one that takes ids in ONNX Runtime, which is given edgetext's.

Protocol, single-threaded, every runtime in processes of its own:

  accuracy   all labelled test reviews, one at a time, and how the answers differ from edgetext's with the same file;
             for texts that fit into the model's length apart, for MediaPipe keeps the beginning of the others
  start-up   wall time of a whole process that loads the file and classifies one text, all in turns with
             `python -c pass`: medians of 10 after one that does not count; for edgetext that is runtime/classify.py
  latency    text to label: 2,000 test reviews one at a time in a process, after 200 to warm up; the medians of 5
             processes, all in turns, and of these the median
  installed  bytes of what must be installed: of a Python package with all that it requires, without byte code; of
             edgetext with its default bundle, and the engine's package; of node_modules; of the library, for C

MediaPipe 1.2 looks up a host of its maker's, so MediaPipe runs without a network (unshare).

Exit codes: 0, also when some runtimes do not work, which the table says; 2 for a mistake or when nothing works.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, launching, records, texts
from benchmarks.interop_subjects import FIRST_TEXT, Peers, Subject, TextFiles, subjects, write_texts
from edgetext import Bundle

if TYPE_CHECKING:
    from benchmarks.scoring import Outputs

LAUNCHES = 10
ROUNDS = 5


class Work(NamedTuple):
    """What every runtime is given: files of all the texts, of those to time, and of one."""

    scored: TextFiles
    timed: TextFiles
    first: TextFiles


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", metavar="DIR", action="append", help="a bundle; may be repeated (default: the one that ships)"
    )
    parser.add_argument(
        "--mediapipe", metavar="PYTHON", action="append", default=[], help="a Python with MediaPipe; may be repeated"
    )
    parser.add_argument("--node", metavar="DIR", help="a folder whose node_modules has onnxruntime-node")
    parser.add_argument("--c", metavar="PROGRAM", help="interop_peer.c, compiled")
    texts.add_labelled_argument(parser)
    parser.add_argument(
        "--limit", metavar="N", type=common.at_least(1), default=2000, help="time N texts (default: %(default)s)"
    )
    parser.add_argument("--texts", metavar="N", type=common.at_least(1), help="score N texts only, for a quick look")
    common.add_json_argument(parser)
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Measure the bundles' files in every runtime and give the content of the results file.

    Raises:
        common.BenchmarkError: A bundle is a single file, the texts are missing or have other labels than a bundle, or
            nothing works.
        edgetext.BundleError: A bundle is missing or damaged.
        ModuleNotFoundError: numpy or tqdm is not installed.
    """
    peers = Peers(args.mediapipe, args.node, args.c)
    for path in filter(os.path.isfile, args.model or ()):
        raise common.BenchmarkError(f"{path}: a single file; name the folder of the bundle that it belongs to")
    bundles = [Bundle.open(folder) for folder in args.model or [None]]
    found, timed = (texts.find(args.data, limit) for limit in (args.texts, args.limit))
    rows: list[dict[str, Any]] = []
    about: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Work(
            write_texts(Path(folder) / "scored", found.reviews),
            write_texts(Path(folder) / "timed", timed.reviews),
            write_texts(Path(folder) / "first", [texts.Review(FIRST_TEXT)]),
        )
        for index, bundle in enumerate(bundles):
            common.show(f"{bundle.name}: {len(bundle.models)} files, {found}", args.json)
            fits = find_fitting(bundle, found.reviews)
            rows += [{"bundle": index, **row} for row in measure_bundle(bundle, peers, found.reviews, work, fits)]
            length = bundle.preprocessing.max_length
            about.append({**records.identify(bundle), "max_length": length, "fitting": sum(fits)})
    if all("error" in row for row in rows):
        raise common.BenchmarkError("; or ".join(dict.fromkeys(row["error"] for row in rows)) or "no model to measure")
    return {
        "kind": "interop",
        "command": str(command),
        "environment": records.environment(),
        "bundles": about,
        "texts": found.describe(),
        "timed": timed.describe(),
        "rows": rows,
    }


def find_fitting(bundle: Bundle, reviews: Sequence[texts.Review]) -> list[bool]:
    """Say of each text whether it fits into the model's length, so that nothing is cut off."""
    ids, length = bundle.encoder().ids, bundle.preprocessing.max_length
    return [len(ids(review.text)) <= length for review in reviews]


def measure_bundle(
    bundle: Bundle, peers: Peers, reviews: Sequence[texts.Review], work: Work, fits: Sequence[bool]
) -> list[dict[str, Any]]:
    """Measure a bundle's files in every runtime and give their rows.

    Raises:
        common.BenchmarkError: A review has no label of the bundle's, or this Python cannot be started.
        edgetext.BundleError: The bundle is damaged.
    """
    from benchmarks import interop_rows, scoring

    expected = scoring.make_task(reviews, bundle.labels).labels
    chosen = list(subjects(bundle, peers))
    scored = []
    for subject in chosen:
        common.progress(f"scoring with {subject.name}")
        subject.introduce()
        scored.append(interop_rows.to_outputs(subject, subject.score(work.scored), len(reviews), bundle.labels))
    empty = _take_turns(chosen, work)
    common.progress("")
    rows = []
    reference: Outputs | None = None
    for subject, outputs in zip(chosen, scored):
        if subject.own:
            reference = outputs
        rows.append(interop_rows.row(subject, outputs, reference, expected, fits, empty))
    return rows


def _take_turns(chosen: Sequence[Subject], work: Work) -> float:
    """Time whole processes and windows of texts, everything in turns; give an empty Python's milliseconds."""
    empties = []
    for number in range(LAUNCHES + 1):
        started = time.perf_counter()
        launching.run([sys.executable, "-c", "pass"])
        empties.append(1e3 * (time.perf_counter() - started))
        for subject in chosen:
            common.progress(f"start {number + 1} of {LAUNCHES + 1}: {subject.name}")
            subject.launch(work.first, counted=number > 0)
    for number in range(ROUNDS):
        for subject in chosen:
            common.progress(f"round {number + 1} of {ROUNDS}: {subject.name}")
            subject.time(work.timed)
    return statistics.median(empties[1:])


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    from benchmarks.interop_rows import table

    return records.run("interop", argv, parse, measure, table)


if __name__ == "__main__":
    sys.exit(main())
