"""Fitting the network of words and n-grams to labels alone, as linear support vector machines.

Naive Bayes: the log-count ratio of every word and bucket scales its weight (Wang and Manning, "Baselines and Bigrams",
ACL 2012). Frozen scale times trained factor: to Adam that is a learning rate for each feature.

The loss is that of support vector machines, which have no probabilities: a temperature turns margins into them; see
``train.fitting.calibration``. ``train.models.rules`` says where that is used; ``train.distilling.student`` is the other
way to fit the network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from train.encoding.encoded import Encoded, Ids, Splits
from train.fitting.calibration import calibrated_loss, measure_calibrated
from train.fitting.loop import fit
from train.fitting.naive_bayes import find_scales
from train.models import network
from train.models.recipe import Fitted, Predicted, Recipe
from train.models.rules import TRIED_IN_VALIDATION, choose_candidate


def fit_edge(texts: Splits, recipe: Recipe) -> Fitted:
    """Fit the network of words and bigrams.

    If several strengths of regularisation are tried, the one with the lowest calibrated validation loss is used; if
    there are several class weights, they are chosen in validation after that.
    """
    choices = recipe.choices
    scales = find_scales(texts.train, recipe, choices.buckets)
    best = _fit_candidate(scales, texts, recipe, "fitting")
    best_loss = calibrated_loss(best)
    for factor in choices.stronger:
        changed = recipe._replace(choices=replace(choices, regularization=factor * choices.regularization))
        title = f"fitting with {factor:g} times the regularization"
        other = _fit_candidate(scales, texts, changed, title)
        loss = calibrated_loss(other)
        if loss >= best_loss:
            break
        best, best_loss = other, loss
    if choices.stronger:
        factor = best.recipe.choices.regularization / choices.regularization
        print(
            f"taken: regularization times {factor:g}, with a calibrated validation loss of {best_loss:.4f}", flush=True
        )
    return _choose_weights(best, scales, texts) if len(recipe.weightings) > 1 else best


def _choose_weights(fitted: Fitted, scales: network.Tables, texts: Splits) -> Fitted:
    """Try other class weights, and return what was fitted with the best ones."""
    recipe, candidates = fitted.recipe, {"none": fitted}
    for name in TRIED_IN_VALIDATION[1:]:
        changed = recipe._replace(class_weights=recipe.weightings[name])
        title = f"fitting with class weights {name}"
        candidates[name] = _fit_candidate(scales, texts, changed, title)
    labels = [str(label) for label in range(recipe.labels)]
    unseen = {name: candidate.unseen for name, candidate in candidates.items()}
    measured = {name: measure_calibrated(found, labels, smooth=True) for name, found in unseen.items() if found}
    return candidates[choose_candidate(measured, ("none",))]


def _fit_candidate(scales: network.Tables, texts: Splits, recipe: Recipe, title: str) -> Fitted:
    """Fit one network, and predict the margins that it is calibrated with."""
    model, history = fit_weights(scales, texts.train, texts.validation, recipe, title)
    unseen = Predicted(predict_margins(model, texts.reference.take(), recipe), texts.reference.targets)
    return Fitted(network.read_weights(model), history, recipe, unseen)


def refit_edge(fitted: Fitted, texts: Splits) -> Fitted:
    """Fit the network again, on the validation texts too, with the numbers that were found without them."""
    recipe, everything = fitted.recipe, texts.train.joined(texts.validation)
    if recipe.settings.patience is not None:
        epochs = int(np.argmin(fitted.history["val_loss"])) + 1
        recipe = recipe._replace(settings=replace(recipe.settings, epochs=epochs))
    scales = find_scales(everything, recipe, recipe.choices.buckets)
    title = "fitting again, on the validation texts too"
    model, _ = fit_weights(scales, everything, None, recipe, title)
    return fitted._replace(network=network.read_weights(model))


def fit_weights(
    scales: network.Tables,
    training: Encoded,
    validation: Encoded | None,
    recipe: Recipe,
    title: str = "fitting",
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Fit one network; return it and its history, which is that of ``loop.fit``."""
    choices, settings = recipe.choices, recipe.settings
    batches = Batches(training, recipe)
    model = network.build_edge_training(scales, choices, recipe.word_characters)
    rate = keras.optimizers.schedules.PolynomialDecay(choices.learning_rate, settings.epochs * len(batches), 0.0)
    accuracy = keras.metrics.MeanMetricWrapper(same_side, name="accuracy")
    model.compile(keras.optimizers.Adam(rate), squared_hinge, weighted_metrics=[accuracy])
    validated = None if not validation else (validation.take(), make_targets(validation.targets, recipe))
    return model, fit(model, batches, validated, settings, title=title)


class Batches(keras.utils.PyDataset):
    """Batches of texts, in another order in each epoch."""

    def __init__(self, texts: Encoded, recipe: Recipe) -> None:
        super().__init__()
        self._texts, self._recipe = texts, recipe
        self._generator = np.random.default_rng(recipe.settings.seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._texts) // self._recipe.settings.batch_size)

    def on_epoch_end(self) -> None:
        """Shuffle the texts."""
        self._order = self._generator.permutation(len(self._texts))

    def __getitem__(self, index: int) -> tuple[Ids, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return a batch: ids, targets and weights."""
        size = self._recipe.settings.batch_size
        chosen = self._order[index * size : (index + 1) * size]
        targets = self._texts.targets[chosen]
        return self._texts.take(chosen), make_targets(targets, self._recipe), self._recipe.class_weights[targets]


def make_targets(targets: npt.NDArray[np.int64], recipe: Recipe) -> npt.NDArray[np.float32]:
    """Return 1 for the text's label and -1 for the others, shape (texts, num_outputs)."""
    labels = np.array([1]) if recipe.num_outputs == 1 else np.arange(recipe.labels)
    return np.where(targets[:, None] == labels, 1.0, -1.0).astype(np.float32)


def squared_hinge(targets: Any, margins: Any) -> Any:
    """Return the squared hinge loss of each text, summed over the outputs; targets are 1 and -1."""
    return ops.sum(ops.square(ops.maximum(1.0 - targets * margins, 0.0)), axis=-1)


def same_side(targets: Any, margins: Any) -> Any:
    """Return whether the margin of the text's label is the largest, or a single margin has the right sign."""
    if margins.shape[-1] == 1:
        return ops.cast(targets * margins > 0, "float32")
    return ops.cast(ops.argmax(targets, axis=-1) == ops.argmax(margins, axis=-1), "float32")


def predict_margins(model: keras.Model, ids: Ids, recipe: Recipe) -> npt.NDArray[np.float64]:
    """Return margins: shape (texts,) for one output, else (texts, num_outputs)."""
    outputs = model.predict(ids, batch_size=512, verbose=0).astype(np.float64)
    return np.asarray(outputs[:, 0] if recipe.num_outputs == 1 else outputs)
