"""Classification metrics: accuracy with its interval, F1, loss and calibration error of predicted probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_fscore_support

MOST_SHOWN = 10  # labels in a line
FEWEST_MISSED = 3  # texts of a label whose recall says anything
CALIBRATION_BINS = 15  # as in Guo et al., "On Calibration of Modern Neural Networks", ICML 2017
NORMAL_95 = 1.959964  # 95 % of a normal distribution are within this many standard deviations
# With fewer texts an accuracy is shown with its interval; with very few, rounded more, and no calibration error, of
# which each bin would have some texts only.
FEW_TEXTS, VERY_FEW_TEXTS = 1_000, 100

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


def measure_agreement(probabilities: Probabilities, given: npt.NDArray[Any]) -> dict[str, Any]:
    """Compare labels' probabilities with given ones, both of shape (texts, labels).

    Returns:
        ``agreement``, the share of texts for which both have the same most probable label, the first of equal ones;
        ``agreement_interval``, as ``wilson_interval``; ``cross_entropy``, the mean over the texts, which is at least
        ``entropy``, that of the given ones; and ``texts``, their number.
    """
    given = given.astype(np.float64)
    agreement = float((probabilities.argmax(axis=1) == given.argmax(axis=1)).mean())
    logs = np.log(np.clip(probabilities, 1e-7, 1 - 1e-7))  # the bounds of ``measure``
    return {
        "agreement": agreement,
        "agreement_interval": list(wilson_interval(agreement, len(given))),
        "cross_entropy": float(-(given * logs).sum(axis=1).mean()),
        "entropy": float(-(given * np.log(np.maximum(given, 1e-300))).sum(axis=1).mean()),
        "texts": len(given),
    }


def wilson_interval(share: float, texts: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share of texts, such as an accuracy; both from 0 to 1.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 1927. Unlike the normal
    approximation it also holds for few texts and for shares near 0 or 1. It takes the texts for independent of each
    other.
    """
    weight = NORMAL_95**2 / texts
    middle = share + weight / 2
    half = math.sqrt(weight * (share * (1 - share) + weight / 4))
    low, high = ((middle + sign * half) / (1 + weight) for sign in (-1, 1))
    return min(max(low, 0.0), share), max(min(high, 1.0), share)  # whatever the rounding


def show_accuracy(accuracy: float, texts: int) -> str:
    """Return an accuracy as text, such as ``90%``; with few texts its interval is behind it."""
    if texts >= FEW_TEXTS:
        return f"{accuracy:.2%}"
    digits = 0 if texts < VERY_FEW_TEXTS else 1
    low, high = wilson_interval(accuracy, texts)
    return f"{accuracy:.{digits}%} (95% interval {low:.{digits}%} to {high:.{digits}%})"


def show_scores(measured: Mapping[str, Any]) -> str:
    """Return the accuracy and the macro F1 of what ``measure`` returned as text."""
    digits = 2 if measured["texts"] < VERY_FEW_TEXTS else 3
    accuracy = show_accuracy(measured["accuracy"], measured["texts"])
    return f"accuracy {accuracy}, macro F1 {measured['macro_f1']:.{digits}f}"


def print_history(title: str, history: Mapping[str, Sequence[float]], seconds: float, texts: int) -> None:
    """Print how long a network was fitted, and the accuracy that it reached on that number of validation texts."""
    epochs = len(history["loss"])
    reached = f", validation accuracy {show_accuracy(history['val_accuracy'][-1], texts)}" if texts else ""
    print(f"{title}: {epochs} epoch{'s' * (epochs > 1)}, {seconds:.0f} s{reached}", flush=True)


def measure(probabilities: Probabilities, targets: npt.NDArray[Any], labels: Sequence[str]) -> dict[str, Any]:
    """Compare labels' probabilities, shape (texts, labels), with the indices of the right labels, shape (texts,).

    Of equally probable labels the first is predicted.

    Returns:
        ``loss`` (cross-entropy); ``accuracy``, ``accuracy_interval`` (as ``wilson_interval``), ``macro_f1`` (the mean
        F1 of ``classes``) and ``ece`` (expected calibration error), each from 0 to 1; ``texts``, their number; for two
        labels ``positive``, the share of texts predicted to have the second; and ``classes``: ``precision``,
        ``recall``, ``f1`` and ``texts`` of each label that is right or predicted for at least one text.
    """
    predicted = probabilities.argmax(axis=1)
    # Keras' own bound on probabilities in its loss.
    right = np.clip(probabilities[np.arange(len(targets)), targets], 1e-7, 1 - 1e-7)
    accuracy = float((predicted == targets).mean())
    present = np.union1d(targets, predicted)
    scores = precision_recall_fscore_support(targets, predicted, labels=present, zero_division=0)
    return {
        "loss": float(-np.log(right).mean()),
        "accuracy": accuracy,
        "accuracy_interval": list(wilson_interval(accuracy, len(targets))),
        "macro_f1": float(scores[2].mean()),
        "ece": expected_calibration_error(probabilities, targets),
        **({"positive": float((predicted == 1).mean())} if len(labels) == 2 else {}),
        "texts": len(targets),
        "classes": {
            labels[place]: {"precision": float(p), "recall": float(r), "f1": float(f), "texts": int(count)}
            for place, p, r, f, count in zip(present, *scores)
        },
    }


def print_metrics(metrics: dict[str, Any]) -> None:
    """Print what was measured, and a warning about labels that are rarely recognised."""
    names = {
        "validation": "validation",
        "validation_sentences": "validation sentences",
        "validation_typos": "validation sentences with typos",
        "cross_validation": "cross-validation",
        "test": "test",
    }
    if "refitted" in metrics:
        names["validation"] += " (before fitting again)"
    for key, name in names.items():
        if found := metrics.get(key):
            positive = f", {found['positive']:.1%} called positive" if key.endswith("sentences") else ""
            ece = f", calibration error {found['ece']:.3f}" if found["texts"] >= VERY_FEW_TEXTS else ""
            print(f"{name}: {show_scores(found)}{ece}{positive}, of {found['texts']:,} texts")
        if found := metrics.get(f"{key}_agreement"):
            agreement = show_accuracy(found["agreement"], found["texts"])
            print(
                f"{name}: agreement with the given probabilities {agreement}, cross-entropy "
                f"{found['cross_entropy']:.3f} of at least {found['entropy']:.3f}, of {found['texts']:,} texts"
            )
    sources = [key for key in ("test", "cross_validation", "validation") if key in metrics]
    if not sources and not any(f"{key}_agreement" in metrics for key in names):
        print("warning: nothing is known of its accuracy, because no text could be held out: add different texts")
    judged: set[str] = set()  # labels that an earlier source has enough texts of
    for source in sources:
        classes = metrics[source]["classes"].items()
        counted = {label: of for label, of in classes if of["texts"] >= FEWEST_MISSED and label not in judged}
        judged |= {*counted}
        if missed := find_missed(counted):
            more = f" and {len(missed) - MOST_SHOWN:,} more" if len(missed) > MOST_SHOWN else ""
            print(f"warning: recall below 50% in {names[source]}: {', '.join(missed[:MOST_SHOWN])}{more}")


def find_missed(classes: dict[str, Any]) -> list[str]:
    """Return the labels that fewer than half of their texts get, the worst first, each with its recall."""
    missed = [(found["recall"], label, found["texts"]) for label, found in classes.items()]
    return [f"{label!r} {recall:.0%} of {texts:,}" for recall, label, texts in sorted(missed) if recall < 0.5]
