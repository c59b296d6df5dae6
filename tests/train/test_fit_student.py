"""Fitting a student to sparse features: what it starts with, and what cross-validation may see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse  # type: ignore[import-untyped]

from train.distilling.student import Material, fit_student, refit_student
from train.distilling.teacher import Knowledge
from train.fitting.calibration import find_temperature
from train.fitting.sgd import predict_sgd
from train.models.choices import Choices
from train.models.presets import Settings
from train.models.recipe import Recipe

SIZE, TEXTS = 200, 60  # a text has its own features, and some that any text may have


def make_recipe(**settings: Any) -> Recipe:
    """Return the recipe of a network of words, with two labels."""
    chosen = replace(Settings(epochs=10, batch_size=1, seed=0, validation=1), **settings)
    return Recipe(SIZE, 2, np.ones(2, np.float32), chosen, Choices(buckets=8, crops=0, dropout=0.0))


def make_material(targets: npt.NDArray[np.int64], knowledge: Knowledge | None = None, validation: int = 0) -> Material:
    """Return texts with labels, of which the last are for validation; those without a label come after them."""
    generator = np.random.default_rng(1)
    features = sparse.csr_matrix((generator.random((TEXTS, SIZE + 8)) < 0.2).astype(np.float32))
    training, held, unlabelled = np.split(np.arange(TEXTS), [len(targets) - validation, len(targets)])
    return Material(
        features, targets, np.eye(2, dtype=np.float32)[targets], knowledge, None, (training, held, unlabelled)
    )


def find_accuracy(logits: Any, targets: Any) -> float:
    return float(((logits > 0) == targets).mean())


@pytest.fixture
def random_labels() -> npt.NDArray[np.int64]:
    """Labels that can be learned by heart, but not predicted."""
    return np.random.default_rng(2).integers(0, 2, TEXTS)


def test_folds_are_held_out(random_labels: npt.NDArray[np.int64]) -> None:
    material, folds = make_material(random_labels), [np.arange(TEXTS) % 3 == fold for fold in range(3)]
    seen = fit_student(material, make_recipe())
    assert seen.unseen is not None
    assert find_accuracy(seen.unseen.logits, seen.unseen.targets) > 0.95
    fitted = fit_student(material, make_recipe(), folds)
    assert fitted.unseen is not None
    assert fitted.cross_validated
    assert find_accuracy(fitted.unseen.logits, fitted.unseen.targets) < 0.75
    assert fitted.unseen.targets.tolist() == np.concatenate([random_labels[fold] for fold in folds]).tolist()


def test_patience_holds_for_all_fits(random_labels: npt.NDArray[np.int64], capsys: pytest.CaptureFixture[str]) -> None:
    """Folds, and the network that is fitted again, take the epochs that were best on the validation texts."""
    material = make_material(random_labels, validation=20)
    recipe, folds = make_recipe(epochs=30, patience=2), [np.arange(TEXTS) < 30, np.arange(TEXTS) >= 30]
    fitted = fit_student(material, recipe, folds)
    refit_student(fitted, material)
    best = int(np.argmin(fitted.history["val_loss"])) + 1
    assert best < 28
    first, *others = capsys.readouterr().out.splitlines()
    assert f"fitting: {best + 2} epochs" in first
    assert "% (95% interval " in first  # of 20 texts
    shown = f": {best} epoch{'s' * (best > 1)}, "
    assert [shown in line for line in others] == [True] * 3


def test_first_weights_have_the_unit_of_logits() -> None:
    """However long the vectors of n-grams are, the labels of the texts to fit need no other temperature."""
    generator, labelled = np.random.default_rng(3), 40
    targets = np.arange(labelled) % 2
    for length in (0.01, 100.0):
        vectors = generator.standard_normal((TEXTS, 5)).astype(np.float32)
        ngrams = (length * generator.standard_normal((SIZE, 5))).astype(np.float32)
        knowledge = Knowledge((sparse.csr_matrix(vectors),), vectors, ngrams, np.arange(SIZE), np.ones(SIZE))
        material = make_material(targets, knowledge)
        fitted = fit_student(
            material, make_recipe()._replace(choices=replace(make_recipe().choices, learning_rate=1e-9))
        )
        words, buckets = fitted.network.tables
        table = np.concatenate([words, buckets])
        logits = predict_sgd(material.features[:labelled], table, fitted.network.bias)
        spread = logits.std()
        assert spread * find_temperature(logits / spread, targets, smooth=True) == pytest.approx(1, rel=0.05)


def test_class_weights(random_labels: npt.NDArray[np.int64]) -> None:
    """The heavier a label, the more probable it is."""
    found = []
    for weights in ([1.0, 1.0], [1.0, 9.0]):
        recipe = make_recipe(epochs=2)._replace(class_weights=np.array(weights, np.float32))
        fitted = fit_student(make_material(random_labels), recipe)
        assert fitted.unseen is not None
        found.append(fitted.unseen.logits)
    assert (found[1] > found[0] + 0.1).mean() > 0.9
