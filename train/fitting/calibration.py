"""Calibration: dividing logits by a temperature, so that probabilities match how often they are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from train.encoding.encoded import Splits
from train.metrics import label_probabilities, measure
from train.models import network
from train.models.recipe import Fitted, Predicted

Logits = npt.NDArray[np.float64]


def calibrate(fitted: Fitted, texts: Splits) -> tuple[keras.Model, float | None]:
    """Turn a network that was fitted on some texts into the one that is exported.

    The temperature becomes part of the weights. Where no word is known, the probabilities are the shares of the labels
    among the texts for training and validation.

    Returns:
        The network; and the temperature, None for a network without logits, which is not calibrated.
    """
    if fitted.unseen is None:
        return fitted.network, None
    recipe, temperature = fitted.recipe, temperature_of(fitted)
    counts = sum(np.bincount(part.targets, minlength=recipe.labels) for part in (texts.train, texts.validation))
    shares, width = np.asarray(counts) / np.sum(counts), texts.train.max_length
    model = network.finish_edge(fitted.network, width, recipe.choices, temperature, shares, recipe.word_characters)
    return model, temperature


def calibrated_loss(fitted: Fitted) -> float:
    """Return the mean cross-entropy of the texts that a network is calibrated with, after calibration."""
    assert fitted.unseen is not None
    return cross_entropy(fitted.unseen.logits / temperature_of(fitted), fitted.unseen.targets)


def temperature_of(fitted: Fitted) -> float:
    """Return the temperature of a fitted network with logits."""
    assert fitted.unseen is not None
    # The validation reviews are thousands, of which many are labelled wrongly, so they need no smoothing.
    smooth = fitted.cross_validated or fitted.recipe.choices.objective == "hinge"
    return _find_temperature(fitted.unseen, smooth=smooth)


def measure_calibrated(unseen: Predicted, labels: Sequence[str], *, smooth: bool) -> dict[str, Any]:
    """Return the metrics of predictions, as ``metrics.measure``, after calibration with themselves."""
    temperature = _find_temperature(unseen, smooth=smooth)
    return measure(to_probabilities(unseen.logits / temperature), unseen.targets, labels)


def _find_temperature(unseen: Predicted, *, smooth: bool) -> float:
    targets = unseen.targets if unseen.probabilities is None else unseen.probabilities
    return find_temperature(unseen.logits, targets, smooth=smooth)


def find_temperature(logits: Logits, targets: npt.NDArray[Any], *, smooth: bool = False) -> float:
    """Return the temperature that gives the lowest cross-entropy, by Newton's method on its inverse.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        logits: Those of the second of two labels, shape (texts,), or of each label, shape (texts, labels).
        targets: Index of the right label, shape (texts,); or the probability of each, shape (texts, labels).
        smooth: Whether to add one imaginary text per label that has these logits and any label, so that a few texts
            that are all right do not make the model certain of everything. After Platt, "Probabilistic Outputs for
            Support Vector Machines", 1999, whose targets are as far from 0 and 1.

    Returns:
        The temperature, limited to 0.1 to 10: there is none if the logits separate the texts without error.
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


def _derivatives(logits: Logits, targets: npt.NDArray[Any], inverse: float, spread: float) -> tuple[float, float]:
    """Return the first and second derivative of the summed cross-entropy by the inverse of the temperature.

    ``spread`` is the part of each target that is shared equally by all labels.
    """
    if logits.ndim == 1:
        probabilities = sigmoid(inverse * logits)
        targets = targets if targets.ndim == 1 else targets[:, 1]
        targets = targets * (1 - spread) + spread / 2 if spread else targets
        return float(logits @ (probabilities - targets)), float(logits**2 @ (probabilities * (1 - probabilities)))
    probabilities = softmax(inverse * logits)
    means = (probabilities * logits).sum(axis=1)
    squares = (probabilities * logits**2).sum(axis=1)
    own = logits[np.arange(len(logits)), targets] if targets.ndim == 1 else (targets * logits).sum(axis=1)
    right = (1 - spread) * own + spread * logits.mean(axis=1)
    return float((means - right).sum()), float((squares - means**2).sum())


def cross_entropy(logits: Logits, targets: npt.NDArray[Any]) -> float:
    """Return the mean cross-entropy; logits and indices of labels as for ``find_temperature``."""
    wide = np.stack([np.zeros_like(logits), logits], axis=1) if logits.ndim == 1 else logits
    highest = wide.max(axis=1)
    totals = highest + np.log(np.exp(wide - highest[:, None]).sum(axis=1))
    return float((totals - wide[np.arange(len(wide)), targets]).mean())


def to_probabilities(logits: Logits) -> Logits:
    """Return the probability of each label, shape (texts, labels), given logits as for ``find_temperature``."""
    return label_probabilities(sigmoid(logits)[:, None]) if logits.ndim == 1 else softmax(logits)


def sigmoid(logits: Logits) -> Logits:
    """Return the probabilities of the second of two labels, given its logits."""
    return np.asarray(1 / (1 + np.exp(-logits)))


def softmax(logits: Logits) -> Logits:
    """Return probabilities, given logits of shape (texts, labels)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
