"""The movie reviews as labelled texts in splits.

Source: the Large Movie Review Dataset v1.0 of Maas et al., "Learning Word Vectors for Sentiment Analysis", ACL 2011.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgetext.keras_imdb import KERAS_IMDB
from train.dataset import SENTENCES, TRAIN, TYPOS, UNLABELLED, VALIDATION
from train.reviews.cache import prepare
from train.reviews.layout import LABELS, UNSUP
from train.reviews.typos import add_typos

SENTENCE_WORDS = (5, 40)  # fewest and most words of a sentence that stands for a short text
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|<br />")


class Review(NamedTuple):
    """A review."""

    id: str  # its name in the archive, below aclImdb/
    label: str | None  # one of layout.LABELS; None for an unlabelled review
    text: str
    movie: str | None = None  # its number at imdb.com; None if the source does not name it

    @property
    def probabilities(self) -> None:
        """None: reviews have labels."""


def load_split(split: str, source: str | os.PathLike[str] | None = None) -> list[Review]:
    """Return one of ``layout.SPLITS``, sorted by id; ``"unsup"`` may be empty. See ``cache.prepare``."""
    return _read_split(prepare(source), split)


def _read_split(folder: Path, split: str) -> list[Review]:
    with (folder / f"{split}.jsonl").open(encoding="utf-8") as file:
        return [Review(**json.loads(line)) for line in file]


def read_reviews(source: str | None, validation: int, *, by_movie: bool) -> Reviews:
    """Load the training reviews and divide them; see ``cache.prepare`` and ``split_validation``."""
    folder = prepare(source)
    return Reviews(folder, *split_validation(_read_split(folder, "train"), validation, by_movie=by_movie))


class Reviews:
    """The movie reviews as a ``train.dataset.Dataset``."""

    name = "imdb"
    labels = LABELS
    # The published word index is that of all training reviews.
    vocabulary_splits = (TRAIN, VALIDATION)
    may_be_copied = False

    def __init__(self, folder: Path, fitted: list[Review], validated: list[Review]) -> None:
        self._folder = folder
        self._splits = {TRAIN: fitted, VALIDATION: validated}

    def texts(self, split: str) -> Iterator[Review]:
        """Yield the reviews of a split; see ``Dataset``."""
        if split in self._splits:
            return iter(self._splits[split])
        if split == SENTENCES:
            return split_sentences(self._splits[VALIDATION])
        if split == TYPOS:
            generator = random.Random(0)  # the same typos for every model
            sentences = split_sentences(self._splits[VALIDATION])
            return (sentence._replace(text=add_typos(sentence.text, generator)) for sentence in sentences)
        return iter(_read_split(self._folder, UNSUP if split == UNLABELLED else split))

    def describe(self) -> dict[str, Any]:
        """Return the name of the dataset and the number of training reviews."""
        count = sum(map(len, self._splits.values()))
        return {"name": "Large Movie Review Dataset v1.0", "reviews": {"train": count}}


def split_sentences(reviews: Iterable[Review]) -> Iterator[Review]:
    """Yield the sentences of reviews that have ``SENTENCE_WORDS`` words, each with its review's label.

    Many sentences of a positive review are not positive themselves, so no model can label all of them correctly: the
    accuracy shows which model is better on short texts, not how good it is.
    """
    low, high = SENTENCE_WORDS
    for review in reviews:
        for sentence in _SENTENCE_END.split(review.text):
            if low <= len(KERAS_IMDB.tokenize(sentence)) <= high:
                yield review._replace(text=sentence)


def split_validation(
    reviews: Sequence[Review], count: int, *, by_movie: bool = False
) -> tuple[list[Review], list[Review]]:
    """Divide reviews into those to fit and those to validate on, depending on their names alone.

    The order is that of the SHA-256 of each review's id: as good as shuffled, and the same on every machine and for
    every version and seed.

    ``by_movie`` keeps a movie's reviews together (except for one movie, at the border). The test reviews are of other
    movies than the training reviews; validating on the movies that were fitted is too optimistic, because the names of
    actors and characters give labels away.

    Returns:
        The reviews to fit, and the ``count`` to validate on; each in the order of the SHA-256 of the id.

    Raises:
        ValueError: If nothing would be left to fit.
    """
    if count >= len(reviews):
        raise ValueError(f"{count} reviews to validate leave none of {len(reviews)} to fit")
    mixed = sorted(reviews, key=lambda review: _digest(review.id))
    ordered = sorted(mixed, key=lambda review: _digest(review.movie or review.id)) if by_movie else mixed
    fitted, validated = (
        sorted(part, key=lambda review: _digest(review.id)) for part in (ordered[count:], ordered[:count])
    )
    return fitted, validated


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
