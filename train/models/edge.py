"""Fitting the ``edge`` preset: a weight for each word and for each bucket of pairs of neighbours, added up.

The steps, and where each comes from; ``Choices`` holds every number, and benchmarks/choices.py shows what each brings:

1. Naive Bayes: the log-count ratio of every word and bucket scales its weight (Wang and Manning, "Baselines and
   Bigrams", ACL 2012). Frozen scale times trained factor: to Adam that is a learning rate for each.
2. Crops: beside the whole texts, stretches of a few words with the text's label, drawn anew every epoch. A model
   that only ever saw whole reviews sits on its bias when it reads a sentence.
3. A teacher, fitted so with more buckets, labels the unlabelled texts, and what ships is fitted on all of them.
4. A temperature, fitted on validation texts and crops of them, makes probabilities mean what they say (Guo et al.,
   2017), and is folded into the weights. A shift beside it would bring in the share of praise among the validation
   reviews, which are those of a few hundred movies.

With the objective ``"hinge"``, the loss is that of linear support vector machines, which have no probabilities: the
temperature turns margins into them. ``train.models.choosing`` says where that is taken.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from edgetext.text import PAD_ID, START_ID
from train.encoding.encoded import Encoded, Rows, Targets
from train.models import fit, network
from train.models.calibration import cross_entropy, sigmoid, temperature
from train.models.choices import Choices
from train.models.settings import Settings

Batch = tuple[Rows, Targets, npt.NDArray[np.float32]]


class Recipe(NamedTuple):
    """How to fit, put together.

    Attributes:
        vocabulary_size: Ids in the vocabulary.
        labels: How many classes there are.
        class_weights: What each text of a class counts in the loss, shape (labels,).
        settings: How long, and in what order.
        choices: The numbers of the preset.
    """

    vocabulary_size: int
    labels: int
    class_weights: npt.NDArray[np.float32]
    settings: Settings
    choices: Choices

    @property
    def columns(self) -> int:
        """Outputs of the network."""
        return network.columns_of(self.labels)


class Trained(NamedTuple):
    """A network that was fitted.

    Attributes:
        model: As ``network.build_edge`` makes it.
        history: Of its fitting.
        temperature: By which its logits were divided.
        loss: The cross-entropy of the texts that the temperature was found on, with it.
        recipe: How it was fitted.
    """

    model: keras.Model
    history: dict[str, list[float]]
    temperature: float
    loss: float
    recipe: Recipe


def train(training: Encoded, unlabelled: Encoded, validation: Encoded, recipe: Recipe) -> Trained:
    """Train the network of bigrams.

    Args:
        training: The texts to fit.
        unlabelled: Texts without a label, for two labels only; may be empty.
        validation: The texts to validate.
        recipe: The rest. Of several strengths of regularisation, that with the lowest loss in validation is taken.
    """
    choices = recipe.choices
    labelled = training
    if len(unlabelled) and choices.teacher_buckets:
        print(f"a teacher for {len(unlabelled):,} unlabelled texts:", flush=True)
        scales = find_scales(labelled, recipe, choices.teacher_buckets)
        teacher, _ = _fit(scales, training, validation, recipe, choices.teacher_crop_weight)
        soft = sigmoid(_logits(teacher, unlabelled.take(), recipe) / choices.teacher_temperature)
        print("the model itself:", flush=True)
        training = training.labelled(training.targets.astype(np.float32))
        training = training.joined(unlabelled.labelled(soft.astype(np.float32)))
    scales = find_scales(labelled, recipe, choices.buckets)
    best = _try(scales, training, validation, recipe)
    for factor in choices.stronger:
        print(f"with {factor:g} times the regularization:", flush=True)
        changed = replace(choices, regularization=factor * choices.regularization)
        other = _try(scales, training, validation, recipe._replace(choices=changed))
        if other.loss >= best.loss:
            break
        best = other
    if choices.stronger:
        factor = best.recipe.choices.regularization / choices.regularization
        print(
            f"taken: regularization times {factor:g}, by a calibrated loss in validation of {best.loss:.4f}", flush=True
        )
    return best


def _try(scales: network.Tables, training: Encoded, validation: Encoded, recipe: Recipe) -> Trained:
    """Fit and calibrate one network."""
    model, history = _fit(scales, training, validation, recipe, recipe.choices.crop_weight)
    found, loss = _calibrate(model, validation, recipe)
    final = network.finish_edge(model, recipe.vocabulary_size, training.max_length, recipe.choices, found)
    return Trained(final, history, found, loss, recipe)


def refit(trained: Trained, texts: Encoded, validation: Encoded) -> keras.Model:
    """Fit the network on all texts there are, the validated ones too, with what was found without them.

    Args:
        trained: What was found.
        texts: The texts to fit.
        validation: What the progress shows; some of ``texts``.
    """
    recipe = trained.recipe
    scales = find_scales(texts, recipe, recipe.choices.buckets)
    model, _ = _fit(scales, texts, validation, recipe, recipe.choices.crop_weight)
    return network.finish_edge(model, recipe.vocabulary_size, texts.max_length, recipe.choices, trained.temperature)


def _fit(
    scales: network.Tables, training: Encoded, validation: Encoded, recipe: Recipe, crop_weight: float
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Fit one network; give it, and its history."""
    choices, settings = recipe.choices, recipe.settings
    batches = _Crops(training, recipe, crop_weight)
    model = network.build_edge_training(scales, choices)
    rate = keras.optimizers.schedules.PolynomialDecay(choices.learning_rate, settings.epochs * len(batches), 0.0)
    loss, agree = ("binary_crossentropy", _agree) if choices.objective == "logistic" else (squared_hinge, _same_side)
    accuracy = keras.metrics.MeanMetricWrapper(agree, name="accuracy")
    model.compile(keras.optimizers.Adam(rate), loss, weighted_metrics=[accuracy])
    validated = validation.take(), to_fit(validation.targets, recipe)
    return model, fit.fit(model, batches, validated, settings)


def to_fit(targets: Targets, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Give targets as the objective wants them: as they are, or 1 for the text's own label and -1 for the others."""
    if recipe.choices.objective == "logistic":
        return targets.astype(np.float32)  # (texts,)
    labels = np.array([1]) if recipe.columns == 1 else np.arange(recipe.labels)
    return np.where(targets[:, None] == labels, 1.0, -1.0).astype(np.float32)  # (texts, columns)


def squared_hinge(targets: Any, margins: Any) -> Any:
    """Give the squared hinge loss of each text, summed over the columns; targets are 1 and -1."""
    return ops.sum(ops.square(ops.maximum(1.0 - targets * margins, 0.0)), axis=-1)


def _agree(targets: Any, outputs: Any) -> Any:
    """Tell whether the label is the more probable one, which a teacher's label, a probability itself, means too."""
    return ops.cast((ops.reshape(targets, ops.shape(outputs)) > 0.5) == (outputs > 0.5), "float32")


def _same_side(targets: Any, margins: Any) -> Any:
    """Tell whether the margin of the text's own label is the largest, or that of one column on its side."""
    if margins.shape[-1] == 1:
        return ops.cast(targets * margins > 0, "float32")
    return ops.cast(ops.argmax(targets, axis=-1) == ops.argmax(margins, axis=-1), "float32")


def find_scales(texts: Encoded, recipe: Recipe, buckets: int) -> network.Tables:
    """Give the scale of every word and every bucket: its log-count ratios, as ``Choices`` says.

    Returns:
        For the words and for the buckets, shapes (vocabulary_size, columns) and (buckets, columns). With the objective
        ``"hinge"`` their mean square over what occurs is 1, so that regularisation means the same for any texts.
    """
    choices = recipe.choices
    counts = count_texts(texts, recipe.labels, recipe.vocabulary_size, buckets)
    ratios: npt.NDArray[Any] = log_count_ratios(counts)  # (words and buckets, columns)
    if choices.ratio_exponent != 1:
        ratios = np.sign(ratios) * np.abs(ratios) ** choices.ratio_exponent
    occurring = counts.sum(axis=0)
    if choices.objective == "hinge":
        ratios = ratios / max(float(np.sqrt((ratios[occurring > 0] ** 2).mean())), 1e-9)
    words, pairs = ratios[: recipe.vocabulary_size], ratios[recipe.vocabulary_size :]
    pairs = np.where(occurring[recipe.vocabulary_size :, None] < choices.least_texts, 0, pairs)
    return words.astype(np.float32), pairs.astype(np.float32)


def count_texts(texts: Encoded, labels: int, vocabulary_size: int, buckets: int) -> npt.NDArray[np.float64]:
    """Count in how many texts of each label every word and every bucket occurs: (labels, vocabulary_size + buckets)."""
    counts = np.zeros((labels, vocabulary_size + buckets))
    for part, targets in texts.chunks():
        rows = part.astype(np.int64)  # (texts, max_length)
        pairs = network.bucket(rows[:, :-1], rows[:, 1:], buckets) + vocabulary_size
        features = np.hstack([rows, np.where(rows[:, 1:] != PAD_ID, pairs, PAD_ID)])
        features.sort(axis=1)
        first = np.diff(features, axis=1, prepend=PAD_ID) > 0  # once a text, and padding never
        for label in np.unique(targets):
            own = targets == label
            counts[label] += np.bincount(features[own][first[own]], minlength=counts.shape[1])
    return counts


def log_count_ratios(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Give naive Bayes' log-count ratios of each label against the rest, counts smoothed by one.

    Args:
        counts: Texts with each feature, shape (labels, features).

    Returns:
        ``log((p / |p|) / (q / |q|))``, where p counts the texts of a label and q all others: shape (features, labels);
        of two labels that of the second alone, shape (features, 1).
    """
    own = 1 + (counts[1:] if len(counts) == 2 else counts)
    rest = 1 + (counts[:1] if len(counts) == 2 else counts.sum(axis=0) - counts)
    shares, others = (part / part.sum(axis=1, keepdims=True) for part in (own, rest))
    return np.log(shares / others).astype(np.float32).T


def crops(
    rows: Rows, lengths: npt.NDArray[np.int64], words: tuple[int, int], generator: np.random.Generator
) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Cut a stretch out of each row, anywhere and of any length from ``words[0]`` to ``words[1]`` alike.

    Args:
        rows: Shape (rows, max_length), the start mark first.
        lengths: How many ids of each row are not padding, shape (rows,).
        words: The fewest and the most words of a crop; shorter rows give what they have.
        generator: Decides.

    Returns:
        The start mark and the crop, padded: shape (rows, words[1] + 1); and where each crop begins, shape (rows,).
    """
    low, high = words
    wanted = np.minimum(generator.integers(low, high + 1, len(rows)), lengths - 1)
    begins = 1 + (generator.random(len(rows)) * (lengths - wanted)).astype(np.int64)
    offsets = np.arange(high)
    places = np.minimum(begins[:, None] + offsets, rows.shape[1] - 1)  # (rows, high)
    cut = np.where(offsets < wanted[:, None], np.take_along_axis(rows, places, axis=1), 0)
    return np.hstack([np.full((len(rows), 1), START_ID), cut]).astype(np.int32), begins


class _Crops(keras.utils.PyDataset):
    """Batches of whole texts, each followed by a batch of crops of the same texts."""

    def __init__(self, texts: Encoded, recipe: Recipe, crop_weight: float) -> None:
        super().__init__()
        self._texts = texts
        self._recipe = recipe
        self._crop_weight = crop_weight
        self._kinds = 2 if recipe.choices.crops and crop_weight else 1
        self._size = recipe.settings.batch_size
        self._generator = np.random.default_rng(recipe.settings.seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return self._kinds * -(-len(self._texts) // self._size)

    def on_epoch_end(self) -> None:
        self._order = self._generator.permutation(len(self._texts))

    def __getitem__(self, index: int) -> Batch:
        number, kind = divmod(index, self._kinds)
        chosen = self._order[number * self._size : (number + 1) * self._size]
        if kind == 0:
            return self._batch(self._texts.take(chosen), chosen, 1.0)
        choices = self._recipe.choices
        chosen = np.repeat(chosen, choices.crops)
        cut, _ = crops(self._texts.take(chosen), self._texts.lengths[chosen], choices.crop_words, self._generator)
        return self._batch(cut, chosen, self._crop_weight)

    def _batch(self, rows: Rows, chosen: npt.NDArray[np.int64], weight: float) -> Batch:
        targets = self._texts.targets[chosen]
        # A teacher's label is a probability, and then no class is weighted.
        weights = self._recipe.class_weights[targets] if targets.dtype == np.int64 else np.ones(len(chosen), np.float32)
        return rows, to_fit(targets, self._recipe), (weight * weights).astype(np.float32)


def _calibrate(model: keras.Model, validation: Encoded, recipe: Recipe) -> tuple[float, float]:
    """Fit the temperature on the validation texts and, where crops are fitted, one crop of each; give the loss too."""
    rows, logits, targets = validation.take(), [], validation.targets
    logits.append(_logits(model, rows, recipe))
    if recipe.choices.crops:
        generator = np.random.default_rng(recipe.settings.seed)
        cut, _ = crops(rows, validation.lengths, recipe.choices.crop_words, generator)
        cut = np.pad(cut, ((0, 0), (0, rows.shape[1] - cut.shape[1])))  # TensorFlow traces the model for one width only
        logits.append(_logits(model, cut, recipe))
    values, right = np.concatenate(logits), np.concatenate([targets] * len(logits))
    # Those of the reviews are thousands, of which many are wrong.
    found = temperature(values, right, smooth=recipe.choices.objective == "hinge")
    return found, cross_entropy(values / found, right)


def _logits(model: keras.Model, rows: Rows, recipe: Recipe) -> npt.NDArray[np.float64]:
    """Give logits, or margins in their place: shape (texts,) of one column, else (texts, columns)."""
    outputs = model.predict(rows, batch_size=512, verbose=0).astype(np.float64)
    if recipe.choices.objective == "hinge":
        return outputs[:, 0] if recipe.columns == 1 else outputs
    outputs = np.clip(outputs[:, 0], 1e-7, 1 - 1e-7)
    logits: npt.NDArray[np.float64] = np.log(outputs / (1 - outputs))
    return logits
