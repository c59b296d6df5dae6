"""What scikit-learn's linear models make of the same texts: the peer that every text classifier has to stand beside.

The usual calls, with the splits of a run:

    python -m train.texts --data tickets.csv --split train > train.jsonl          # and so validation and test
    python benchmarks/linear_peer.py --train train.jsonl validation.jsonl --test test.jsonl
    python benchmarks/linear_peer.py --train train.jsonl --test test.jsonl --family words --json peer.json

Bags of n-grams, each kind apart from the others: of words in lower case; of words, with marks and capitals where they
help; of characters. The classifier is LinearSVC or LogisticRegression. Tokens, lengths of n-grams, weighting, rare
n-grams, regularisation and class weights are chosen by accuracy in 5-fold cross-validation on the texts to train on;
what was chosen is fitted to all of them, and labels the test texts once. Nothing is drawn anew from call to call.

Exit codes: 0, 2 for a mistake.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, metrics, records, texts

FAMILIES = ("words in lower case", "words", "characters")


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--train", metavar="FILE", nargs="+", required=True, help="texts to train on, JSON lines with text and label"
    )
    parser.add_argument("--test", metavar="FILE", required=True, help="texts to test on, likewise")
    parser.add_argument(
        "--family", action="append", choices=FAMILIES, help="n-grams of these only; may be repeated (default: all)"
    )
    common.add_json_argument(parser)
    return parser.parse_args(argv)


def measure(args: argparse.Namespace, command: common.Command) -> dict[str, Any]:
    """Choose, fit and test, and give the content of the results file.

    Raises:
        common.BenchmarkError: A file is missing, has a text without a label, or there are too few to train on.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    found = texts.find(args.test)
    train = [review for file in args.train for review in texts.find(file).reviews]
    common.show(f"choosing on {len(train):,} texts", args.json)
    rows = compare(train, found.reviews, args.family or FAMILIES)
    return {
        "kind": "linear_peer",
        "command": str(command),
        "environment": records.environment(),
        "texts": found.describe(),
        "trained_on": len(train),
        "rows": rows,
    }


def compare(
    train: Sequence[texts.Review], test: Sequence[texts.Review], families: Sequence[str] = FAMILIES
) -> list[dict[str, Any]]:
    """Choose and fit on some texts, and test on others.

    Returns:
        A row for each family: ``family``, ``features`` and ``classifier``, in words; ``candidates``, how many were
        compared in the end; their ``cross_validation`` accuracy, 0 to 1; ``seconds`` for all; and of the test texts
        ``accuracy`` and what ``metrics.describe`` gives.

    Raises:
        common.BenchmarkError: A text has no label, or there are too few to train on.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    import numpy as np

    from benchmarks import linear_search

    given, labels = _apart(train)
    unseen, truth = _apart(test)
    known = sorted({*labels, *truth})
    if sum(count > 1 for count in Counter(labels).values()) < 2:
        raise common.BenchmarkError("to choose by cross-validation takes two texts at least of two labels")
    rows = []
    for family in families:
        common.progress(f"linear models over n-grams of {family}")
        started = time.perf_counter()
        candidates = linear_search.search(given, np.array(labels), family)
        chosen = max(candidates, key=lambda candidate: candidate.accuracy)  # the first of equals
        answers = linear_search.predict(given, np.array(labels), unseen, chosen).tolist()
        right = sum(map(str.__eq__, answers, truth))
        rows.append(
            {
                "family": family,
                "library": f"scikit-learn {version('scikit-learn')}",
                "features": str(chosen.features),
                "classifier": str(chosen.classifier),
                "candidates": len(candidates),
                "cross_validation": round(chosen.accuracy, metrics.DIGITS),
                "seconds": round(time.perf_counter() - started, 1),
                "accuracy": round(right / len(truth), metrics.DIGITS),
                **metrics.describe(truth, answers, known),
            }
        )
    common.progress("")
    return rows


def _apart(reviews: Sequence[texts.Review]) -> tuple[list[str], list[str]]:
    """Take labelled texts apart.

    Raises:
        common.BenchmarkError: One has no label.
    """
    for number, review in enumerate(reviews, 1):
        if review.label is None:
            raise common.BenchmarkError(f"{review.id or f'text {number}'}: it has no label")
    return [review.text for review in reviews], [review.label for review in reviews if review.label is not None]


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    head = ["n-grams of", "accuracy", "macro F1", "in cross-validation", "seconds", "chosen"]
    rows = [
        [
            row["family"],
            f"{row['accuracy']:.2%}",
            f"{row['macro_f1']:.2%}",
            f"{row['cross_validation']:.2%}",
            f"{row['seconds']:.0f}",
            f"{row['features']}; {row['classifier']}",
        ]
        for row in results["rows"]
    ]
    return common.format_table(head, rows)


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    return records.run("linear_peer", argv, parse, measure, table)


if __name__ == "__main__":
    sys.exit(main())
