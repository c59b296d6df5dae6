"""Fitting the exported network to labels and to what a teacher says of unlabelled texts.

1. Vectors of texts and n-grams are learned without labels; a teacher, which needs few labels with them, labels the
   unlabelled texts. See ``train.distilling.teacher``. Knowledge distillation: Hinton, Vinyals and Dean, 2015.
2. The weights start as those that follow from the vectors. Of 54,429 sentences of the validation reviews that is worth
   1.2 points.
3. The network, which is linear, is fitted to the labels and to the teacher's probabilities with dropout of features.
   Naive Bayes' log-count ratios (Wang and Manning, "Baselines and Bigrams", ACL 2012) scale the learning rates.
4. A temperature, found on validation texts and crops of them, calibrates the probabilities (Guo et al., 2017); see
   ``train.fitting.calibration``.

Without unlabelled texts only the labels are fitted, or the probabilities given in place of labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from train.distilling.teacher import FEW_LABELS, Knowledge, label, learn, make_surer, start_weights
from train.encoding.encoded import Encoded, Splits
from train.fitting.calibration import find_temperature, softmax
from train.fitting.crops import crop_texts
from train.fitting.linear import count_features
from train.fitting.naive_bayes import log_count_ratios
from train.fitting.sgd import fit_sgd, predict_sgd
from train.models.network import Weights
from train.models.recipe import Fitted, Predicted, Recipe

Places = npt.NDArray[np.int64]


class Material(NamedTuple):
    """What a student is fitted to: texts for training, for validation, and unlabelled ones, in this order."""

    features: Any  # a scipy.sparse.csr_matrix of shape (texts, features)
    targets: npt.NDArray[np.int64]  # the indices of labels, shape (labelled texts,)
    probabilities: npt.NDArray[np.float32]  # of the labels, shape (labelled texts, labels)
    knowledge: Knowledge | None  # of all texts; None if nothing can be learned without labels
    crops: Any  # features of crops of the validation texts, in the same order; None if the recipe has no crops
    splits: tuple[Places, Places, Places]  # where the texts are; no unlabelled ones without knowledge


def make_material(texts: Splits, recipe: Recipe) -> Material:
    """Learn from the texts without their labels, and count their features."""
    labelled = texts.train, texts.validation
    parts = [replace(part, probabilities=None, is_soft=None) for part in (*labelled, texts.unlabelled)]
    everything = parts[0].joined(parts[1]).joined(parts[2])
    targets = np.concatenate([part.targets for part in labelled])
    given = [_find_probabilities(part, recipe.labels) for part in labelled]
    crops, choices = None, recipe.choices
    if choices.crops and len(texts.validation):
        generator = np.random.default_rng(recipe.settings.seed)
        crops = count_features(crop_texts(texts.validation, choices.crop_words, generator), recipe)
    ends = np.cumsum([len(part) for part in parts])
    training, validation, unlabelled = np.split(np.arange(ends[-1]), ends[:-1])
    knowledge = learn(everything, recipe) if len(unlabelled) else None
    splits = training, validation, unlabelled if knowledge is not None else unlabelled[:0]
    return Material(count_features(everything, recipe), targets, np.concatenate(given), knowledge, crops, splits)


def _find_probabilities(texts: Encoded, labels: int) -> npt.NDArray[np.float32]:
    if texts.probabilities is not None:
        return np.asarray(texts.probabilities)
    return np.eye(labels, dtype=np.float32)[texts.targets]


def fit_student(material: Material, recipe: Recipe, folds: Sequence[npt.NDArray[np.bool_]] = ()) -> Fitted:
    """Fit a network to the texts for training and the unlabelled ones.

    Args:
        material: The texts.
        recipe: How to fit.
        folds: To calibrate in cross-validation, which of the texts for training and validation each fold holds out,
            each of shape (labelled texts,); without folds the validation texts are used, or those for training.
    """
    training, validation, _ = material.splits
    weights, history = _fit(material, training, recipe, "fitting", validation)
    reference = validation if len(validation) else training
    asked = [material.features[reference]]
    if material.crops is not None:
        asked.append(material.crops)
    logits = [predict_sgd(rows, *weights) for rows in asked]
    unseen = _make_predicted(logits, [reference] * len(asked), material)
    if folds:
        unseen = _predict_folds(material, _stop_at_best(recipe, history), folds)
    return Fitted(_split(weights, recipe), history, recipe, unseen, bool(folds))


def refit_student(fitted: Fitted, material: Material) -> Fitted:
    """Fit the network again, to the validation texts too."""
    recipe = _stop_at_best(fitted.recipe, fitted.history)
    everything = np.concatenate(material.splits[:2])
    weights, _ = _fit(material, everything, recipe, "fitting again, on the validation texts too")
    return fitted._replace(network=_split(weights, recipe))


def _stop_at_best(recipe: Recipe, history: dict[str, list[float]]) -> Recipe:
    """Return the recipe to fit without validation texts: with patience, as many epochs as were best with them."""
    if recipe.settings.patience is None:
        return recipe
    return recipe._replace(settings=replace(recipe.settings, epochs=int(np.argmin(history["val_loss"])) + 1))


def _predict_folds(material: Material, recipe: Recipe, folds: Sequence[npt.NDArray[np.bool_]]) -> Predicted:
    """Return the predictions of what each fold holds out, by what is fitted to the rest and the unlabelled texts."""
    logits, held = [], []
    for number, held_out in enumerate(folds, 1):
        title = f"cross-validating, fold {number} of {len(folds)}"
        weights, _ = _fit(material, np.flatnonzero(~held_out), recipe, title)
        asked = np.flatnonzero(held_out)
        logits.append(predict_sgd(material.features[asked], *weights))
        held.append(asked)
    return _make_predicted(logits, held, material)


def _make_predicted(
    logits: Sequence[npt.NDArray[np.float64]], asked: Sequence[Places], material: Material
) -> Predicted:
    places = np.concatenate(asked)
    return Predicted(np.concatenate(logits), material.targets[places], material.probabilities[places], places)


def _fit(
    material: Material, labelled: Places, recipe: Recipe, title: str, validation: Places | None = None
) -> tuple[tuple[Any, Any], dict[str, list[float]]]:
    """Fit some texts with labels and all unlabelled ones; return weights, biases and the history."""
    probabilities, unlabelled = material.probabilities[labelled], material.splits[2]
    chosen, size = np.concatenate([labelled, unlabelled]), material.features.shape[1]
    text_weights = np.ones(len(chosen), np.float32)
    text_weights[: len(labelled)] = probabilities @ recipe.class_weights
    start = np.zeros((size, recipe.num_outputs), np.float32)
    if material.knowledge is not None:
        logits = label(material.knowledge, labelled, material.targets[labelled], recipe)
        if len(material.targets) < FEW_LABELS * material.features.shape[0]:
            logits = make_surer(logits)
        soft = softmax(logits[unlabelled])
        probabilities = np.concatenate([probabilities, soft.astype(np.float32)])
        start = start_weights(material.knowledge, chosen, probabilities.argmax(axis=1), size, recipe)
        start = _scale(start, material.features[labelled], material.targets[labelled])
    features = material.features[chosen]
    validated = None
    if validation is not None and len(validation):
        validated = material.features[validation], material.targets[validation]
    table, bias, history = fit_sgd(
        features,
        probabilities,
        text_weights,
        _find_scales(features, probabilities),
        start,
        validated,
        recipe.settings,
        recipe.choices,
        title,
    )
    return (table, bias), history


def _find_scales(features: Any, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the log-count ratio of each feature, counted by the probabilities of labels: (features, num_outputs)."""
    occurs = features.copy()
    occurs.data = np.ones(len(occurs.data), np.float32)
    return log_count_ratios(np.asarray(occurs.T @ probabilities, np.float64).T)


def _scale(start: npt.NDArray[np.float32], features: Any, targets: Places) -> npt.NDArray[np.float32]:
    """Return weights in the unit in which they predict the labels best."""
    logits = predict_sgd(features, start, np.zeros(start.shape[1]))
    spread = float(logits.std()) or 1.0
    return (start / (spread * find_temperature(logits / spread, targets, smooth=True))).astype(np.float32)


def _split(weights: tuple[Any, Any], recipe: Recipe) -> Weights:
    """Divide the weights of features into the tables of the network."""
    table, bias = weights
    ends = np.cumsum([recipe.vocabulary_size, recipe.choices.buckets])
    parts = np.split(table, ends if recipe.word_characters is not None else ends[:1])
    return Weights(tuple(parts), bias)
