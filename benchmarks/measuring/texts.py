"""Finding and reading the texts to measure with."""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measuring.command import at_least
from benchmarks.measuring.text_files import ANY_READING, Reading, Text, add_reading_arguments, is_text_file, read_texts
from edgetext import EdgetextError
from edgetext.text import RuleSet

SAMPLE = Path(__file__).resolve().parents[1] / "sample_reviews.txt"
TEST_REVIEWS = "test reviews"
CAVEAT = (
    "2.9 % of these test labels are in doubt ([label errors](https://github.com/cleanlab/label-errors)), and one "
    "standard error of the accuracy is 0.18 points."
)


class Texts(NamedTuple):
    """The texts to measure with: what they are, such as ``"test reviews"``; those chosen; how many there were."""

    source: str
    texts: Sequence[Text]
    available: int

    def describe(self, rules: RuleSet) -> dict[str, Any]:
        """Return what a results file records of the texts; ``rules`` are those of the model that is measured."""
        words = count_words(self.texts, rules)
        return {"source": self.source, "count": len(self.texts), "available": self.available, "median_words": words}


def count_words(given: Sequence[Text], rules: RuleSet) -> float:
    """Return the median number of words of texts."""
    return statistics.median(len(rules.tokenize(text.text)) for text in given)


def sentence(described: dict[str, Any]) -> str:
    """Return what ``Texts.describe`` recorded in a few words."""
    count, available = described["count"], described["available"]
    of = "" if count == available else f" of {available:,}"
    return f"{count:,}{of} {described['source']}, median {described['median_words']:g} words"


def add_arguments(parser: argparse.ArgumentParser, form: str, limit: int | None = None) -> None:
    """Add ``--data``, which takes files of that form, and ``--limit`` with a default."""
    data = f"{form}, or the reviews' archive or folder (default: the test reviews)"
    parser.add_argument("--data", metavar="PATH", help=data)
    note = "use N of the texts, chosen by their hash" + ("" if limit is None else " (default: %(default)s)")
    parser.add_argument("--limit", metavar="N", type=at_least(1), default=limit, help=note)
    add_reading_arguments(parser)


def find(
    data: str | None, limit: int | None = None, *, fall_back: bool = False, reading: Reading = ANY_READING
) -> Texts:
    """Find and read the texts of ``--data`` and ``--limit``: for None the test reviews, or the sample."""
    if data is not None and is_text_file(Path(data)):
        return choose(f"texts of {os.path.basename(data)}", read_texts(Path(data), reading), limit)
    try:
        return choose(TEST_REVIEWS, load_reviews("test", data), limit)
    except (EdgetextError, ModuleNotFoundError) as error:
        if not fall_back or data is not None:
            raise
        reason = error if isinstance(error, EdgetextError) else "the training stage is not here"
        print(f"note: using the sample reviews: {reason}", file=sys.stderr)
        return choose(f"reviews of {SAMPLE.name}", read_texts(SAMPLE), limit)


def load_reviews(split: str, data: str | None) -> list[Text]:
    """Return a split of the movie reviews, as the training stage finds them."""
    from train.reviews.dataset import load_split

    return [Text(review.text, review.id, review.label) for review in load_split(split, data)]


def choose(source: str, texts: Sequence[Text], limit: int | None) -> Texts:
    """Return texts, or ``limit`` of them: the first in the order of the SHA-256 of their ids, or of the texts."""

    def order(text: Text) -> bytes:
        return hashlib.sha256((text.id or text.text).encode("utf-8", "surrogatepass")).digest()

    chosen = texts if limit is None or limit >= len(texts) else sorted(texts, key=order)[:limit]
    return Texts(source, chosen, len(texts))
