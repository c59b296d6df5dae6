"""Fitting the presets ``edge`` and ``accurate``: a weight for each word and for each bucket of n-grams, added up.

The steps and their sources; ``Choices`` holds every number, and train/README.md shows the effect of each:

1. Naive Bayes: the log-count ratio of every word and bucket scales its weight (Wang and Manning, "Baselines and
   Bigrams", ACL 2012). Frozen scale times trained factor: to Adam that is a learning rate for each feature.
2. Crops: in addition to whole texts, sequences of a few words with the text's label, drawn again in each epoch. A model
   that only ever saw whole reviews is biased on a sentence.
3. A teacher, fitted in the same way with more buckets, labels the unlabelled texts; the model is fitted on all texts.
4. A temperature, found on validation texts and crops of them, calibrates the probabilities (Guo et al., 2017); see
   ``train.fitting.calibration``. An additional bias would learn the share of positive texts among the validation
   reviews, which are those of a few hundred movies.

With the objective ``"hinge"``, the loss is that of linear support vector machines, which have no probabilities: the
temperature turns margins into them. ``train.models.rules`` says where that is used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from train.encoding.encoded import Encoded, Ids, Splits
from train.fitting.calibration import calibrated_loss, measure_calibrated, sigmoid
from train.fitting.crops import CropBatches, crop, make_targets
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
    has_teacher = len(texts.unlabelled) and choices.teacher_buckets and choices.objective == "logistic"
    training = _add_unlabelled(texts, recipe) if has_teacher else texts.train
    scales = find_scales(texts.train, recipe, choices.buckets)
    best = _fit_candidate(scales, training, texts, recipe, "fitting")
    best_loss = calibrated_loss(best)
    for factor in choices.stronger:
        changed = recipe._replace(choices=replace(choices, regularization=factor * choices.regularization))
        title = f"fitting with {factor:g} times the regularization"
        other = _fit_candidate(scales, training, texts, changed, title)
        loss = calibrated_loss(other)
        if loss >= best_loss:
            break
        best, best_loss = other, loss
    if choices.stronger:
        factor = best.recipe.choices.regularization / choices.regularization
        print(
            f"taken: regularization times {factor:g}, with a calibrated validation loss of {best_loss:.4f}", flush=True
        )
    return _choose_weights(best, scales, training, texts) if len(recipe.weightings) > 1 else best


def _choose_weights(fitted: Fitted, scales: network.Tables, training: Encoded, texts: Splits) -> Fitted:
    """Try other class weights, and return what was fitted with the best ones."""
    recipe, candidates = fitted.recipe, {"none": fitted}
    for name in TRIED_IN_VALIDATION[1:]:
        changed = recipe._replace(class_weights=recipe.weightings[name])
        title = f"fitting with class weights {name}"
        candidates[name] = _fit_candidate(scales, training, texts, changed, title)
    labels = [str(label) for label in range(recipe.labels)]
    smooth = recipe.choices.objective == "hinge"
    unseen = {name: candidate.unseen for name, candidate in candidates.items()}
    measured = {name: measure_calibrated(found, labels, smooth=smooth) for name, found in unseen.items() if found}
    return candidates[choose_candidate(measured)]


def _add_unlabelled(texts: Splits, recipe: Recipe) -> Encoded:
    """Return the training texts and the unlabelled ones, with the probabilities of a teacher as their targets."""
    choices, training = recipe.choices, texts.train
    scales = find_scales(training, recipe, choices.teacher_buckets)
    title = f"fitting a teacher for {len(texts.unlabelled):,} unlabelled texts"
    teacher, _ = fit_weights(scales, training, texts.validation, recipe, choices.teacher_crop_weight, title)
    soft = sigmoid(predict_logits(teacher, texts.unlabelled.take(), recipe) / choices.teacher_temperature)
    training = replace(training, targets=training.targets.astype(np.float32))
    return training.joined(replace(texts.unlabelled, targets=soft.astype(np.float32)))


def _fit_candidate(scales: network.Tables, training: Encoded, texts: Splits, recipe: Recipe, title: str) -> Fitted:
    """Fit one network, and predict the logits that it is calibrated with."""
    model, history = fit_weights(scales, training, texts.validation, recipe, recipe.choices.crop_weight, title)
    asked = texts.reference
    ids = asked.take()
    logits, targets = [predict_logits(model, ids, recipe)], [asked.targets]
    if recipe.choices.crops:
        generator = np.random.default_rng(recipe.settings.seed)
        crops, _ = crop(ids, asked.words, recipe.choices.crop_words, generator)
        crops = np.pad(crops, ((0, 0), (0, ids.shape[1] - crops.shape[1])))  # one width, so that TensorFlow traces once
        logits.append(predict_logits(model, crops, recipe))
        targets.append(asked.targets)
    return Fitted(model, history, recipe, Predicted(np.concatenate(logits), np.concatenate(targets)))


def refit_edge(fitted: Fitted, texts: Splits) -> Fitted:
    """Fit the network again, on the validation texts too, with the numbers that were found without them."""
    recipe, everything = fitted.recipe, texts.train.joined(texts.validation)
    if recipe.settings.patience is not None:
        epochs = int(np.argmin(fitted.history["val_loss"])) + 1
        recipe = recipe._replace(settings=replace(recipe.settings, epochs=epochs))
    scales = find_scales(everything, recipe, recipe.choices.buckets)
    title = "fitting again, on the validation texts too"
    model, _ = fit_weights(scales, everything, None, recipe, recipe.choices.crop_weight, title)
    return fitted._replace(model=model)


def fit_weights(
    scales: network.Tables,
    training: Encoded,
    validation: Encoded | None,
    recipe: Recipe,
    crop_weight: float,
    title: str = "fitting",
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Fit one network; return it and its history, which is that of ``loop.fit``."""
    choices, settings = recipe.choices, recipe.settings
    batches = CropBatches(training, recipe, crop_weight)
    model = network.build_edge_training(scales, choices, recipe.word_characters)
    rate = keras.optimizers.schedules.PolynomialDecay(choices.learning_rate, settings.epochs * len(batches), 0.0)
    is_logistic = choices.objective == "logistic"
    loss, is_right = ("binary_crossentropy", agree) if is_logistic else (squared_hinge, same_side)
    accuracy = keras.metrics.MeanMetricWrapper(is_right, name="accuracy")
    model.compile(keras.optimizers.Adam(rate), loss, weighted_metrics=[accuracy])
    validated = None if not validation else (validation.take(), make_targets(validation.targets, recipe))
    return model, fit(model, batches, validated, settings, title=title)


def squared_hinge(targets: Any, margins: Any) -> Any:
    """Return the squared hinge loss of each text, summed over the outputs; targets are 1 and -1."""
    return ops.sum(ops.square(ops.maximum(1.0 - targets * margins, 0.0)), axis=-1)


def agree(targets: Any, outputs: Any) -> Any:
    """Return whether the more probable label is predicted; the target may be a probability, as a teacher's is."""
    return ops.cast((ops.reshape(targets, ops.shape(outputs)) > 0.5) == (outputs > 0.5), "float32")


def same_side(targets: Any, margins: Any) -> Any:
    """Return whether the margin of the text's label is the largest, or a single margin has the right sign."""
    if margins.shape[-1] == 1:
        return ops.cast(targets * margins > 0, "float32")
    return ops.cast(ops.argmax(targets, axis=-1) == ops.argmax(margins, axis=-1), "float32")


def predict_logits(model: keras.Model, ids: Ids, recipe: Recipe) -> npt.NDArray[np.float64]:
    """Return logits, or margins in their place: shape (texts,) for one output, else (texts, num_outputs)."""
    outputs = model.predict(ids, batch_size=512, verbose=0).astype(np.float64)
    if recipe.choices.objective == "hinge":
        return outputs[:, 0] if recipe.num_outputs == 1 else outputs
    outputs = np.clip(outputs[:, 0], 1e-7, 1 - 1e-7)
    return np.asarray(np.log(outputs / (1 - outputs)))
