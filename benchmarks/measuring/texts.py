"""Finding and reading the texts to measure with."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measuring.command import at_least
from benchmarks.measuring.results import BenchmarkError
from edgetext import EdgetextError
from edgetext.text import tokenize

SAMPLE = Path(__file__).resolve().parents[1] / "sample_reviews.txt"
TEST_REVIEWS = "test reviews"
CAVEAT = (
    "2.9 % of these test labels are in doubt ([label errors](https://github.com/cleanlab/label-errors)), and one "
    "standard error of the accuracy is 0.18 points."
)


class Text(NamedTuple):
    """A text, with its id and its label where the source has them."""

    text: str
    id: str | None = None
    label: str | None = None


class Texts(NamedTuple):
    """The texts to measure with: what they are, such as ``"test reviews"``; those chosen; how many there were."""

    source: str
    texts: Sequence[Text]
    available: int

    def describe(self) -> dict[str, Any]:
        """Return what a results file records of the texts; words are counted as the runtime splits them."""
        words = statistics.median(len(tokenize(text.text)) for text in self.texts)
        return {"source": self.source, "count": len(self.texts), "available": self.available, "median_words": words}


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


def find(data: str | None, limit: int | None = None, *, fall_back: bool = False) -> Texts:
    """Find and read the texts of ``--data`` and ``--limit``: for None the test reviews, or the sample."""
    if data is not None and data.endswith((".jsonl", ".txt")):
        return choose(f"texts of {os.path.basename(data)}", _read(Path(data)), limit)
    try:
        return choose(TEST_REVIEWS, load_reviews("test", data), limit)
    except (EdgetextError, ModuleNotFoundError) as error:
        if not fall_back or data is not None:
            raise
        reason = error if isinstance(error, EdgetextError) else "the training stage is not here"
        print(f"note: using the sample reviews: {reason}", file=sys.stderr)
        return choose(f"reviews of {SAMPLE.name}", _read(SAMPLE), limit)


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


def _read(path: Path) -> list[Text]:
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise BenchmarkError(f"{path}: not UTF-8") from None
    parse = _parse_json if path.suffix == ".jsonl" else lambda line, where: Text(line)
    texts = [parse(line, f"{path}: line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not texts:
        raise BenchmarkError(f"{path}: has no text")
    return texts


def _parse_json(line: str, where: str) -> Text:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise BenchmarkError(f"{where}: not JSON") from None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise BenchmarkError(f"{where}: not an object with a string called 'text'")
    values = (record.get(name) for name in ("id", "label"))
    return Text(record["text"], *(value if isinstance(value, str) else None for value in values))
