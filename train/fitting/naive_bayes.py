"""Scales of the weights of words and their n-grams: naive Bayes' log-count ratios."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgetext.text import PAD_ID
from train.encoding.encoded import Encoded
from train.encoding.ngrams import WordCharacters, count_ngrams
from train.models.choices import Choices
from train.models.hashing import find_features
from train.models.network import Tables
from train.models.recipe import Recipe

# Ratios are divided by their size, but by no less than this: those of the words of a few texts can all be 0, and
# character n-grams would have scales without limit.
SMALLEST_SIZE = 0.1


def find_scales(texts: Encoded, recipe: Recipe, buckets: int) -> Tables:
    """Return the scale of every word and every bucket: its log-count ratios, modified as ``Choices`` says.

    Returns:
        For the words and for the buckets of their n-grams: shapes (vocabulary_size, num_outputs) and (buckets,
        num_outputs). With the objective ``"hinge"`` their mean square over all features that occur is 1, so that
        regularisation means the same for all datasets. With characters, for the buckets of character n-grams too.
    """
    choices = recipe.choices
    counts = count_texts(texts, recipe.labels, recipe.vocabulary_size, buckets, choices.word_ngrams)
    ratios = _raise(log_count_ratios(counts), choices)  # (words and buckets, num_outputs)
    occurring = counts.sum(axis=0)
    size = 1.0
    if choices.objective == "hinge":
        size = max(float(np.sqrt((ratios[occurring > 0] ** 2).mean())), SMALLEST_SIZE)
    words, pairs = ratios[: recipe.vocabulary_size] / size, ratios[recipe.vocabulary_size :] / size
    pairs = np.where(occurring[recipe.vocabulary_size :, None] < choices.least_texts, 0, pairs)
    tables = [words, pairs]
    if recipe.word_characters is not None:
        counts = count_texts_with_ngrams(texts, recipe.labels, recipe.word_characters)
        ngrams = _raise(log_count_ratios(counts), choices) * (choices.characters_weight / size)
        tables.append(np.where(counts.sum(axis=0)[:, None] < choices.least_texts, 0, ngrams))
    return tuple(table.astype(np.float32) for table in tables)


def _raise(ratios: npt.NDArray[Any], choices: Choices) -> npt.NDArray[Any]:
    """Return log-count ratios to the power that ``Choices`` says, with their signs."""
    if choices.ratio_exponent == 1:
        return ratios
    return np.asarray(np.sign(ratios) * np.abs(ratios) ** choices.ratio_exponent)


def count_texts(
    texts: Encoded, labels: int, vocabulary_size: int, buckets: int, word_ngrams: int
) -> npt.NDArray[np.float64]:
    """Return the number of texts of each label with each word and bucket: shape (labels, vocabulary_size + buckets).

    The arguments are those of ``hashing.find_features``.
    """
    counts = np.zeros((labels, vocabulary_size + buckets))
    for part, targets in texts.chunks():
        features = find_features(part.astype(np.int64), vocabulary_size, buckets, word_ngrams)
        features.sort(axis=1)
        first = np.diff(features, axis=1, prepend=PAD_ID) > 0  # once per text, and never padding
        for label in np.unique(targets):
            own = targets == label
            counts[label] += np.bincount(features[own][first[own]], minlength=counts.shape[1])
    return counts


def count_texts_with_ngrams(texts: Encoded, labels: int, word_characters: WordCharacters) -> npt.NDArray[np.float64]:
    """Return the number of texts of each label with each bucket of n-grams: shape (labels, buckets)."""
    counts = np.zeros((labels, word_characters.shape[1]))
    for part, targets in texts.chunks():
        occurs = count_ngrams(part.astype(np.int64), word_characters) > 0
        for label in np.unique(targets):
            counts[label] += np.asarray(occurs[targets == label].sum(axis=0))[0]
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
