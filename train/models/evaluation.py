"""Measuring a model on encoded texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from train.encoding.encoded import Encoded
from train.metrics import label_probabilities, measure


def evaluate(model: keras.Model, texts: Encoded, labels: Sequence[str]) -> dict[str, Any]:
    """Predict the labels of texts and compare them with the right ones, as ``metrics.measure`` does."""
    parts = [label_probabilities(model.predict(ids, batch_size=512, verbose=0)) for ids, _ in texts.chunks()]
    return measure(np.concatenate(parts), texts.targets, labels)
