"""Compare the shipped bundle with fastText and a tuned scikit-learn model: accuracy, size, latency, one-shot start.

Usage:

    make peers                                       # makes the two environments, then runs this; about 30 minutes
    python benchmarks/peers.py --python build/peers/bin/python --trainer build/fasttext-train/bin/python

All are trained on the same 25,000 labelled reviews and measured in one run, in turns, with the same Python:

  edge                       the shipped bundle, with each of its engines
  edge, 2^14 buckets         trained again at the size of the fastText model
  edge, labelled reviews only    trained again without the 50,000 unlabelled reviews that the preset learns from
  fastText, lower case       words and bigrams, quantised, texts in lower case
  fastText, tokens           the same, texts split into the tokens of edgetext, without punctuation
  scikit-learn               tf-idf of words and bigrams and a linear classifier, tuned by cross-validation

Preparing a text is part of every latency. The protocol is in benchmarks/README.md. fasttext-wheel trains,
fasttext-predict predicts, and both are called ``fasttext``, hence two environments.

Exit codes: 0; 2 for a mistake, or if something cannot be trained or does not work.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import latency, sweep
from benchmarks.measuring import command, processes, results, runtimes, texts
from benchmarks.measuring.errors import BenchmarkError
from benchmarks.measuring.layout import Part, Table, kilobytes, megabytes, percent
from benchmarks.measuring.processes import Protocol, Subject
from edgetext import Bundle

# The published recipe for a small model: dimension 10, bigrams, 10,000 features kept (Joulin et al., "FastText.zip",
# 2016, and the fastText documentation on quantisation).
FASTTEXT = {
    "train": {"dim": 10, "wordNgrams": 2, "lr": 0.5, "epoch": 5, "thread": 1, "verbose": 0},
    "quantize": {"cutoff": 10_000, "retrain": True, "qnorm": True, "verbose": 0},
}
_TRAIN_FASTTEXT = """
import json, sys
import fasttext
source, model, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
trained = fasttext.train_supervised(input=source, **options["train"])
trained.quantize(input=source, **options["quantize"])
trained.save_model(model)
"""
# The shortest programs that classify one text with fastText: of a model, a text, and the folder of edgetext.
_ONCE = "import sys, fasttext; print(fasttext.load_model(sys.argv[1]).predict(sys.argv[2].lower())[0][0])"
_ONCE_TOKENS = (
    "import sys; sys.path.insert(0, sys.argv[3]); import fasttext; from edgetext.text import tokenize; "
    "print(fasttext.load_model(sys.argv[1]).predict(' '.join(tokenize(sys.argv[2])))[0][0])"
)
# By name: the runtime, how a text is prepared, the one-shot program, and the tokens in words.
FORMS: dict[str, tuple[str, Callable[[str], str], str, str]] = {
    "fastText, lower case": ("fasttext_lower", runtimes.lower, _ONCE, "split at spaces, lower case"),
    "fastText, tokens": ("fasttext_tokens", runtimes.tokens, _ONCE_TOKENS, "words, lower case"),
}
# What the retrained models are called, and the options that train them.
RETRAINED = {
    "edge, 2^14 buckets": ["--buckets", str(2**14)],
    "edge, labelled reviews only": ["--choice", "teacher_buckets=0"],
}
UNLABELLED = 50_000
PROTOCOL = Protocol(launches=20)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    add, packages = parser.add_argument, "fasttext-predict, scikit-learn, ai-edge-litert and onnxruntime"
    add("--python", metavar="PYTHON", required=True, help=f"a Python that measures everything, with {packages}")
    add("--trainer", metavar="PYTHON", required=True, help="a Python with fasttext-wheel")
    add("--data", metavar="PATH", help="the reviews' archive or folder (default: as python -m train)")
    add("--limit", metavar="N", type=command.at_least(1), default=2000, help="time N reviews (default: %(default)s)")
    add("--keep", metavar="DIR", type=Path, help="keep all trained models there")
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
            subject.describe()
            answers = subject.score(scored) or []
            right = sum(label == text.label for (label, _), text in zip(answers, test))
            subject.row["accuracy"] = right / len(test)
        command.say(f"timing {timed}", args)
        first = processes.write_texts(folder / "first", [processes.FIRST_TEXT])
        files = processes.write_texts(folder / "timed", [text.text for text in timed.texts])
        rows = processes.measure(subjects, first, files, PROTOCOL)
    for row in rows:
        if "error" in row:
            raise BenchmarkError(f"{row['name']}: {row['error']}")
    about = {"bundle": results.identify(Bundle.open()), "texts": timed.describe()}
    return {**about, "trained_on": len(train), "tested_on": len(test), "rows": rows}


def make_subjects(train: Sequence[texts.Text], folder: Path, args: argparse.Namespace) -> Iterator[Subject]:
    """Train everything that does not ship, and return what to measure."""
    python = [args.python]
    bundle = Bundle.open()
    for model in bundle.models:
        yield _edge("edge", latency.make_subject(bundle, model, python, None, plain=model is bundle.models[0]))
    data = [] if args.data is None else ["--data", str(Path(args.data).absolute())]
    for number, (name, options) in enumerate(RETRAINED.items()):
        command.say(f"training {name}", args)
        run, out = folder / f"run-{number}", folder / f"bundle-{number}"
        sweep.train(run, [*options, "--no-test", *data])
        sweep.export(run, out, "safetensors")
        retrained = Bundle.open(out)
        yield _edge(name, latency.make_subject(retrained, retrained.models[0], python, str(out)))
    for name, (runtime, prepare, once, tokens) in FORMS.items():
        command.say(f"training {name}", args)
        file = str(folder / f"{runtime}.ftz")
        train_fasttext(args.trainer, train, prepare, file)
        given = {"unlabelled": 0, "tokens": tokens, "ngrams": "words, hashed bigrams"}
        words = [*python, "-c", once, file, processes.FIRST_TEXT, str(command.ROOT / "runtime")]
        row = {"name": name, "size": Path(file).stat().st_size, **given}
        yield Subject(row, [*python, processes.PROGRAM, runtime, file], python, once=words)
    command.say("tuning scikit-learn", args)
    yield make_linear_subject(train, folder / "scikit-learn", python)


def _edge(name: str, subject: Subject) -> Subject:
    unlabelled = 0 if "labelled" in name else UNLABELLED
    subject.row.update(name=name, unlabelled=unlabelled, tokens="words, lower case", ngrams="words, hashed bigrams")
    return subject


def train_fasttext(python: str, train: Sequence[texts.Text], prepare: Callable[[str], str], out: str) -> None:
    """Train and quantise a fastText model."""
    # fastText takes texts in the order of the file, so they are shuffled.
    ordered = sorted(train, key=lambda text: hashlib.sha256(str(text.id).encode()).digest())
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as source:
        source.writelines(f"__label__{text.label} {prepare(text.text)}\n" for text in ordered)
        source.flush()
        try:
            processes.run([python, "-c", _TRAIN_FASTTEXT, source.name, out, json.dumps(FASTTEXT)])
        except processes.LaunchError as error:
            raise BenchmarkError(f"fastText cannot be trained: {error}") from None


def make_linear_subject(train: Sequence[texts.Text], folder: Path, python: Sequence[str]) -> Subject:
    """Tune and fit scikit-learn's model and return it as a subject."""
    from benchmarks.measuring import linear_models

    labels = [str(text.label) for text in train]
    chosen = linear_models.search([text.text for text in train], labels, linear_models.REVIEWS, balance=False)
    given = {"unlabelled": 0, "tokens": "words, lower case", "ngrams": "words, bigrams"}
    row = {"name": "scikit-learn", "size": linear_models.save(chosen.pipeline, folder), **given, **chosen.about}
    return Subject(row, [*python, processes.PROGRAM, "scikit_learn", str(folder)], python)


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    rows = compared(found)
    head = ["model", "accuracy", "size", "text to label", "95th percentile", "× split", "one-shot", "× bare Python"]
    given = []
    for row in rows:
        chosen = f"{row['features']}; {row['classifier']}" if "features" in row else ""
        counts = [f"{found['trained_on']:,}", f"{row['unlabelled']:,}"]
        given.append([row["name"], *counts, row["tokens"], row["ngrams"], megabytes(row.get("installed")), chosen])
    given_head = ["model", "labelled reviews", "unlabelled", "tokens", "n-grams", "installed", "chosen"]
    note = (
        f"Accuracy on {found['tested_on']:,} test reviews; timed with {texts.sentence(found['texts'])}. Size: what "
        "scoring reads, weights and vocabulary; a fastText file holds its dictionary; of scikit-learn, the pickled "
        "pipeline. × split: relative to `text.lower().split()`. One-shot: a whole process that classifies one text, "
        "and its ratio to `python -c pass`. Edge is run by edgetext's builtin engine."
    )
    what = "What each was given; installed is the package with everything that it requires:"
    return [note, Table(head, list(map(_cells, rows))), texts.CAVEAT, what, Table(given_head, given)]


def compared(found: results.Results) -> list[dict[str, Any]]:
    """Return a row of each model: of the shipped bundle, that of the builtin engine."""
    return [row for row in found["rows"] if row.get("engine", "builtin") == "builtin"]


def _cells(row: dict[str, Any]) -> list[str]:
    times, start = row["text_to_label"], row.get("startup")
    started = [f"{start['median_ms']:.0f} ms", f"{start['ratio']:.2f}"] if start else ["", ""]
    timed = [f"{times['median_us']:.0f} µs", f"{times['p95_us']:.0f} µs", f"{times['ratio']:.1f}"]
    return [row["name"], percent(row["accuracy"]), kilobytes(results.bytes_read(row)), *timed, *started]


def summary_tables(found: results.Results) -> list[Part]:
    """Lay out the summary: one row for edgetext, fastText and scikit-learn."""
    names = {"edge": "edgetext", "fastText, tokens": "fastText", "scikit-learn": "scikit-learn"}
    head = ["", "accuracy", "size", "text to label", "one-shot start"]
    rows = []
    for row in compared(found):
        if row["name"] in names:
            _, accuracy, size, label, _, _, start, ratio = _cells(row)
            rows.append([names[row["name"]], accuracy, size, label, f"{start}, {ratio} × bare Python" if start else ""])
    return [Table(head, rows)]


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return command.run("peers", argv, make_parser(), measure, tables)


if __name__ == "__main__":
    sys.exit(main())
