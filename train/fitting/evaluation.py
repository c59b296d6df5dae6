"""Measuring a model on encoded texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from train.encoding.encoded import Encoded, Splits
from train.fitting.calibration import Calibrated
from train.metrics import label_probabilities, measure
from train.models.recipe import Fitted


def measure_validation(model: keras.Model, texts: Splits, labels: Sequence[str]) -> dict[str, Any]:
    """Return the metrics on the validation texts and, if there are any, on their sentences and their first words."""
    metrics = {"validation": evaluate(model, texts.validation, labels)}
    if len(texts.sentences):
        metrics["validation_short"] = evaluate(model, texts.validation.first_words(), labels)
        metrics["validation_sentences"] = evaluate(model, texts.sentences, labels)
    return metrics


def describe_fitting(fitted: Fitted, calibrated: Calibrated, texts: Splits, seconds: float) -> dict[str, Any]:
    """Return what ``metrics.json`` records of the fitting itself."""
    found: dict[str, Any] = {}
    if calibrated.temperature is not None:
        found |= {"unlabelled": len(texts.unlabelled), "temperature": calibrated.temperature}
    if fitted.recipe.refits:
        found["refitted"] = len(texts.train) + len(texts.validation)
    return {
        **found,
        "parameters": calibrated.model.count_params(),
        "epochs": len(fitted.history["loss"]),
        "fit_seconds": round(seconds, 1),
    }


def evaluate(model: keras.Model, texts: Encoded, labels: Sequence[str]) -> dict[str, Any]:
    """Predict the labels of texts and compare them with the right ones, as ``metrics.measure`` does."""
    parts = [label_probabilities(model.predict(ids, batch_size=512, verbose=0)) for ids, _ in texts.chunks()]
    return measure(np.concatenate(parts), texts.targets, labels)
