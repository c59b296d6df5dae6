"""How n-grams of words are hashed into buckets; the network does the same with Keras' operations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add, and_, mul
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetext.text import PAD_ID, UNKNOWN_ID
from train.models.choices import MULTIPLIERS


def neighbours(ids: Any, count: int) -> list[Any]:
    """Return the words of all n-grams of ``count`` words in encoded texts.

    Args:
        ids: Shape (texts, n), numpy's or Keras'.
        count: Number of words of an n-gram.

    Returns:
        The first words, the second words and so on, each of shape (texts, n - count + 1).
    """
    return [ids[:, place : place - count + 1 or None] for place in range(count)]


def bucket(words: Sequence[Any], buckets: int) -> Any:
    """Return the bucket of each n-gram, below ``buckets``.

    Args:
        words: The ids of the first words, of the second words and, for trigrams, of the third: two or three arrays of
            integers of any one shape, numpy's or Keras'.
        buckets: Number of buckets.
    """
    return reduce(add, map(mul, words, MULTIPLIERS)) % buckets


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
    features = [np.where(ids > UNKNOWN_ID, ids, PAD_ID)]
    for count in range(2, word_ngrams + 1):
        first, *rest = words = neighbours(ids, count)
        is_known = reduce(and_, (word > UNKNOWN_ID for word in rest), first != UNKNOWN_ID)
        features.append(np.where(is_known, vocabulary_size + bucket(words, buckets), PAD_ID))
    return np.hstack(features)
