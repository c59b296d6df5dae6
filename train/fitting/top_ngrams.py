"""The pairs and triples of words with the largest weights, which a model cannot list itself, because it hashes them."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from edgetext.text import PAD_ID
from edgetext.vocabulary import Vocabulary
from train.distilling.ngrams import Ngrams, count_ngrams
from train.encoding.encoded import Encoded, Splits
from train.models.hashing import find_features
from train.models.network import TABLES
from train.models.recipe import Recipe

# Rarer n-grams are not listed.
LEAST_TEXTS = 5
# Of texts with more words than this every second, third and so on is counted: each word takes up to 24 bytes.
MOST_WORDS = 2**23
# How many are listed, unless that leaves fewer than LEAST_OF_LABEL for each label.
MOST, MOST_OF_LABEL, LEAST_OF_LABEL = 2_000, 100, 5


def find_top_ngrams(model: keras.Model, texts: Splits, vocabulary: Vocabulary, recipe: Recipe) -> list[str]:
    """Return the n-grams of the labelled texts with the largest weights for each label, the most frequent first.

    N-grams that share their bucket are left out, unless one of them is in most of the texts that have the bucket: the
    weight is then its own.

    Args:
        model: The network that is exported.
        texts: The texts that it was fitted on.
        vocabulary: The words by their ids.
        recipe: How it was fitted.

    Returns:
        The words of each, separated by spaces.
    """
    fitted, size = texts.train.joined(texts.validation), recipe.vocabulary_size
    fitted = fitted.subset(slice(None, None, -(-int(fitted.words.sum()) // MOST_WORDS)))
    ngrams = count_ngrams(fitted, size, LEAST_TEXTS)
    features = ngrams.find_features(size, recipe.choices.buckets, recipe.choices.word_ngrams)
    ngrams, buckets = _select(ngrams, features >= size), features[features >= size] - size
    is_own = 2 * ngrams.counts > _count_texts(fitted, recipe)[buckets]
    ngrams, buckets = _select(ngrams, is_own), buckets[is_own]
    weights = _compare_labels(model.get_layer(TABLES[1]).get_weights()[0][buckets])  # (ngrams, labels)
    count = min(max(MOST // recipe.labels, LEAST_OF_LABEL), MOST_OF_LABEL)
    chosen = np.zeros(len(buckets), bool)
    for column in weights.T:
        best = np.argsort(-column, kind="stable")[:count]
        chosen[best[column[best] > 0]] = True
    ngrams = _select(ngrams, chosen)
    listed = [" ".join(vocabulary.tokens[word] for word in words if word != PAD_ID) for words in ngrams.words()]
    return [ngram for _, ngram in sorted(zip(-ngrams.counts, listed))]


def _select(ngrams: Ngrams, chosen: npt.NDArray[np.bool_]) -> Ngrams:
    return Ngrams(ngrams.keys[chosen], ngrams.counts[chosen])


def _count_texts(texts: Encoded, recipe: Recipe) -> npt.NDArray[np.int64]:
    """Return the number of texts with each bucket, shape (buckets,)."""
    first, size = recipe.vocabulary_size, recipe.choices.buckets
    counts = np.zeros(size, np.int64)
    for ids, _ in texts.chunks():
        features = find_features(ids.astype(np.int64), first, size, recipe.choices.word_ngrams)
        features.sort(axis=1)
        is_first = (np.diff(features, axis=1, prepend=0) > 0) & (features >= first)
        counts += np.bincount(features[is_first] - first, minlength=size)
    return counts


def _compare_labels(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the weights for each label less the mean of those for the others, given those of each output."""
    outputs = weights.shape[1]
    if outputs == 1:
        return np.hstack([-weights, weights])
    return weights - (weights.sum(axis=1, keepdims=True) - weights) / np.float32(outputs - 1)
