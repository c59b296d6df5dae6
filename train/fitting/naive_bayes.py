"""Scales of the weights of words and bigrams: naive Bayes' log-count ratios."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgetext.text import PAD_ID
from train.encoding.encoded import Encoded
from train.models.network import Tables, find_features
from train.models.recipe import Recipe


def find_scales(texts: Encoded, recipe: Recipe, buckets: int) -> Tables:
    """Return the scale of every word and every bucket: its log-count ratios, modified as ``Choices`` says.

    Returns:
        For the words and for the buckets, shapes (vocabulary_size, num_outputs) and (buckets, num_outputs). With the
        objective ``"hinge"`` their mean square over all features that occur is 1, so that regularisation means the same
        for all datasets.
    """
    choices = recipe.choices
    counts = count_texts(texts, recipe.labels, recipe.vocabulary_size, buckets)
    ratios: npt.NDArray[Any] = log_count_ratios(counts)  # (words and buckets, num_outputs)
    if choices.ratio_exponent != 1:
        ratios = np.sign(ratios) * np.abs(ratios) ** choices.ratio_exponent
    occurring = counts.sum(axis=0)
    if choices.objective == "hinge":
        ratios = ratios / max(float(np.sqrt((ratios[occurring > 0] ** 2).mean())), 1e-9)
    words, pairs = ratios[: recipe.vocabulary_size], ratios[recipe.vocabulary_size :]
    pairs = np.where(occurring[recipe.vocabulary_size :, None] < choices.least_texts, 0, pairs)
    return words.astype(np.float32), pairs.astype(np.float32)


def count_texts(texts: Encoded, labels: int, vocabulary_size: int, buckets: int) -> npt.NDArray[np.float64]:
    """Return the number of texts of each label with each word and bucket: shape (labels, vocabulary_size + buckets)."""
    counts = np.zeros((labels, vocabulary_size + buckets))
    for part, targets in texts.chunks():
        features = find_features(part.astype(np.int64), vocabulary_size, buckets)
        features.sort(axis=1)
        first = np.diff(features, axis=1, prepend=PAD_ID) > 0  # once per text, and never padding
        for label in np.unique(targets):
            own = targets == label
            counts[label] += np.bincount(features[own][first[own]], minlength=counts.shape[1])
    return counts


def log_count_ratios(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return naive Bayes' log-count ratios of each label against the rest, from ``count_texts`` smoothed by one.

    Returns:
        ``log((p / |p|) / (q / |q|))``, where p counts the texts of a label and q all others: shape (features, labels);
        for two labels only that of the second, shape (features, 1).
    """
    own = 1 + (counts[1:] if len(counts) == 2 else counts)
    rest = 1 + (counts[:1] if len(counts) == 2 else counts.sum(axis=0) - counts)
    shares, others = (part / part.sum(axis=1, keepdims=True) for part in (own, rest))
    return np.log(shares / others).astype(np.float32).T
