"""Vectors of texts and n-grams, learned without labels from which n-grams occur in which texts.

The cosine of the vectors of a text and of an n-gram predicts whether the text has the n-gram. After Li et al.,
"Learning Document Embeddings by Predicting N-grams for Sentiment Classification of Long Movie Reviews" (2016), and
Thongtan and Phienthrakul, "Sentiment Classification Using Document Embeddings Trained with Cosine Similarity" (ACL
2019).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from train.fitting.compiled import compiled

DIMENSIONS = 300
# The learning rate falls linearly to this part of it.
RATE, LAST_RATE = 0.03, 0.02
# For each n-gram of a text two are drawn that it need not have, by their number of texts to this power. Each counts
# twice.
NEGATIVES, NEGATIVE_WEIGHT, POWER = 2, 2.0, 0.75
SHARPNESS = 6.0  # the cosine is multiplied by it
# N-grams of all texts over all epochs, and the limits of epochs. With 200 labels 40 epochs were 1.7 points better than
# 10 in 7,672 Chinese reviews, and 300 were 1 point better than 100 in 4,369 questions.
NGRAMS_LEARNED, FEWEST_EPOCHS, MOST_EPOCHS = 2**24, 10, 300
# Texts and n-grams are divided into as many parts. A thread has one part of both at a time, so that none waits for
# another, and the result does not depend on the number of cores. With numba.prange, the process that compiles the loop
# would not get the same vectors as those that find it compiled.
PARTS = 2
_DRAWN_BITS = 20  # of a place in a table from which n-grams are drawn
Vector = npt.NDArray[np.float32]


class Vectors(NamedTuple):
    """Vectors of length 1."""

    texts: Vector  # shape (texts, DIMENSIONS)
    ngrams: Vector  # shape (ngrams, DIMENSIONS)


def learn_vectors(occurs: Any, seed: int) -> Vectors:
    """Return vectors of texts and n-grams: for the same seed and machine always the same.

    Args:
        occurs: Which n-grams each text has: a scipy.sparse.csr_matrix of shape (texts, ngrams).
        seed: Seed of the first vectors, the order of texts, and the n-grams that are drawn.
    """
    generator, started = np.random.default_rng(seed), time.monotonic()
    epochs = int(min(max(NGRAMS_LEARNED // max(occurs.nnz, 1), FEWEST_EPOCHS), MOST_EPOCHS))
    texts, ngrams = (
        generator.standard_normal((count, DIMENSIONS), np.float32) / np.float32(np.sqrt(DIMENSIONS))
        for count in occurs.shape
    )
    columns, bounds = _divide(occurs)
    frequencies = np.bincount(columns, minlength=len(ngrams)) ** POWER
    tables = np.stack([_make_table(frequencies, part) for part in range(PARTS)])
    states = generator.integers(1, 2**63, PARTS).astype(np.uint64)
    with ThreadPoolExecutor(PARTS) as threads:
        for epoch in tqdm(range(epochs), "learning vectors", unit="epoch", leave=False, disable=None):
            order = generator.permutation(len(texts))
            rates = [RATE * max(1 - (epoch + done) / epochs, LAST_RATE) for done in (0, 1)]
            learn = partial(_learn, bounds, columns, texts, ngrams, tables, order, *rates, states)
            for turn in range(PARTS):
                list(threads.map(learn, range(PARTS), [(thread + turn) % PARTS for thread in range(PARTS)]))
    print(
        f"learning vectors of {len(texts):,} texts and {len(ngrams):,} n-grams: {epochs} epochs, "
        f"{time.monotonic() - started:.0f} s",
        flush=True,
    )
    return Vectors(*(part / np.linalg.norm(part, axis=1, keepdims=True) for part in (texts, ngrams)))


def _divide(occurs: Any) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Sort the n-grams of each text by part.

    Returns:
        The n-grams of all texts, shape (occurrences,), and where those of each text and part begin, shape
        (texts, PARTS + 1), where the last column is the end.
    """
    rows = np.repeat(np.arange(occurs.shape[0]), np.diff(occurs.indptr))
    parts = occurs.indices % PARTS
    columns = occurs.indices[np.lexsort((parts, rows))]
    sizes = np.bincount(rows * PARTS + parts, minlength=occurs.shape[0] * PARTS).reshape(-1, PARTS)
    first = occurs.indptr[:-1, None]
    return columns, np.hstack([first, first + np.cumsum(sizes, axis=1)]).astype(np.int64)


def _make_table(frequencies: Any, part: int) -> npt.NDArray[np.int32]:
    """Return n-grams of a part, each as often as it should be drawn: shape (2 ** _DRAWN_BITS,)."""
    own = np.arange(part % len(frequencies), len(frequencies), PARTS)
    shares = np.cumsum(frequencies[own]) / frequencies[own].sum()
    places = (np.arange(2**_DRAWN_BITS) + 0.5) / 2**_DRAWN_BITS
    return own[np.searchsorted(shares, places)].astype(np.int32)


@compiled(fastmath=True, nogil=True)
def _learn(  # type: ignore[no-untyped-def]
    bounds, columns, texts, ngrams, tables, order, rate, last_rate, states, thread, part
):
    """Learn from one part of the n-grams of one part of the texts."""
    count, size = texts.shape
    state, change = states[thread], np.empty(size, np.float32)
    for place in range(thread, count, PARTS):
        text = order[place]
        step = np.float32(SHARPNESS * (rate + (last_rate - rate) * place / count))
        x = texts[text]
        for position in range(bounds[text, part], bounds[text, part + 1]):
            squared, shrink = np.float32(0), np.float32(0)
            for i in range(size):
                squared += x[i] * x[i]
                change[i] = 0
            for drawn in range(NEGATIVES + 1):
                if drawn:
                    state ^= state << np.uint64(13)  # Marsaglia, "Xorshift RNGs", 2003
                    state ^= state >> np.uint64(7)
                    state ^= state << np.uint64(17)
                    o = ngrams[tables[part, state >> np.uint64(64 - _DRAWN_BITS)]]
                else:
                    o = ngrams[columns[position]]
                product, own = np.float32(0), np.float32(0)
                for i in range(size):
                    product += x[i] * o[i]
                    own += o[i] * o[i]
                inverse = np.float32(1) / np.sqrt(squared * own)
                cosine = product * inverse
                predicted = np.float32(1) / (np.float32(1) + np.exp(np.float32(-SHARPNESS) * cosine))
                error = step * (np.float32(-NEGATIVE_WEIGHT) * predicted if drawn else np.float32(1) - predicted)
                # The derivative of the cosine by x is o / (|x| |o|) - cosine x / |x|^2, and vice versa.
                along, less = error * inverse, np.float32(1) - error * cosine / own
                shrink += error * cosine / squared
                for i in range(size):
                    change[i] += along * o[i]
                    o[i] = less * o[i] + along * x[i]
            for i in range(size):
                x[i] += change[i] - shrink * x[i]
    states[thread] = state
