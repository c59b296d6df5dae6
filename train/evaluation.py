"""Evaluating a model: accuracy, loss and calibration, on whole reviews and on short texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgetext.text import PAD_ID, tokenize
from train.data import Review
from train.rows import Rows, Targets

# As in Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
CALIBRATION_BINS = 15
# A sentence of a review stands for a short text if it has so many words.
SENTENCE_WORDS = (5, 40)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|<br />")


def evaluate(model: keras.Model, rows: Rows, targets: Targets) -> dict[str, float | int]:
    """Measure a model; a probability of exactly one half counts as the first label.

    Returns:
        ``loss`` (binary cross-entropy), ``accuracy``, ``ece`` (expected calibration error), ``positive`` (share of the
        texts that get the second label), each 0 to 1 but the loss, and ``reviews``, their number.
    """
    probabilities = model.predict(rows, batch_size=512, verbose=0)[:, 0].astype(np.float64)  # (reviews,)
    chosen = probabilities > 0.5
    # Keras' own bound on probabilities in its loss.
    bounded = np.clip(probabilities, 1e-7, 1 - 1e-7)
    return {
        "loss": float(-np.log(np.where(targets > 0.5, bounded, 1 - bounded)).mean()),
        "accuracy": float((chosen == (targets > 0.5)).mean()),
        "ece": calibration_error(probabilities, targets),
        "positive": float(chosen.mean()),
        "reviews": len(rows),
    }


def calibration_error(probabilities: npt.NDArray[Any], targets: npt.NDArray[Any]) -> float:
    """Give the expected calibration error: by how much confidence and accuracy differ, weighted by texts.

    Naeini et al., AAAI 2015, with ``CALIBRATION_BINS`` equal bins of the chosen label's probability.

    Args:
        probabilities: Of the second label, shape (texts,).
        targets: 1 for the second label, 0 for the first, shape (texts,).
    """
    confidence = np.maximum(probabilities, 1 - probabilities)
    right = (probabilities > 0.5) == (targets > 0.5)
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, confidence - right, CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(targets))


def first_words(rows: Rows, count: int = 10) -> Rows:
    """Cut rows of ids to the start mark and the first ``count`` ids after it, of those that the row has.

    Rows of long reviews cut at their front have no start mark; they are cut to ``count + 1`` ids like the others.
    """
    return np.where(np.arange(rows.shape[1]) <= count, rows, PAD_ID).astype(np.int32)


def sentences(reviews: Sequence[Review]) -> Iterator[Review]:
    """Cut reviews into sentences of ``SENTENCE_WORDS`` words, each with its review's label.

    Many a sentence of a praising review does not praise, so no model can be right on all; they tell which model
    is better on short texts, not how good it is.
    """
    low, high = SENTENCE_WORDS
    for review in reviews:
        for sentence in _SENTENCE_END.split(review.text):
            if low <= len(tokenize(sentence)) <= high:
                yield review._replace(text=sentence)
