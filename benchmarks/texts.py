"""Finding and reading the texts to measure with.

``--data`` names a file (``.jsonl`` with the field ``text``, and ``label`` where accuracy is measured, or ``.txt`` with
a text a line), or what ``python -m train.data --data`` takes: the archive of the reviews or the folder it unpacks to.
Without it that command is asked for the test reviews. No stage's code is imported for that: the command prints a path.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.common import ROOT, BenchmarkError, at_least, last_line
from edgetext.text import tokenize

SAMPLE = ROOT / "benchmarks" / "sample_reviews.txt"
TEST_REVIEWS = "test reviews"


class Review(NamedTuple):
    """A text, with its id and its label where the file gives them."""

    text: str
    id: str | None = None
    label: str | None = None


class Texts(NamedTuple):
    """The texts to measure with.

    Attributes:
        source: What they are, for people: ``"test reviews"`` or the file's name.
        reviews: Those chosen.
        available: How many there were to choose from.
    """

    source: str
    reviews: Sequence[Review]
    available: int

    def describe(self) -> dict[str, Any]:
        """Say in a results file which texts were used; ``median_words`` counts words as the runtime does."""
        words = statistics.median(len(tokenize(review.text)) for review in self.reviews)
        return {
            "source": self.source,
            "reviews": len(self.reviews),
            "available": self.available,
            "median_words": words,
        }

    def __str__(self) -> str:
        """Say so in a few words."""
        if len(self.reviews) == self.available:
            return f"{self.available:,} {self.source}"
        return f"{len(self.reviews):,} of {self.available:,} {self.source}"


def add_labelled_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--data`` for a benchmark of accuracy, which needs labels."""
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="labelled texts (.jsonl with text and label), or the reviews' archive or folder "
        "(default: as python -m train)",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--data`` and ``--limit`` for a benchmark of speed, which needs no labels."""
    parser.add_argument(
        "--data",
        metavar="PATH",
        help="texts (.jsonl with text, or .txt with a text a line), or the reviews' archive or folder "
        f"(default: the test reviews where they are found, else benchmarks/{SAMPLE.name})",
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=at_least(1),
        default=2000,
        help="measure with N of the texts, drawn by their hash (default: %(default)s)",
    )


def find(data: str | None, limit: int | None = None, *, fall_back: bool = False) -> Texts:
    """Find and read the texts.

    Args:
        data: The value of ``--data``.
        limit: Take so many; they are the first in the order of the SHA-256 of their ids (of their text, where they
            have none), as good as drawn at random and the same every time.
        fall_back: Take the sample reviews of this folder where ``train`` is not there or finds no reviews, and
            ``data`` is None.

    Raises:
        BenchmarkError: There is no such file, it is not of one of the forms above, or it holds no text.
    """
    path, source = _locate(data, fall_back)
    try:
        reviews = list(_read(path))
    except UnicodeDecodeError:
        raise BenchmarkError(f"{path}: not UTF-8") from None
    if not reviews:
        raise BenchmarkError(f"{path}: holds no text")
    chosen = reviews if limit is None or limit >= len(reviews) else sorted(reviews, key=_order)[:limit]
    return Texts(source, chosen, len(reviews))


def _locate(data: str | None, fall_back: bool) -> tuple[Path, str]:
    """Give the file to read, and what to call it."""
    if data is not None and data.endswith((".jsonl", ".txt")):
        return Path(data), f"texts of {os.path.basename(data)}"
    if not fall_back or data is not None:
        return ask_train(data), TEST_REVIEWS
    reason = "there is no train folder here"
    if (ROOT / "train").is_dir():
        try:
            return ask_train(None), TEST_REVIEWS
        except BenchmarkError as error:
            reason = str(error) or "the reviews were not found"
    print(f"note: the sample reviews are used: {reason}", file=sys.stderr)
    return SAMPLE, f"reviews of {SAMPLE.name}"


def ask_train(data: str | None, split: str = "test") -> Path:
    """Ask the training stage for the file of a split of the reviews; the first time it may download them.

    Raises:
        BenchmarkError: It cannot find them; the message is empty if it has printed its own.
    """
    command = [sys.executable, "-m", "train.data", "--split", split]
    if data is not None:
        command += ["--data", os.path.abspath(data)]
    # On a terminal its progress bar and its errors go straight there.
    direct = sys.stderr.isatty()
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=None if direct else subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        reason = last_line(done.stderr or "") or f"python {' '.join(command[1:])} failed"
        raise BenchmarkError("" if direct else reason)
    sys.stderr.write(done.stderr or "")
    return Path(done.stdout.strip())


def _order(review: Review) -> bytes:
    return hashlib.sha256((review.id or review.text).encode("utf-8", "surrogatepass")).digest()


def _read(path: Path) -> Iterator[Review]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            yield Review(line.rstrip("\n")) if path.suffix == ".txt" else _record(line, f"{path}: line {number}")


def _record(line: str, where: str) -> Review:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise BenchmarkError(f"{where}: not JSON") from None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise BenchmarkError(f"{where}: not an object with a string called 'text'")
    values = (record.get(name) for name in ("id", "label"))
    return Review(record["text"], *(value if isinstance(value, str) else None for value in values))
