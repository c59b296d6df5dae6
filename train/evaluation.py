"""Evaluating a model: accuracy, F1, loss and calibration, on whole texts and on short ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgetext.text import tokenize
from train.calibration import calibration_error
from train.data import Review
from train.rows import Encoded, Targets

# A sentence of a review stands for a short text if it has so many words.
SENTENCE_WORDS = (5, 40)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|<br />")


def evaluate(model: keras.Model, texts: Encoded, labels: Sequence[str]) -> dict[str, Any]:
    """Measure a model; where labels are equally probable, the first counts.

    Returns:
        ``loss`` (cross-entropy), ``accuracy``, ``macro_f1`` (see ``by_class``), ``ece`` (expected calibration error),
        each 0 to 1 but the loss; ``reviews``, the number of texts; of two labels ``positive``, the share of the texts
        that get the second; and ``classes``, for each label its ``precision``, ``recall``, ``f1`` and ``texts``.
    """
    parts = [by_label(model.predict(rows, batch_size=512, verbose=0)) for rows, _ in texts.chunks()]
    return measure(np.concatenate(parts), texts.targets, labels)


def by_label(outputs: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Give the probability of each label, shape (texts, labels), from what a network gives."""
    outputs = outputs.astype(np.float64)
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def measure(probabilities: npt.NDArray[np.float64], targets: Targets, labels: Sequence[str]) -> dict[str, Any]:
    """Compare probabilities, shape (texts, labels), with the indices of the right labels; see ``evaluate``."""
    chosen = probabilities.argmax(axis=1)
    # Keras' own bound on probabilities in its loss.
    right = np.clip(probabilities[np.arange(len(targets)), targets], 1e-7, 1 - 1e-7)
    classes = by_class(chosen, targets, labels)
    return {
        "loss": float(-np.log(right).mean()),
        "accuracy": float((chosen == targets).mean()),
        "macro_f1": float(np.mean([found["f1"] for found in classes.values()])),
        "ece": calibration_error(probabilities, targets),
        **({"positive": float((chosen == 1).mean())} if len(labels) == 2 else {}),
        "reviews": len(targets),
        "classes": classes,
    }


def by_class(chosen: npt.NDArray[Any], targets: Targets, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    """Give precision, recall, F1 and the number of texts of each label that is right or chosen for any text.

    What would be divided by zero is 0, as scikit-learn's ``classification_report(zero_division=0)`` has it; so is its
    choice of labels, over whose F1 the macro F1 is the plain mean.
    """
    size = len(labels)
    actual, predicted = np.bincount(targets, minlength=size), np.bincount(chosen, minlength=size)
    hits = np.bincount(targets[chosen == targets], minlength=size)
    return {
        label: {
            "precision": float(hits[place] / max(predicted[place], 1)),
            "recall": float(hits[place] / max(actual[place], 1)),
            "f1": float(2 * hits[place] / (actual[place] + predicted[place])),
            "texts": int(actual[place]),
        }
        for place, label in enumerate(labels)
        if actual[place] + predicted[place]
    }


def sentences(reviews: Iterable[Any]) -> Iterator[Review]:
    """Cut reviews into sentences of ``SENTENCE_WORDS`` words, each with its review's label.

    Many a sentence of a praising review does not praise, so no model can be right on all; they tell which model
    is better on short texts, not how good it is.
    """
    low, high = SENTENCE_WORDS
    for review in reviews:
        for sentence in _SENTENCE_END.split(review.text):
            if low <= len(tokenize(sentence)) <= high:
                yield review._replace(text=sentence)
