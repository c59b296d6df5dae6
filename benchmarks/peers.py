"""Compare the shipped bundle with fastText and a tuned scikit-learn model: accuracy, size, latency, one-shot start.

Usage:

    make peers                                       # makes the two environments, then runs this; about 30 minutes
    python benchmarks/peers.py --python build/peers/bin/python --trainer build/fasttext-train/bin/python

All are trained on the same labelled reviews and measured in one run, in turns, with the same Python; see README.md in
this folder. fasttext-wheel trains and fasttext-predict predicts; both are called ``fasttext``: two environments.

Exit codes: 0; 2 for a mistake, or if something cannot be trained or does not work.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import latency, sweep
from benchmarks.measuring import command, processes, results, runtimes, texts
from benchmarks.measuring.layout import Part, Table, megabytes, percent
from benchmarks.measuring.processes import PROGRAM, Protocol, Subject
from benchmarks.measuring.results import BenchmarkError
from edgetext import Bundle

PROTOCOL = Protocol(launches=60)
ACCURATE = command.ROOT / "runtime/bundles/accurate"
# What the models that are trained again are called, and the options that train them.
RETRAINED = {
    "edge, 2^14 buckets": ["--buckets", str(2**14)],
    "edge, labelled reviews only": ["--teacher", "none"],
}
# The published recipe for a small model: dimension 10, bigrams, 10,000 features kept (Joulin et al., "FastText.zip",
# 2016, and the fastText documentation on quantisation).
FASTTEXT = {
    "train": {"dim": 10, "wordNgrams": 2, "lr": 0.5, "epoch": 5, "thread": 1, "verbose": 0},
    "quantize": {"cutoff": 10_000, "retrain": True, "qnorm": True, "verbose": 0},
}
_TRAIN = """
import json, sys
import fasttext
source, model, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
trained = fasttext.train_supervised(input=source, **options["train"])
trained.quantize(input=source, **options["quantize"])
trained.save_model(model)
"""
# The shortest programs that classify a text with fastText, by its preparation: of a model, a text, edgetext's folder.
ONCE = {
    "lower case": "import sys, fasttext; print(fasttext.load_model(sys.argv[1]).predict(sys.argv[2].lower())[0][0])",
    "tokens": "import sys; sys.path.insert(0, sys.argv[3]); import fasttext; "
    "from edgetext.keras_imdb import KERAS_IMDB; "
    "print(fasttext.load_model(sys.argv[1]).predict(' '.join(KERAS_IMDB.tokenize(sys.argv[2])))[0][0])",
}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    add, packages = parser.add_argument, "fasttext-predict, scikit-learn, ai-edge-litert and onnxruntime"
    add("--python", metavar="PYTHON", required=True, help=f"a Python that measures everything, with {packages}")
    add("--trainer", metavar="PYTHON", required=True, help="a Python with fasttext-wheel")
    add("--data", metavar="PATH", help="the reviews' archive or folder (default: as python -m train)")
    add("--limit", metavar="N", type=command.at_least(1), default=2000, help="time N reviews (default: %(default)s)")
    add(
        "--keep",
        metavar="DIR",
        type=Path,
        help="keep the trained models there; those that are there are not trained again",
    )
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Train and measure all models, and return the content of the results file."""
    train, test = texts.load_reviews("train", args.data), texts.load_reviews("test", args.data)
    timed = texts.choose(texts.TEST_REVIEWS, test, args.limit)
    with command.open_folder(args.keep) as folder:
        subjects = list(make_subjects(train, folder, args))
        scored = processes.write_texts(folder / "test", [text.text for text in test])
        for subject in subjects:
            command.progress(f"scoring with {subject.row['name']}")
            answers = subject.score(scored) or []
            right = sum(label == text.label for (label, _), text in zip(answers, test))
            subject.row["accuracy"] = right / len(test)
        command.say(f"timing {len(timed.texts):,} texts", args)
        rows = processes.measure(subjects, timed, PROTOCOL)
    for row in rows:
        if "error" in row:
            raise BenchmarkError(f"{row['name']}: {row['error']}")
        if row["name"] in ("accurate", *RETRAINED):
            # Not comparable with the default bundle: --model makes the command import argparse.
            del row["startup"]
    version = processes.run([args.python, "-c", "import platform; print('CPython', platform.python_version())"]).strip()
    environment = {**results.environment(), "python": version}
    bundle = Bundle.open()
    about = {"bundle": results.identify(bundle), "texts": timed.describe(bundle.preprocessing.rules)}
    return {"environment": environment, **about, "trained_on": len(train), "tested_on": len(test), "rows": rows}


def make_subjects(train: Sequence[texts.Text], folder: Path, args: argparse.Namespace) -> Iterator[Subject]:
    """Train everything that does not ship, and return what to measure."""
    from benchmarks.measuring import linear_models

    def edge(name: str, bundle: Bundle, path: str | None = None) -> Iterator[Subject]:
        for model in bundle.models:
            subject = latency.make_subject(bundle, model, args.python, path)
            subject.row["name"] = name
            yield subject

    yield from edge("edge", Bundle.open())
    yield from edge("accurate", Bundle.open(ACCURATE), str(ACCURATE))
    data = [] if args.data is None else ["--data", str(Path(args.data).absolute())]
    for number, (name, options) in enumerate(RETRAINED.items()):
        run, out = folder / f"run-{number}", folder / f"bundle-{number}"
        if not out.exists():
            command.say(f"training {name}", args)
            sweep.train(run, [*options, "--no-test", *data])
            sweep.export(run, out, "safetensors")
        yield from edge(name, Bundle.open(out), str(out))
    for form, once in ONCE.items():
        file = str(folder / f"{form}.ftz")
        if not Path(file).exists():
            command.say(f"training fastText, {form}", args)
            train_fasttext(args.trainer, train, form, file)
        words = [args.python, "-c", once, file, processes.FIRST_TEXT, str(command.ROOT / "runtime")]
        row = {"name": f"fastText, {form}", "size": Path(file).stat().st_size}
        yield Subject(row, [args.python, PROGRAM, "fasttext", f"{form}:{file}"], args.python, once=words)
    tuned = folder / "linear.json"
    if not tuned.exists():
        command.say("tuning scikit-learn", args)
        given, labels = [text.text for text in train], [str(text.label) for text in train]
        pipeline, about = linear_models.search(given, labels, linear_models.FAMILIES["reviews"], balance=False)
        row = {"name": "scikit-learn", "size": linear_models.save(pipeline, folder / "linear"), **about}
        tuned.write_text(json.dumps(row), encoding="utf-8")
    yield Subject(
        json.loads(tuned.read_text("utf-8")),
        [args.python, PROGRAM, "scikit_learn", str(folder / "linear")],
        args.python,
    )


def train_fasttext(python: str, train: Sequence[texts.Text], form: str, out: str) -> None:
    """Train and quantise a fastText model on texts that are prepared in a form."""
    # fastText takes texts in the order of the file, so they are shuffled.
    ordered = sorted(train, key=lambda text: hashlib.sha256(str(text.id).encode()).digest())
    prepare = runtimes.FORMS[form]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as source:
        source.writelines(f"__label__{text.label} {prepare(text.text)}\n" for text in ordered)
        source.flush()
        processes.run([python, "-c", _TRAIN, source.name, out, json.dumps(FASTTEXT)])


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    head = ["model", "accuracy", "size", "text to label", "95th percentile", "× split", "one-shot", "× bare Python"]
    rows = compared(found)
    chosen = [f"{row['features']}; {row['classifier']}" for row in rows if "features" in row]
    note = (
        f"Trained on {found['trained_on']:,} labelled reviews; accuracy on {found['tested_on']:,} test reviews; timed "
        f"with {texts.sentence(found['texts'])}. Size: weights and vocabulary; a fastText file contains "
        "its dictionary; for scikit-learn, the pickled pipeline. × split: relative to `text.lower().split()`. "
        "One-shot: a whole process that classifies one text, and its ratio to `python -c pass`. Installed: the package "
        "with all its requirements. Edge and accurate run in the engine builtin."
    )
    lines = [[*_cells(row), megabytes(row.get("installed"))] for row in rows]
    tuned = [f"Tuning chose {chosen[0]}."] if chosen else []
    return [note, Table([*head, "installed"], lines), *tuned, texts.CAVEAT]


def compared(found: results.Results) -> list[dict[str, Any]]:
    """Return a row of each model: of the shipped bundle, that of the builtin engine."""
    return [row for row in found["rows"] if row.get("engine", "builtin") == "builtin"]


def _cells(row: dict[str, Any]) -> list[str]:
    times, start = row["text_to_label"], row.get("startup")
    started = [f"{start['median_ms']:.0f} ms", f"{start['ratio']:.2f}"] if start else ["", ""]
    timed = [f"{times['median_us']:.0f} µs", f"{times['p95_us']:.0f} µs", f"{times['ratio']:.1f}"]
    return [row["name"], percent(row["accuracy"]), f"{results.bytes_read(row) / 1000:,.0f} kB", *timed, *started]


def summary_tables(found: results.Results) -> list[Part]:
    """Lay out the summary: one row for edgetext, fastText and scikit-learn."""
    names = {"edge": "edgetext", "fastText, tokens": "fastText", "scikit-learn": "scikit-learn"}
    rows = []
    for name, accuracy, size, label, _, _, start, ratio in map(_cells, compared(found)):
        if name in names:
            rows.append([names[name], accuracy, size, label, f"{start}, {ratio} × bare Python" if start else ""])
    return [Table(["", "accuracy", "size", "text to label", "one-shot start"], rows)]


main = command.make_main("peers", make_parser, measure, tables)

if __name__ == "__main__":
    sys.exit(main(None))
