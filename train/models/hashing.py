"""How n-grams of words are hashed into buckets, for numpy's arrays and for Keras' tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edgetext.text import PAD_ID, UNKNOWN_ID
from train.models.choices import MULTIPLIERS


def shift(ids: Any, word_ngrams: int) -> list[Any]:
    """Return the first words of the n-grams in encoded texts, the second words and so on.

    Args:
        ids: Shape (texts, n).
        word_ngrams: Words of the longest n-gram.

    Returns:
        Shape (texts, n - 1) for the first and the second words, (texts, n - 2) for the third.
    """
    return [ids[:, :-1], *(ids[:, place:] for place in range(1, word_ngrams))]


def add_products(words: list[Any]) -> list[Any]:
    """Return the sums whose remainders are the buckets of bigrams, then those of trigrams.

    Args:
        words: Integers, as ``shift`` returns.

    Returns:
        For each length of n-grams, shape (texts, n - length + 1).
    """
    sums = [words[0] * MULTIPLIERS[0] + words[1] * MULTIPLIERS[1]]
    for word, multiplier in zip(words[2:], MULTIPLIERS[2:]):
        sums.append(sums[-1][:, :-1] + word * multiplier)
    return sums


def find_features(
    ids: npt.NDArray[np.int64], vocabulary_size: int, buckets: int, word_ngrams: int
) -> npt.NDArray[np.int64]:
    """Return which words and n-grams of words add to the logits of encoded texts.

    Args:
        ids: Shape (texts, n), those of character n-grams included, which are left out.
        vocabulary_size: Number of ids.
        buckets: Number of buckets.
        word_ngrams: Words of the longest n-gram.

    Returns:
        Ids, then for each length of n-grams ``vocabulary_size`` plus their buckets; ``PAD_ID`` stands for what adds
        nothing, see ``network.build_edge``. The shape is (texts, 2 * n - 1) for bigrams, (texts, 3 * n - 3) for
        trigrams too.
    """
    ids = np.where(ids < vocabulary_size, ids, PAD_ID)
    words = shift(ids, word_ngrams)
    is_known = [(words[0] != UNKNOWN_ID) & (words[1] > UNKNOWN_ID)]
    for word in words[2:]:
        is_known.append(is_known[-1][:, :-1] & (word > UNKNOWN_ID))
    hashed = vocabulary_size + np.hstack(add_products(words)) % buckets
    ngrams = np.where(np.hstack(is_known), hashed, PAD_ID)
    return np.hstack([np.where(ids > UNKNOWN_ID, ids, PAD_ID), ngrams])
