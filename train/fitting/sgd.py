"""Stochastic gradient descent, one text at a time, for linear models of many sparse features."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from train.fitting.calibration import cross_entropy
from train.fitting.compiled import compiled
from train.metrics import print_history
from train.models.choices import Choices
from train.models.presets import Settings

Table = npt.NDArray[np.float32]


def fit_sgd(
    features: Any,
    targets: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    scales: Table,
    start: Table,
    validation: tuple[Any, npt.NDArray[np.int64]] | None,
    settings: Settings,
    choices: Choices,
    title: str,
) -> tuple[Table, npt.NDArray[np.float64], dict[str, list[float]]]:
    """Fit the weights of features to the probabilities of labels.

    In each text each feature is left out with the probability ``choices.dropout``, and the others count more in return
    (Wager et al., "Dropout Training as Adaptive Regularization", 2013). The learning rate falls linearly to zero.

    Args:
        features: A scipy.sparse.csr_matrix of shape (texts, features).
        targets: The probability of each label, shape (texts, labels).
        weights: Those of the texts in the loss, shape (texts,).
        scales: The learning rate of a feature is multiplied by their squares, shape (features, num_outputs).
        start: Weights to start with, shape (features, num_outputs).
        validation: The features of other texts, and the indices of their labels; None if there are none.
        settings: Epochs, patience and seed.
        choices: Learning rate and dropout.
        title: Printed first.

    Returns:
        Weights, shape (features, num_outputs); biases, shape (num_outputs,); and the history, as ``loop.fit`` returns.
    """
    generator, started = np.random.default_rng(settings.seed), time.monotonic()
    table, bias, squares = start.copy(), np.zeros(start.shape[1]), scales**2
    state = generator.integers(1, 2**63, 1).astype(np.uint64)
    data = features.data.astype(np.float32)
    outputs = np.ascontiguousarray(targets[:, 1:] if table.shape[1] == 1 else targets, np.float32)
    history: dict[str, list[float]] = {"loss": [], "accuracy": []}
    history |= {} if validation is None else {"val_loss": [], "val_accuracy": []}
    best = table, bias
    for epoch in tqdm(range(settings.epochs), title, unit="epoch", leave=False, disable=None):
        rates = [choices.learning_rate * (1 - (epoch + done) / settings.epochs) for done in (0, 1)]
        order = generator.permutation(len(outputs))
        loss, right = _run_epoch(
            features.indptr, features.indices, data, outputs, weights, order, squares, table, bias, *rates,
            1 - choices.dropout, state,
        )  # fmt: skip
        history["loss"].append(loss / float(weights.sum()))
        history["accuracy"].append(right / float(weights.sum()))
        if validation is None:
            continue
        logits, labels = predict_sgd(validation[0], table, bias), validation[1]
        guessed = logits > 0 if logits.ndim == 1 else logits.argmax(axis=1)
        history["val_loss"].append(cross_entropy(logits, labels))
        history["val_accuracy"].append(float((guessed == labels).mean()))
        if settings.patience is not None:
            last = int(np.argmin(history["val_loss"]))
            if last == epoch:
                best = table.copy(), bias.copy()
            elif epoch - last >= settings.patience:
                break
    if settings.patience is not None and validation is not None:
        table, bias = best
    print_history(title, history, time.monotonic() - started, 0 if validation is None else len(validation[1]))
    return table, bias, history


def predict_sgd(features: Any, table: Table, bias: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the logits of texts: shape (texts,) for one output, else (texts, num_outputs)."""
    logits = np.asarray(features @ table.astype(np.float64) + bias)
    return logits[:, 0] if len(bias) == 1 else logits


@compiled()
def _run_epoch(  # type: ignore[no-untyped-def]
    indptr, indices, data, targets, weights, order, squares, table, bias, rate, last_rate, share, state
):
    """Take each text once; return the summed loss, and the weight of the texts whose label is predicted."""
    outputs, loss, right = table.shape[1], 0.0, 0.0
    kept = np.empty(max(1, np.max(np.diff(indptr))), np.int64)
    errors = np.empty(outputs)
    threshold, random = np.uint64(share * 2.0**32), state[0]
    for place in range(len(order)):
        text, count = order[place], 0
        errors[:] = 0
        for position in range(indptr[text], indptr[text + 1]):
            random ^= random << np.uint64(13)  # Marsaglia, "Xorshift RNGs", 2003
            random ^= random >> np.uint64(7)
            random ^= random << np.uint64(17)
            if random >> np.uint64(32) < threshold:
                kept[count] = position
                count += 1
                for output in range(outputs):
                    errors[output] += data[position] * table[indices[position], output]
        for output in range(outputs):
            errors[output] = errors[output] / share + bias[output]
        weight, target = weights[text], targets[text]
        if outputs == 1:
            predicted = 1 / (1 + np.exp(-errors[0]))
            right += weight * ((predicted > 0.5) == (target[0] > 0.5))
            loss -= weight * (target[0] * np.log(predicted + 1e-9) + (1 - target[0]) * np.log(1 - predicted + 1e-9))
            errors[0] = target[0] - predicted
        else:
            right += weight * (np.argmax(errors) == np.argmax(target))
            powers = np.exp(errors - np.max(errors))
            powers /= np.sum(powers)
            for output in range(outputs):
                loss -= weight * target[output] * np.log(powers[output] + 1e-9)
                errors[output] = target[output] - powers[output]
        rate_now = weight * (rate + (last_rate - rate) * place / len(order))
        for output in range(outputs):
            bias[output] += 0.01 * rate_now * errors[output]
            errors[output] *= rate_now / share
        for kept_place in range(count):
            position = kept[kept_place]
            feature = indices[position]
            for output in range(outputs):
                table[feature, output] += errors[output] * data[position] * squares[feature, output]
    state[0] = random
    return loss, right
