"""Which words, pairs and triples occur in which texts, each under a number of its own instead of in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse  # type: ignore[import-untyped]

from edgetext.text import PAD_ID, UNKNOWN_ID
from train.encoding.encoded import Encoded, Ids
from train.models.hashing import find_features

LONGEST = 3  # words of an n-gram
_BITS = 16  # of an id, so that three fit into a number of 64 bits
_COUNTERS = 2**24
Keys = npt.NDArray[np.int64]


class Ngrams(NamedTuple):
    """The n-grams that occur in enough texts."""

    keys: Keys  # a number for each, rising, made of the ids of its words; shape (ngrams,)
    counts: npt.NDArray[np.int64]  # how many texts have each; shape (ngrams,)

    def words(self) -> npt.NDArray[np.int64]:
        """Return the ids of the words of each n-gram, after ``PAD_ID`` if it is short: shape (ngrams, 3)."""
        return np.stack([self.keys >> place * _BITS & (1 << _BITS) - 1 for place in (2, 1, 0)], axis=1)

    def find(self, texts: Encoded, vocabulary_size: int) -> Any:
        """Return which n-grams each text has: a scipy.sparse.csr_matrix of ones, shape (texts, ngrams)."""
        columns, ends = [], [np.zeros(1, np.int64)]
        for counts, keys in _find_keys(texts, vocabulary_size):
            places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            is_known = self.keys[places] == keys
            columns.append(places[is_known].astype(np.int32))
            rows = np.repeat(np.arange(len(counts)), counts)[is_known]
            ends.append(ends[-1][-1] + np.cumsum(np.bincount(rows, minlength=len(counts))))
        indices = np.concatenate(columns)
        return sparse.csr_matrix(
            (np.ones(len(indices), np.float32), indices, np.concatenate(ends)), (len(texts), len(self.keys))
        )

    def find_features(self, vocabulary_size: int, buckets: int, word_ngrams: int) -> npt.NDArray[np.int64]:
        """Return the feature of a network that each n-gram adds to, ``PAD_ID`` if it is too long: shape (ngrams,)."""
        words = self.words()
        lengths = (words != PAD_ID).sum(axis=1)
        features = np.where(lengths == 1, self.keys, PAD_ID)
        for length in range(2, word_ngrams + 1):
            own = lengths == length
            features[own] = find_features(words[own, -length:], vocabulary_size, buckets, length)[:, -1]
        return features


def count_ngrams(texts: Encoded, vocabulary_size: int, least_texts: int) -> Ngrams:
    """Return the n-grams of known words that occur in at least ``least_texts`` texts."""
    # Most n-grams occur in one text. Those whose hashes do are left out first, or they would fill the memory.
    hashes = np.zeros(_COUNTERS, np.int32)
    for _, keys in _find_keys(texts, vocabulary_size):
        hashes += np.bincount(_hash(keys), minlength=_COUNTERS).astype(np.int32)
    is_frequent = hashes >= least_texts
    found, end = np.empty(int(hashes[is_frequent].sum()), np.int64), 0  # once: lists and np.unique hold copies
    for _, keys in _find_keys(texts, vocabulary_size):
        kept = keys[is_frequent[_hash(keys)]]
        found[end : end + len(kept)] = kept
        end += len(kept)
    found.sort()
    starts = np.flatnonzero(np.diff(found, prepend=-1))
    counts = np.diff(starts, append=end)
    return Ngrams(found[starts[counts >= least_texts]], counts[counts >= least_texts])


def _find_keys(texts: Encoded, vocabulary_size: int) -> Iterator[tuple[npt.NDArray[np.int64], Keys]]:
    """Yield, some texts at a time, how many n-grams each text has, and the keys of its n-grams, each once."""
    for ids, _ in texts.chunks():
        keys = _make_keys(np.where(ids < vocabulary_size, ids, 0))
        keys.sort(axis=1)
        is_first = np.diff(keys, axis=1, prepend=0) > 0
        yield is_first.sum(axis=1), keys[is_first]


def _make_keys(ids: Ids) -> Keys:
    """Return a key for each n-gram of known words of padded texts; 0 where there is none."""
    wide, is_known, parts = ids.astype(np.int64), ids > UNKNOWN_ID, []
    for length in range(1, LONGEST + 1):
        count = ids.shape[1] - length + 1
        keys, is_ngram = np.zeros((len(ids), count), np.int64), np.ones((len(ids), count), bool)
        for place in range(length):
            keys = (keys << _BITS) | wide[:, place : place + count]
            is_ngram &= is_known[:, place : place + count]
        parts.append(np.where(is_ngram, keys, 0))
    return np.hstack(parts)


def _hash(keys: Keys) -> npt.NDArray[np.int64]:
    # Multiplicative hashing: the upper bits of a product with 2^64 over the golden ratio (Knuth, TAOCP 3, 6.4).
    return (keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)).astype(np.int64)
