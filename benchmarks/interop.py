"""Measure the files of bundles in other runtimes: are the answers the same, how accurate, how fast, how large?

Usage:

    make interop                                     # makes the runtimes and exports two bundles, then runs this
    python benchmarks/interop.py --mediapipe .venv-mediapipe/bin/python --node build/interop/node
    python benchmarks/interop.py --model bundles/mine --texts 1000

Every file is measured in edgetext. A TensorFlow Lite file is also measured in the plain interpreter, which gets the
ids that edgetext makes, and in MediaPipe, which gets text; an ONNX file that takes text in ONNX Runtime from Python,
from Node.js and from C; one that takes ids in ONNX Runtime, which gets edgetext's. The protocol is in
benchmarks/README.md.

MediaPipe 1.2 looks up a host of its maker's, so MediaPipe runs without a network (unshare).

Exit codes: 0, even if some runtimes do not work, which the table says; 2 for a mistake or if nothing works.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, processes, results, texts
from benchmarks.measuring.errors import BenchmarkError
from benchmarks.measuring.layout import Part, Table, megabytes, percent
from benchmarks.measuring.processes import FIRST_TEXT, PROGRAM, Protocol, Subject
from edgetext import Bundle
from edgetext.bundle.manifest import ModelFile

PROTOCOL = Protocol(launches=10, rounds=5)
NODE_PEER = str(Path(PROGRAM).with_name("peer.mjs"))
NO_ISOLATION = "not run: it must run without a network, and unshare does not work here"
_ISOLATIONS = (["unshare", "-n"], ["unshare", "-rn"])  # as root, and as another user


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    add = parser.add_argument
    add("--model", metavar="DIR", action="append", help="a bundle; may be repeated (default: the one that ships)")
    add("--mediapipe", metavar="PYTHON", action="append", default=[], help="a Python with MediaPipe; may be repeated")
    add("--node", metavar="DIR", help="a folder whose node_modules has onnxruntime-node")
    add("--c", metavar="PROGRAM", help="measuring/peer.c, compiled")
    add("--data", metavar="PATH", help="labelled texts (.jsonl), or the reviews (default: the test reviews)")
    add("--limit", metavar="N", type=command.at_least(1), default=2000, help="time N texts (default: %(default)s)")
    add("--texts", metavar="N", type=command.at_least(1), help="score N texts only, for a quick look")
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the bundles' files in every runtime and return the content of the results file."""
    for path in filter(os.path.isfile, args.model or ()):
        raise BenchmarkError(f"{path}: a single file; name the folder of the bundle that it belongs to")
    bundles = [Bundle.open(folder) for folder in args.model or [None]]
    found, timed = (texts.find(args.data, limit) for limit in (args.texts, args.limit))
    rows: list[dict[str, Any]] = []
    about = []
    with tempfile.TemporaryDirectory() as folder:
        first, files, scored = (
            processes.write_texts(Path(folder) / stem, given)
            for stem, given in (
                ("first", [FIRST_TEXT]),
                ("timed", [text.text for text in timed.texts]),
                ("scored", [text.text for text in found.texts]),
            )
        )
        for index, bundle in enumerate(bundles):
            command.say(f"{bundle.name}: {len(bundle.models)} files, {found}", args)
            subjects = list(make_subjects(bundle, args))
            ids, length = bundle.encoder().ids, bundle.preprocessing.max_length
            fits = [len(ids(text.text)) <= length for text in found.texts]
            compare(subjects, scored, found.texts, bundle.labels, fits)
            measured = processes.measure(subjects, first, files, PROTOCOL, load=False)
            rows += [{"bundle": index, **row} for row in measured]
            about.append({**results.identify(bundle), "max_length": length, "fitting": sum(fits)})
    if all("error" in row for row in rows):
        raise BenchmarkError("; or ".join(dict.fromkeys(row["error"] for row in rows)) or "no model to measure")
    return {"bundles": about, "texts": found.describe(), "timed": timed.describe(), "rows": rows}


def compare(
    subjects: Sequence[Subject], files: processes.Files, given: Sequence[texts.Text], labels: Sequence[str], fits: Any
) -> None:
    """Let the subjects score all texts, and add to their rows how the answers differ from edgetext's.

    Args:
        subjects: What to compare; for each model file edgetext comes first.
        files: Files of the texts.
        given: The texts.
        labels: The bundle's labels.
        fits: For each text, whether it fits into the model's length, so that nothing is truncated.
    """
    import numpy as np

    from benchmarks.measuring import scoring

    targets, chosen = scoring.find_targets(given, labels), np.array(fits)
    reference = None
    for subject in subjects:
        command.progress(f"scoring with {subject.row['file']} in {subject.row['runtime']}")
        own = subject.row["runtime"] == "edgetext"
        subject.describe()
        outputs = to_outputs(subject, subject.score(files), len(given), labels)
        reference = outputs if own else reference
        if outputs is None:
            continue
        subject.row["accuracy"] = scoring.accuracy(outputs, targets)
        if not own and reference is not None:
            subject.row["other_labels"] = scoring.compare("", outputs, reference)["labels_changed"] / len(given)
            if chosen.any():
                differences = scoring.compare("", outputs[chosen], reference[chosen])
                subject.row["fitting_other_labels"] = differences["labels_changed"] / int(chosen.sum())
                subject.row["fitting_max_difference"] = differences["max_difference"]


def to_outputs(subject: Subject, answers: Sequence[Any] | None, count: int, labels: Sequence[str]) -> Any:
    """Return the probabilities that a subject answered; None if it has not answered what was asked, its error."""
    import numpy as np

    if answers is None:
        return None
    if len(answers) != count:
        subject.error = f"it gave {len(answers)} answers to {count} texts"
    elif any(label not in labels or len(row) != len(labels) for label, row in answers):
        subject.error = f"its answers are not a label and {len(labels)} probabilities"
    return None if subject.error is not None else np.array([row for _, row in answers])


def make_subjects(bundle: Bundle, args: argparse.Namespace) -> Iterator[Subject]:
    """Return the subjects of a bundle; for each model file edgetext comes first, which the others are compared to."""
    offline = isolation() if args.mediapipe else None
    for model in bundle.models:
        file = os.path.abspath(os.path.join(bundle.folder, model.file))
        # A safetensors file cannot be used alone.
        path = os.path.abspath(bundle.folder) if model.engine == "builtin" else file
        options = ["--model", path, "--engine", model.engine, "--recipe", model.recipe]
        own = make_subject(bundle, model, "edgetext", f"{model.engine} {model.recipe} {path}")
        own.once = [sys.executable, str(processes.CLASSIFY), *options, FIRST_TEXT]
        yield own
        if model.engine == "tflite":
            yield make_subject(bundle, model, "litert", file)
            for python in args.mediapipe:
                subject = make_subject(bundle, model, "mediapipe", file, [*(offline or ()), python])
                subject.error = None if offline else NO_ISOLATION
                yield subject
        elif model.engine == "onnx" and model.recipe.endswith("_text"):
            yield make_subject(bundle, model, "onnxruntime_text", file)
            if args.node is not None:
                yield node_subject(bundle, model, file, args.node)
            if args.c is not None:
                yield c_subject(bundle, model, file, args.c)
        elif model.engine == "onnx":
            yield make_subject(bundle, model, "onnxruntime_ids", file)


def _row(bundle: Bundle, model: ModelFile, runtime: str) -> dict[str, Any]:
    given = "ids" if runtime in ("litert", "onnxruntime_ids") else "text"
    return {**results.describe_file(bundle, model), "runtime": runtime, "given": given}


def make_subject(
    bundle: Bundle, model: ModelFile, runtime: str, argument: str, python: Sequence[str] = (sys.executable,)
) -> Subject:
    """Return a model file in a runtime of runtimes.py."""
    return Subject(_row(bundle, model, runtime), [*python, PROGRAM, runtime, argument], [sys.executable])


def node_subject(bundle: Bundle, model: ModelFile, file: str, folder: str) -> Subject:
    """Return a model file in Node.js; all of node_modules must be installed."""
    modules = os.walk(os.path.join(folder, "node_modules"))
    installed = sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in modules for name in names)
    row = {**_row(bundle, model, "onnxruntime-node"), "installed": installed}
    return Subject(row, ["node", NODE_PEER, folder, file], [sys.executable])


def c_subject(bundle: Bundle, model: ModelFile, file: str, program: str) -> Subject:
    """Return a model file in a C program; the library must be installed."""
    done = subprocess.run(["ldd", program], capture_output=True, encoding="utf-8", check=False)
    library = re.search(r"libonnxruntime\S* => (\S+)", done.stdout)
    row = {**_row(bundle, model, "libonnxruntime"), "installed": os.path.getsize(library[1]) if library else None}
    return Subject(row, [os.path.abspath(program), file], [sys.executable], form="plain")


def isolation() -> list[str] | None:
    """Return the words that start a process without a network, if there is a way."""
    for words in _ISOLATIONS:
        try:
            if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
                return words
        except OSError:
            pass
    return None


def tables(found: results.Results) -> list[Part]:
    """Lay the results out: a table for each bundle."""
    head = ["file", "runtime", "given", "works", "accuracy", "other labels", "where it fits", "max difference"]
    head += ["text to label", "start", "ratio", "installed"]
    note = (
        "Other labels: than edgetext's with the same file; where it fits: among texts that are not truncated at the "
        "model's length, and there the largest difference of a probability. MediaPipe does not lower-case: it differs "
        "for capitalised words whose spelling the file does not list. Text to label: median of single texts, making "
        "the ids included. Start: a whole process that loads the file and classifies one text, and its ratio to "
        "`python -c pass`; for edgetext its command. Installed: a package with everything that it requires (edgetext "
        "with its default bundle, and the engine's package); node_modules; for C the library. Scored: "
        f"{texts.sentence(found['texts'])}. Timed: {texts.sentence(found['timed'])}."
    )
    parts: list[Part] = [note]
    for index, bundle in enumerate(found["bundles"]):
        rows = [_cells(row) for row in found["rows"] if row["bundle"] == index]
        count = f"{bundle['fitting']:,} of {found['texts']['count']:,}"
        parts += [f"{bundle['name']}: {count} texts fit into its {bundle['max_length']} ids:", Table(head, rows, 4)]
    return parts


def _cells(row: dict[str, Any]) -> list[str]:
    about = [row["file"], row["runtime"], row["given"]]
    if "error" in row:
        return [*about, f"no: {row['error']}", *[""] * 8]
    shares = [percent(row.get(name), 3) for name in ("other_labels", "fitting_other_labels")]
    difference = f"{row['fitting_max_difference']:.1g}" if "fitting_max_difference" in row else ""
    start, installed = row["startup"], megabytes(row["installed"])
    times = [f"{row['text_to_label']['median_us']:.0f} µs", f"{start['median_ms']:.0f} ms", f"{start['ratio']:.1f}"]
    return [*about, "yes", percent(row["accuracy"]), *shares, difference, *times, installed]


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return command.run("interop", argv, make_parser(), measure, tables)


if __name__ == "__main__":
    sys.exit(main())
