"""The character n-grams of the words in a vocabulary, whose weights are added to those of the words at export."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse  # type: ignore[import-untyped]

from edgetext.ngrams import Characters, is_one_word
from edgetext.text import RESERVED, UNKNOWN_ID
from edgetext.vocabulary import Vocabulary

# A scipy.sparse.csr_matrix of shape (vocabulary_size, buckets): how often each bucket occurs in each word.
WordCharacters = Any


def count_word_characters(vocabulary: Vocabulary, characters: Characters) -> WordCharacters:
    """Return how often each bucket of n-grams occurs in each word; never in one that is part of a run."""
    indices: list[int] = []
    ends = [0] * (len(RESERVED) + 1)
    for word in vocabulary.tokens[len(RESERVED) :]:
        if not is_one_word(word, marks=True):
            indices += characters.hash_item(word)
        ends.append(len(indices))
    shape = len(vocabulary), characters.buckets
    found = sparse.csr_matrix((np.ones(len(indices), np.float32), indices, ends), shape)
    found.sum_duplicates()
    return found


def count_ngrams(ids: npt.NDArray[np.int64], word_characters: WordCharacters) -> Any:
    """Return how often each bucket of n-grams occurs in encoded texts, known words included.

    Args:
        ids: Padded ids of texts, shape (texts, n).
        word_characters: As ``count_word_characters`` returns.

    Returns:
        A scipy.sparse.csr_matrix of shape (texts, buckets).
    """
    size, buckets = word_characters.shape
    words, ngrams = (
        sparse.csr_matrix((np.ones(chosen.sum()), (np.nonzero(chosen)[0], ids[chosen] - first)), (len(ids), count))
        for chosen, first, count in (((ids > UNKNOWN_ID) & (ids < size), 0, size), (ids >= size, size, buckets))
    )
    return words @ word_characters + ngrams
