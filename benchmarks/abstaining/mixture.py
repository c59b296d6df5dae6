"""Mix labelled texts with as many of other kinds, and count what `--min-accuracy` answers of each.

Usage:

    python -m benchmarks.abstaining --other sms_spam.tsv trec_train.csv zh_reviews_test.csv
    python -m benchmarks.abstaining --model bundles/tickets --data test.csv --other news.txt --json found.json

Half of the texts are like those of the bundle's validation: --data, by default the test reviews. The others are equal
parts of each file, and of random words from the vocabulary. The same is counted for a single threshold for all labels,
which is set so that as many texts of the mixture are answered.

Exit codes: 0; 2 for a mistake, also if the bundle does not hold what was measured in validation.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measuring import command, results, texts
from benchmarks.measuring.layout import Part, Table, percent
from benchmarks.measuring.text_files import Text, read_texts
from edgetext import Bundle, Classifier
from edgetext.text import RESERVED
from edgetext.validation import read_validation
from edgetext.validation.thresholds import Limits, choose_limits

ACCURACIES = (0.9, 0.95)
RANDOM_WORDS, LENGTHS = "random words", (3, 60)


class Answer(NamedTuple):
    """What the classifier says of a text; whether that is right, which of other texts it never is."""

    label: str
    score: float
    known: float
    is_right: bool


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = command.make_parser(__doc__)
    parser.add_argument("--model", metavar="DIR", help="the bundle (default: the one that ships with edgetext)")
    texts.add_arguments(parser, "labelled texts", limit=10_000)
    about = "files of other texts: tables or lines; labels are ignored"
    parser.add_argument("--other", metavar="FILE", nargs="+", type=Path, required=True, help=about)
    return parser


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Classify the mixture and return the content of the results file."""
    bundle = Bundle.open(args.model)
    validation, classifier = read_validation(bundle), Classifier.load(args.model, quiet=True)
    found = texts.find(args.data, args.limit)
    each = len(found.texts) // (len(args.other) + 1)
    mixture = {found.source: found.texts}
    for path in args.other:
        mixture[path.name] = texts.choose(path.name, read_texts(path), each).texts
    mixture[RANDOM_WORDS] = draw_words(bundle.vocabulary().tokens[len(RESERVED) :], each)
    answers = {kind: _classify(classifier, given, kind == found.source) for kind, given in mixture.items()}
    rows: list[dict[str, Any]] = [{"kind": kind, "texts": len(given)} for kind, given in answers.items()]
    for accuracy in ACCURACIES:
        counts = count(answers, choose_limits(validation, accuracy))
        for row in rows:
            row[str(accuracy)] = counts[row["kind"]]
    return {"bundle": results.identify(bundle), "texts": found.describe(bundle.preprocessing.rules), "rows": rows}


def draw_words(words: Sequence[str], count: int) -> list[Text]:
    """Return texts of words drawn at random."""
    generator = random.Random(0)
    return [Text(" ".join(generator.choices(words, k=generator.randint(*LENGTHS)))) for _ in range(count)]


def _classify(classifier: Classifier, given: Sequence[Text], is_own: bool) -> list[Answer]:
    found = classifier.classify_many(text.text for text in given)
    return [
        Answer(one.label, one.score, one.known, is_own and one.label == text.label) for text, one in zip(given, found)
    ]


def count(answers: Mapping[str, Sequence[Answer]], limits: Limits) -> dict[str, dict[str, dict[str, int]]]:
    """Return, by the kind of texts, how many are answered and how many of these answers are right.

    Both are given for the ``limits``, and for one ``threshold`` that answers as many texts.
    """
    everything = [answer for given in answers.values() for answer in given]
    total = sum(limits.allow(*answer[:3]) for answer in everything)
    threshold = sorted((answer.score for answer in everything), reverse=True)[total - 1] if total else 2.0

    def describe(answered: Sequence[Answer]) -> dict[str, int]:
        return {"answered": len(answered), "right": sum(answer.is_right for answer in answered)}

    return {
        kind: {
            "limits": describe([answer for answer in given if limits.allow(*answer[:3])]),
            "threshold": describe([answer for answer in given if answer.score >= threshold]),
        }
        for kind, given in answers.items()
    }


def tables(found: results.Results) -> list[Part]:
    """Lay the results out."""
    ways = {"limits": "--min-accuracy {}", "threshold": "one threshold"}
    head = ["texts", "number", *(name.format(accuracy) for accuracy in ACCURACIES for name in ways.values())]
    lines = [[row["kind"], f"{row['texts']:,}", *_cells(row, ways)] for row in found["rows"]]
    total: dict[str, Any] = {"texts": sum(row["texts"] for row in found["rows"])}
    for accuracy in map(str, ACCURACIES):
        total[accuracy] = {
            way: {name: sum(row[accuracy][way][name] for row in found["rows"]) for name in ("answered", "right")}
            for way in ways
        }
    lines.append(["all", f"{total['texts']:,}", *_cells(total, ways)])
    note = (
        f"{found['bundle']['name']} on {texts.sentence(found['texts'])}, and as many others. Share of the texts that "
        "are answered, and in brackets how many of these answers are right; those to other texts never are. One "
        "threshold: the score from which on as many texts of the mixture are answered."
    )
    return [note, Table(head, lines)]


def _cells(row: dict[str, Any], ways: dict[str, str]) -> list[str]:
    cells = []
    for accuracy in map(str, ACCURACIES):
        for way in ways:
            counts = row[accuracy][way]
            right = f" ({percent(counts['right'] / counts['answered'], 1)})" if counts["right"] else ""
            cells.append(percent(counts["answered"] / row["texts"], 1) + right)
    return cells


main = command.make_main("abstaining", make_parser, measure, tables, program=("-m", "benchmarks.abstaining"))
