"""Making a bundle's ``validation.json`` from the predictions that a run holds of texts that were not fitted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetext import Bundle, BundleError
from edgetext.validation import BINS, FORMAT_VERSION, THRESHOLDS, read_validation
from train.fitting.validation import Validation
from train.metrics import wilson_interval
from train.run import Run

DIGITS = 6  # of a share


def make_validation(run: Run, shifts: Mapping[str, Any]) -> bytes | None:
    """Return the content of ``validation.json``; None if the run does not hold the predictions.

    Args:
        run: The run.
        shifts: For each model file of the bundle, by name, what ``compare.measure_shift`` returned.
    """
    if run.validation is None:
        return None
    found, labels = run.validation, run.config["labels"]
    answered, right = _count_answered(found, len(labels))
    record = {
        "format_version": FORMAT_VERSION,
        "labels": labels,
        "texts": len(found.places),
        "least_known": float(found.known.min()),
        "curve": [
            _describe(threshold, int(given), int(correct), len(found.places))
            for threshold, given, correct in zip(THRESHOLDS, answered.sum(axis=0), right.sum(axis=0))
        ],
        "answered": answered.tolist(),
        "right": right.tolist(),
        "scores": _count_bins(found.probabilities.max(axis=1)),
        "known": _count_bins(found.known),
        "files": dict(shifts),
    }
    return (json.dumps(record, ensure_ascii=False) + "\n").encode()


def _count_answered(found: Validation, labels: int) -> tuple[Any, Any]:
    """Return how many texts get each label at each threshold, and how many of these are right: (labels, thresholds)."""
    predicted, scores = found.probabilities.argmax(axis=1), found.probabilities.max(axis=1)
    answered, right = np.zeros((2, labels, len(THRESHOLDS)), np.int64)
    for place, threshold in enumerate(THRESHOLDS):
        given = scores >= threshold
        answered[:, place] = np.bincount(predicted[given], minlength=labels)
        right[:, place] = np.bincount(predicted[given & (predicted == found.targets)], minlength=labels)
    return answered, right


def _describe(threshold: float, answered: int, right: int, texts: int) -> dict[str, Any]:
    """Return a point of the curve: the share of texts that are answered, and the accuracy of these."""
    point = {"threshold": threshold, "answered": round(answered / texts, DIGITS)}
    if not answered:
        return point
    interval = [round(end, DIGITS) for end in wilson_interval(right / answered, answered)]
    return {**point, "accuracy": round(right / answered, DIGITS), "interval": interval}


def _count_bins(shares: npt.NDArray[Any]) -> list[int]:
    return np.bincount(np.minimum((shares * BINS).astype(int), BINS - 1), minlength=BINS).tolist()


def read_shifts(bundle: Bundle) -> dict[str, Any]:
    """Return what the ``validation.json`` of a bundle says of its model files; nothing if it has none that is whole."""
    try:
        return read_validation(bundle).files
    except BundleError:
        return {}
