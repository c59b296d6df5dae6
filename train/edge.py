"""Fitting the ``edge`` preset: a weight for each word and for each bucket of pairs of neighbours, added up.

The steps, and where each comes from:

1. Naive Bayes: the log-count ratio of every word and bucket scales its weight (Wang and Manning, "Baselines and
   Bigrams", ACL 2012). Frozen ratio times trained weight: to Adam that is a learning rate for each.
2. Crops: beside the whole reviews, stretches of a few words with the review's label, drawn anew every epoch. A model
   that only ever saw whole reviews sits on its bias when it reads a sentence.
3. A teacher, fitted so with more buckets, labels the unlabelled reviews, and what ships is fitted on all of them.
4. A temperature, fitted on validation reviews and crops of them, makes probabilities mean what they say (Guo et al.,
   2017), and is folded into the weights. A shift beside it would bring in the share of praise among the validation
   reviews, which are those of a few hundred movies.

``Choices`` holds every number; benchmarks/choices.py shows what each brings.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from edgetext.text import START_ID
from train import fit, network
from train.choices import Choices
from train.rows import Rows, Targets
from train.settings import Settings

Batch = tuple[Rows, Targets, npt.NDArray[np.float32]]
# Rows whose pairs are counted at once: 20 MB of them.
_CHUNK = 4096


def train(
    training: tuple[Rows, Targets],
    unlabelled: Rows,
    validation: tuple[Rows, Targets],
    vocabulary_size: int,
    settings: Settings,
    choices: Choices,
) -> tuple[keras.Model, dict[str, list[float]], float]:
    """Train the network of bigrams.

    Args:
        training: ids, shape (reviews, max_length), and targets, shape (reviews,).
        unlabelled: ids, shape (reviews, max_length); may be empty.
        validation: As ``training``.
        vocabulary_size: Ids in the vocabulary.
        settings: How to fit.
        choices: The rest.

    Returns:
        The model, as ``network.build_edge`` makes it; the history of its fitting; and the temperature.
    """
    rows, targets = training
    if len(unlabelled) and choices.teacher_buckets:
        print(f"a teacher for {len(unlabelled):,} unlabelled reviews:", flush=True)
        ratios = log_count_ratios(rows, targets, vocabulary_size, choices.teacher_buckets)
        teacher, _ = _fit(ratios, training, validation, settings, choices, choices.teacher_crop_weight)
        logits = _logits(teacher, unlabelled) / choices.teacher_temperature
        print("the model itself:", flush=True)
        training = np.concatenate([rows, unlabelled]), np.concatenate([targets, _sigmoid(logits).astype(np.float32)])
    ratios = log_count_ratios(rows, targets, vocabulary_size, choices.buckets)
    model, history = _fit(ratios, training, validation, settings, choices, choices.crop_weight)
    found = _calibrate(model, validation, settings, choices)
    final = network.build_edge(vocabulary_size, rows.shape[1], choices)
    network.take_over(final, model, found)
    return final, history, found


def _fit(
    ratios: network.Ratios,
    training: tuple[Rows, Targets],
    validation: tuple[Rows, Targets],
    settings: Settings,
    choices: Choices,
    crop_weight: float,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Fit one network; give it, and its history."""
    batches = _Crops(training, settings, choices, crop_weight)
    model = network.build_edge_training(ratios, choices)
    rate = keras.optimizers.schedules.PolynomialDecay(choices.learning_rate, settings.epochs * len(batches), 0.0)
    accuracy = keras.metrics.MeanMetricWrapper(_agree, name="accuracy")
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", weighted_metrics=[accuracy])
    return model, fit.fit(model, batches, validation, settings)


def _agree(targets: Any, outputs: Any) -> Any:
    """Tell whether the label is the more probable one, which a teacher's label, a probability itself, means too."""
    return ops.cast((ops.reshape(targets, ops.shape(outputs)) > 0.5) == (outputs > 0.5), "float32")


def log_count_ratios(
    rows: Rows, targets: Targets, vocabulary_size: int, buckets: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Give the naive-Bayes log-count ratio of every word and every bucket, counts smoothed by one.

    Returns:
        ``log((p / |p|) / (q / |q|))``, where p and q count the occurrences in reviews of the second and of the first
        label: shapes (vocabulary_size, 1) and (buckets, 1).
    """
    counts = np.ones((2, vocabulary_size + buckets))  # label; words, then buckets
    for label in (0, 1):
        chosen = rows[(targets > 0.5) == label]
        for start in range(0, len(chosen), _CHUNK):
            part = chosen[start : start + _CHUNK].astype(np.int64)  # (reviews, max_length)
            pairs = network.bucket(part[:, :-1], part[:, 1:], buckets) + vocabulary_size
            features = np.hstack([part, np.where(part[:, 1:] > 0, pairs, 0)])
            features.sort(axis=1)
            first = np.diff(features, axis=1, prepend=0) > 0  # once a review, and padding never
            counts[label] += np.bincount(features[first], minlength=counts.shape[1])
    shares = counts / counts.sum(axis=1, keepdims=True)
    ratios = np.log(shares[1] / shares[0]).astype(np.float32)[:, None]
    return ratios[:vocabulary_size], ratios[vocabulary_size:]


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
    """Batches of whole reviews, each followed by a batch of crops of the same reviews."""

    def __init__(
        self, training: tuple[Rows, Targets], settings: Settings, choices: Choices, crop_weight: float
    ) -> None:
        super().__init__()
        self._rows, self._targets = training
        self._lengths = (self._rows > 0).sum(axis=1)
        self._size = settings.batch_size
        self._choices = choices
        self._crop_weight = crop_weight
        self._generator = np.random.default_rng(settings.seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        kinds = 2 if self._choices.crops and self._crop_weight else 1
        return kinds * -(-len(self._rows) // self._size)

    def on_epoch_end(self) -> None:
        self._order = self._generator.permutation(len(self._rows))

    def __getitem__(self, index: int) -> Batch:
        kinds = len(self) // -(-len(self._rows) // self._size)
        number, kind = divmod(index, kinds)
        chosen = self._order[number * self._size : (number + 1) * self._size]
        if kind == 0:
            return self._rows[chosen], self._targets[chosen], np.ones(len(chosen), np.float32)
        chosen = np.repeat(chosen, self._choices.crops)
        cut, _ = crops(self._rows[chosen], self._lengths[chosen], self._choices.crop_words, self._generator)
        return cut, self._targets[chosen], np.full(len(chosen), self._crop_weight, np.float32)


def _calibrate(model: keras.Model, validation: tuple[Rows, Targets], settings: Settings, choices: Choices) -> float:
    """Fit the temperature on the validation reviews and one crop of each."""
    rows, targets = validation
    cut, _ = crops(rows, (rows > 0).sum(axis=1), choices.crop_words, np.random.default_rng(settings.seed))
    cut = np.pad(cut, ((0, 0), (0, rows.shape[1] - cut.shape[1])))  # TensorFlow traces the model for one width only
    return temperature(np.concatenate([_logits(model, rows), _logits(model, cut)]), np.concatenate([targets, targets]))


def temperature(logits: npt.NDArray[np.float64], targets: npt.NDArray[Any]) -> float:
    """Find the temperature by which to divide logits for the lowest cross-entropy.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017; found by Newton's method on its inverse.

    Args:
        logits: Shape (texts,).
        targets: 0 or 1, shape (texts,).

    Returns:
        The temperature, kept between 0.1 and 10: logits that separate the texts without error have no best one.
    """
    inverse = 1.0
    for _ in range(50):
        probabilities = _sigmoid(inverse * logits)
        slope = logits @ (probabilities - targets)
        curvature = logits**2 @ (probabilities * (1 - probabilities))
        step = slope / max(curvature, 1e-9)
        inverse = min(max(inverse - step, 0.1), 10.0)
        if abs(step) < 1e-9:
            break
    return 1 / inverse


def _logits(model: keras.Model, rows: Rows) -> npt.NDArray[np.float64]:
    outputs = model.predict(rows, batch_size=512, verbose=0)[:, 0].astype(np.float64)
    outputs = np.clip(outputs, 1e-7, 1 - 1e-7)
    logits: npt.NDArray[np.float64] = np.log(outputs / (1 - outputs))
    return logits


def _sigmoid(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    probabilities: npt.NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    return probabilities
