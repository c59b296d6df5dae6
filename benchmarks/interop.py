"""Measure the files of bundles in other runtimes: are the answers the same, how accurate, how fast, how large?

Usage (`make interop` makes the runtimes and exports two bundles first):

    python benchmarks/interop.py --mediapipe .venv-mediapipe/bin/python --node build/interop/node

Every file is measured in edgetext, a TensorFlow Lite file also in MediaPipe, an ONNX file that takes text also in ONNX
Runtime from Python, from Node.js and from C. The protocol is in benchmarks/README.md. MediaPipe 1.2 looks up a host of
its maker's, so MediaPipe runs without a network (unshare).

Exit codes: 0, even if some runtimes do not work, which the table says; 2 for a mistake or if nothing works.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import command, processes, results, texts
from benchmarks.measuring.layout import Part, Table, megabytes, percent
from benchmarks.measuring.processes import FIRST_TEXT, PROGRAM, Protocol, Subject
from benchmarks.measuring.results import BenchmarkError
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
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the bundles' files in every runtime and return the content of the results file."""
    for path in filter(os.path.isfile, args.model or ()):
        raise BenchmarkError(f"{path}: a single file; name the folder of the bundle that it belongs to")
    bundles = [Bundle.open(folder) for folder in args.model or [None]]
    found, timed = (texts.find(args.data, limit) for limit in (None, args.limit))
    rows: list[dict[str, Any]] = []
    about = []
    for index, bundle in enumerate(bundles):
        command.say(f"{bundle.name}: {len(bundle.models)} files, {len(found.texts):,} texts", args)
        ids, length = bundle.encoder().ids, bundle.preprocessing.max_length
        fits = np.array([len(ids(text.text)) <= length for text in found.texts])
        subjects = list(make_subjects(bundle, args))
        compare(subjects, found.texts, list(bundle.labels), fits)
        measured = processes.measure(subjects, timed, PROTOCOL, load=False)
        rows += [{"bundle": index, **row} for row in measured]
        about.append({**results.identify(bundle), "max_length": length, "fitting": int(fits.sum())})
    if all("error" in row for row in rows):
        raise BenchmarkError("; or ".join(dict.fromkeys(row["error"] for row in rows)) or "no model to measure")
    rules = bundles[0].preprocessing.rules
    return {"bundles": about, "texts": found.describe(rules), "timed": timed.describe(rules), "rows": rows}


def compare(subjects: list[Subject], given: Sequence[texts.Text], labels: list[str], fits: Any) -> None:
    """Let the subjects score texts, and add to their rows how the answers differ from edgetext's, which come first.

    ``fits`` says whether the model reads all of a text, shape (texts,).
    """
    from benchmarks.measuring import scoring

    targets, reference = scoring.find_targets(given, labels), None
    with command.open_folder(None) as folder:
        files = processes.write_texts(folder / "texts", [text.text for text in given])
        for subject in subjects:
            own = subject.row["runtime"] == "edgetext"
            outputs = to_outputs(subject, subject.score(files), len(targets), labels)
            reference = outputs if own else reference
            if outputs is not None:
                subject.row["accuracy"] = scoring.accuracy(outputs, targets)
            if outputs is not None and reference is not None and not own:
                subject.row["other_labels"] = scoring.compare("", outputs, reference)["labels_changed"] / len(targets)
                if fits.any():
                    found = scoring.compare("", outputs[fits], reference[fits])
                    subject.row["fitting_other_labels"] = found["labels_changed"] / int(fits.sum())
                    subject.row["fitting_max_difference"] = found["max_difference"]


def to_outputs(subject: Subject, answers: list[Any] | None, count: int, labels: list[str]) -> Any:
    """Return the probabilities that a subject answered; None if it has not answered what was asked, its error."""
    if answers is not None and len(answers) != count:
        subject.error = f"it gave {len(answers)} answers to {count} texts"
    elif any(label not in labels or len(row) != len(labels) for label, row in answers or ()):
        subject.error = f"its answers are not a label and {len(labels)} probabilities"
    return None if answers is None or subject.error else np.array([row for _, row in answers])


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
        for python in args.mediapipe if model.engine == "tflite" else ():
            subject = make_subject(bundle, model, "mediapipe", file, [*(offline or ()), python])
            subject.error = None if offline else NO_ISOLATION
            yield subject
        if model.recipe.endswith("_text"):
            yield make_subject(bundle, model, "onnxruntime_text", file)
            yield from [node_subject(bundle, model, file, args.node)] if args.node else []
            yield from [c_subject(bundle, model, file, args.c)] if args.c else []


def make_subject(
    bundle: Bundle, model: ModelFile, runtime: str, argument: str, python: Sequence[str] = (sys.executable,)
) -> Subject:
    """Return a model file in a runtime of runtimes.py."""
    row = {**results.describe_file(bundle, model), "runtime": runtime}
    return Subject(row, [*python, PROGRAM, runtime, argument], sys.executable)


def node_subject(bundle: Bundle, model: ModelFile, file: str, folder: str) -> Subject:
    """Return a model file in Node.js; all of node_modules must be installed."""
    installed = sum(path.lstat().st_size for path in Path(folder, "node_modules").rglob("*") if not path.is_dir())
    row = {**results.describe_file(bundle, model), "runtime": "onnxruntime-node", "installed": installed}
    return Subject(row, ["node", NODE_PEER, folder, file], sys.executable)


def c_subject(bundle: Bundle, model: ModelFile, file: str, program: str) -> Subject:
    """Return a model file in a C program; the library must be installed."""
    done = subprocess.run(["ldd", program], capture_output=True, encoding="utf-8", check=False)
    library = re.search(r"libonnxruntime\S* => (\S+)", done.stdout)
    installed = os.path.getsize(library[1]) if library else None
    row = {**results.describe_file(bundle, model), "runtime": "libonnxruntime", "installed": installed}
    return Subject(row, [os.path.abspath(program), file], sys.executable, form="plain")


def isolation() -> list[str] | None:
    """Return the words that start a process without a network, if there is a way."""
    for words in _ISOLATIONS if shutil.which("unshare") else ():
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    return None


def tables(found: results.Results) -> list[Part]:
    """Lay the results out: a table for each bundle; times are relative to edgetext with the same file."""
    head = ["file", "runtime", "works", "accuracy", "other labels", "where it fits", "max difference"]
    head += ["text to label, × edgetext", "start, × edgetext", "installed"]
    note = (
        "Labels and times are compared with those of edgetext with the same file. Where it fits: other labels among "
        "the texts that the model does not truncate. Max difference: the largest of a probability on those texts. "
        "Start: a whole process that classifies one text. Installed: a package with all its requirements; for edgetext "
        f"and its default bundle. Scored: {texts.sentence(found['texts'])}. Timed: {texts.sentence(found['timed'])}."
    )
    parts: list[Part] = [note]
    for index, bundle in enumerate(found["bundles"]):
        rows = [row for row in found["rows"] if row["bundle"] == index and row.get("given", "text") == "text"]
        own = {row["file"]: row for row in reversed(rows) if row["runtime"].startswith("edgetext")}
        count = f"{bundle['fitting']:,} of {found['texts']['count']:,}"
        lines = [_cells(row, own[row["file"]]) for row in rows]
        parts += [f"{bundle['name']}: {count} texts fit into its {bundle['max_length']} ids:", Table(head, lines, 3)]
    return parts


def _cells(row: dict[str, Any], own: dict[str, Any]) -> list[str]:
    if "error" in row:
        return [row["file"], row["runtime"], f"no: {row['error']}", *[""] * 7]
    shares = [percent(row.get(name), 3) for name in ("other_labels", "fitting_other_labels")]
    difference = f"{row['fitting_max_difference']:.1g}" if "fitting_max_difference" in row else ""
    times = ["", ""]
    if "error" not in own:
        pairs = (("text_to_label", "median_us"), ("startup", "median_ms"))
        times = [f"{row[part][name] / own[part][name]:.1f}" for part, name in pairs]
    accuracy, installed = percent(row["accuracy"]), megabytes(row["installed"])
    return [row["file"], row["runtime"], "yes", accuracy, *shares, difference, *times, installed]


main = command.make_main("interop", make_parser, measure, tables)

if __name__ == "__main__":
    sys.exit(main(None))
