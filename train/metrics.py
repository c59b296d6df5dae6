"""Classification metrics: accuracy, F1, loss and calibration error of predicted probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_fscore_support

CALIBRATION_BINS = 15  # as in Guo et al., "On Calibration of Modern Neural Networks", ICML 2017

Probabilities = npt.NDArray[np.float64]


def label_probabilities(outputs: npt.NDArray[Any]) -> Probabilities:
    """Return the probability of each label, shape (texts, labels).

    ``outputs`` has that shape too, or (texts, 1) with the probability of the second of two labels.
    """
    outputs = outputs.astype(np.float64)
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def expected_calibration_error(probabilities: npt.NDArray[Any], targets: npt.NDArray[Any]) -> float:
    """Return the expected calibration error: the gap between confidence and accuracy, weighted by texts.

    Naeini et al., AAAI 2015, with ``CALIBRATION_BINS`` equal bins of the predicted label's probability.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, confidence - right, CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(targets))


def measure(probabilities: Probabilities, targets: npt.NDArray[Any], labels: Sequence[str]) -> dict[str, Any]:
    """Compare labels' probabilities, shape (texts, labels), with the indices of the right labels, shape (texts,).

    Of equally probable labels the first is predicted.

    Returns:
        ``loss`` (cross-entropy); ``accuracy``, ``macro_f1`` (the mean F1 of ``classes``) and ``ece`` (expected
        calibration error), each from 0 to 1; ``texts``, their number; for two labels ``positive``, the share of texts
        predicted to have the second; and ``classes``: ``precision``, ``recall``, ``f1`` and ``texts`` of each label
        that is right or predicted for at least one text.
    """
    predicted = probabilities.argmax(axis=1)
    # Keras' own bound on probabilities in its loss.
    right = np.clip(probabilities[np.arange(len(targets)), targets], 1e-7, 1 - 1e-7)
    present = np.union1d(targets, predicted)
    scores = precision_recall_fscore_support(targets, predicted, labels=present, zero_division=0)
    return {
        "loss": float(-np.log(right).mean()),
        "accuracy": float((predicted == targets).mean()),
        "macro_f1": float(scores[2].mean()),
        "ece": expected_calibration_error(probabilities, targets),
        **({"positive": float((predicted == 1).mean())} if len(labels) == 2 else {}),
        "texts": len(targets),
        "classes": {
            labels[place]: {"precision": float(p), "recall": float(r), "f1": float(f), "texts": int(count)}
            for place, p, r, f, count in zip(present, *scores)
        },
    }
