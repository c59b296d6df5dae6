"""Stochastic gradient descent on sparse features, against the same update written out."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import sparse  # type: ignore[import-untyped]

from train.fitting.calibration import cross_entropy
from train.fitting.sgd import fit_sgd, predict_sgd
from train.models.choices import Choices
from train.models.presets import Settings

SETTINGS = Settings(epochs=1, batch_size=1, seed=3, validation=1)
CHOICES = Choices(dropout=0.0, learning_rate=0.3)


class Task:
    """Random texts, with probabilities of labels."""

    def __init__(self, outputs: int, texts: int = 60, size: int = 12) -> None:
        generator = np.random.default_rng(outputs)
        labels = max(outputs, 2)
        dense = generator.random((texts, size)) * (generator.random((texts, size)) < 0.5)
        dense[5] = 0  # a text of which nothing is known
        self.features = sparse.csr_matrix(dense.astype(np.float32))
        self.targets = generator.dirichlet(np.full(labels, 0.5), texts).astype(np.float32)
        self.targets[::2] = np.eye(labels)[generator.integers(0, labels, texts)][::2]  # half are labelled
        self.weights = generator.uniform(0.2, 2, texts).astype(np.float32)
        self.scales = generator.normal(size=(size, outputs)).astype(np.float32)
        self.start = generator.normal(size=(size, outputs)).astype(np.float32)

    def fit(self, validation: Any = None, settings: Settings = SETTINGS, **choices: float) -> Any:
        changed = dataclasses.replace(CHOICES, **choices)  # type: ignore[arg-type]
        return fit_sgd(
            self.features, self.targets, self.weights, self.scales, self.start, validation, settings, changed, "fitting"
        )


def probabilities(logits: Any) -> Any:
    """Return those of all labels, given the logits of one text."""
    powers = np.exp(np.concatenate([[0], logits]) if len(logits) == 1 else logits)
    return powers / powers.sum()


@pytest.mark.parametrize("outputs", [1, 3])
def test_one_epoch(outputs: int) -> None:
    task = Task(outputs)
    table, bias = task.start.astype(np.float64), np.zeros(outputs)
    dense, loss, right = task.features.toarray().astype(np.float64), 0.0, 0.0
    generator = np.random.default_rng(SETTINGS.seed)
    generator.integers(1, 2**63, 1)  # for dropout
    for place, text in enumerate(generator.permutation(60)):
        predicted = probabilities(dense[text] @ table + bias)
        loss -= task.weights[text] * (task.targets[text] @ np.log(predicted))
        right += task.weights[text] * (predicted.argmax() == task.targets[text].argmax())
        rate = 0.3 * (1 - place / 60) * task.weights[text]  # falls linearly to zero
        errors = (task.targets[text] - predicted)[-outputs:]
        bias += 0.01 * rate * errors
        table += rate * np.outer(dense[text], errors) * task.scales**2
    found, found_bias, history = task.fit()
    np.testing.assert_allclose(found, table, atol=1e-5)
    np.testing.assert_allclose(found_bias, bias, atol=1e-6)
    assert history["loss"] == pytest.approx([loss / task.weights.sum()], rel=1e-5)
    assert history["accuracy"] == pytest.approx([right / task.weights.sum()])
    logits = predict_sgd(task.features, found, found_bias)
    assert logits.shape == ((60,) if outputs == 1 else (60, 3))
    np.testing.assert_allclose(logits.reshape(60, -1), dense @ table + bias, atol=1e-4)


@pytest.mark.parametrize("dropout", [0.5, 0.2])
def test_dropout(dropout: float) -> None:
    """Seen in one step from zero: the features that were kept have changed, and by as much more as there are fewer."""
    task, size = Task(1), 4_000
    task.features, task.targets = sparse.csr_matrix(np.ones((1, size), np.float32)), np.array([[0, 1]], np.float32)
    task.weights, task.scales = np.ones(1, np.float32), np.ones((size, 1), np.float32)
    task.start = np.zeros((size, 1), np.float32)
    masks = []
    for seed in range(25):
        table, _, _ = task.fit(settings=dataclasses.replace(SETTINGS, seed=seed), dropout=dropout)
        assert np.unique(table) == pytest.approx([0, 0.3 * 0.5 / (1 - dropout)])
        masks.append(table[:, 0] > 0)
    kept = np.array(masks)
    assert kept.mean() == pytest.approx(1 - dropout, abs=0.01)
    assert np.ptp(kept.mean(axis=0)) < 1  # no feature is always kept, or never
    assert np.corrcoef(kept)[0, 1:] == pytest.approx(0, abs=0.1)
    assert np.corrcoef(kept[:, :-1].ravel(), kept[:, 1:].ravel())[0, 1] == pytest.approx(0, abs=0.02)


def test_the_expected_logit_is_that_without_dropout() -> None:
    """With a learning rate of nearly zero the loss is linear in the logit, as far from zero as these are."""
    task = Task(1)
    task.features = sparse.csr_matrix(np.full((60, 12), 2, np.float32))
    task.targets, task.start = np.tile(np.array([0, 1], np.float32), (60, 1)), np.full((12, 1), -0.4, np.float32)
    settings = dataclasses.replace(SETTINGS, epochs=100)
    losses = [task.fit(None, settings, dropout=share, learning_rate=1e-9)[2]["loss"] for share in (0.0, 0.25)]
    assert np.ptp(losses[0]) < 1e-6
    assert np.ptp(losses[1]) > 0.1
    assert np.mean(losses[1]) == pytest.approx(np.mean(losses[0]), rel=0.02)


def test_seeded() -> None:
    task, settings = Task(3), dataclasses.replace(SETTINGS, epochs=3)
    first, again = (task.fit(None, settings, dropout=0.5) for _ in range(2))
    assert first[0].tobytes() == again[0].tobytes()
    assert first[2] == again[2]
    other = task.fit(None, dataclasses.replace(settings, seed=4), dropout=0.5)
    assert np.abs(other[0] - first[0]).max() > 1e-3


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_best_epoch_is_restored(outputs: int) -> None:
    """Labels that have nothing to do with the texts are validated worse in the end."""
    task = Task(outputs)
    task.start[:] = 0
    generator = np.random.default_rng(9)
    validation = task.features[::-1], generator.integers(0, max(outputs, 2), 60)
    settings = dataclasses.replace(SETTINGS, epochs=40, patience=2)
    table, bias, history = task.fit(validation, settings, learning_rate=2.0)
    losses, logits = history["val_loss"], predict_sgd(validation[0], table, bias)
    assert 3 <= len(losses) < 40
    assert int(np.argmin(losses)) == len(losses) - 3
    assert cross_entropy(logits, validation[1]) == pytest.approx(min(losses))
    guessed = logits > 0 if outputs == 1 else logits.argmax(axis=1)
    assert (guessed == validation[1]).mean() == history["val_accuracy"][-3]
    # Without patience the last weights are kept.
    last = task.fit(validation, dataclasses.replace(settings, patience=None), learning_rate=2.0)
    assert cross_entropy(predict_sgd(validation[0], *last[:2]), validation[1]) == pytest.approx(last[2]["val_loss"][-1])
    assert len(last[2]["val_loss"]) == 40


def test_weights_of_texts() -> None:
    """Of two texts with the same features and different labels, the heavier one wins."""
    task = Task(1)
    task.features = sparse.csr_matrix(np.ones((60, 12), np.float32))
    task.targets, task.start = np.eye(2, dtype=np.float32)[np.arange(60) % 2], task.start * 0
    for heavy in (0, 1):
        task.weights = np.where(np.arange(60) % 2 == heavy, 4, 1).astype(np.float32)
        table, bias, _ = task.fit(None, dataclasses.replace(SETTINGS, epochs=50), learning_rate=0.02)
        odds = 4.0 if heavy else 0.25
        assert np.exp(predict_sgd(task.features[:1], table, bias)[0]) == pytest.approx(odds, rel=0.1)
