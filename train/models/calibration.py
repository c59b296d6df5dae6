"""Calibration: by what to divide logits so that probabilities mean what they say, and how far they do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def temperature(logits: npt.NDArray[np.float64], targets: npt.NDArray[Any], *, smooth: bool = False) -> float:
    """Find the temperature by which to divide logits for the lowest cross-entropy.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017; found by Newton's method on its inverse.

    Args:
        logits: Those of the second of two labels, shape (texts,), or one a label, shape (texts, labels).
        targets: The index of the right label, shape (texts,).
        smooth: Count as if there were one text more for each label, with these logits and any label: a few texts that
            are all right do not make sure of everything. After Platt, "Probabilistic Outputs for Support Vector
            Machines", 1999, whose targets are as far from 0 and 1.

    Returns:
        The temperature, kept between 0.1 and 10: logits that separate the texts without error have no best one.
    """
    inverse = 1.0
    labels = 2 if logits.ndim == 1 else logits.shape[1]
    spread = labels / (len(logits) + labels) if smooth else 0.0
    for _ in range(50):
        slope, curvature = _derivatives(logits, targets, inverse, spread)
        step = slope / max(curvature, 1e-9)
        inverse = min(max(inverse - step, 0.1), 10.0)
        if abs(step) < 1e-9:
            break
    return 1 / inverse


def _derivatives(
    logits: npt.NDArray[np.float64], targets: npt.NDArray[Any], inverse: float, spread: float
) -> tuple[float, float]:
    """Give the first and the second derivative of the summed cross-entropy by the inverse of the temperature.

    ``spread`` is the part of each target that all labels share alike.
    """
    if logits.ndim == 1:
        probabilities = sigmoid(inverse * logits)
        targets = targets * (1 - spread) + spread / 2 if spread else targets
        return float(logits @ (probabilities - targets)), float(logits**2 @ (probabilities * (1 - probabilities)))
    probabilities = softmax(inverse * logits)
    means = (probabilities * logits).sum(axis=1)
    squares = (probabilities * logits**2).sum(axis=1)
    right = (1 - spread) * logits[np.arange(len(logits)), targets] + spread * logits.mean(axis=1)
    return float((means - right).sum()), float((squares - means**2).sum())


def cross_entropy(logits: npt.NDArray[np.float64], targets: npt.NDArray[Any]) -> float:
    """Give the mean cross-entropy; logits and targets as for ``temperature``."""
    wide = np.stack([np.zeros_like(logits), logits], axis=1) if logits.ndim == 1 else logits
    highest = wide.max(axis=1)
    totals = highest + np.log(np.exp(wide - highest[:, None]).sum(axis=1))
    return float((totals - wide[np.arange(len(wide)), targets]).mean())


def sigmoid(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turn logits of the second of two labels into its probabilities."""
    probabilities: npt.NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    return probabilities


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turn logits of shape (texts, labels) into probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
