"""Choosing the numbers of the ``edge`` preset for texts of one's own, from the texts.

The rules were chosen by cross-validation on two small sets (questions of six types, 5,452; text messages, spam or not,
4,136), not on their test texts; CONTRIBUTING.md has the figures.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from edgetext.text import RESERVED
from train.encoding.encoded import Encoded
from train.models import network
from train.models.choices import Choices
from train.models.settings import Settings

# Ids in a row: this share of the texts fits, and no row is shorter than the one or longer than the other.
FITTING, SHORTEST_ROW, LONGEST_ROW = 0.99, 32, 512
# A word that occurs once is one of which the model learns nothing but that it is rare: it is left to the id of unknown
# words, which is trained so.
LEAST_OCCURRENCES = 2
# A table of bigrams has so many rows for each bigram that occurs in two texts, and at most so many bytes.
ROOM, LARGEST_TABLE = 4, 2**20
FEWEST_BUCKETS, MOST_BUCKETS = 2**10, 2**18
# C of the linear support vector machine that the objective is: 1 is scikit-learn's default too.
C = 1.0
# Labels that cannot be told well from the texts ask for a smaller one. Where more texts are fitted than this, it
# matters little, and each costs a training.
STRONGER, SEARCH_BELOW = (3.0, 10.0, 30.0), 100_000
# So many texts are fitted in all, in at least and at most so many passes.
TEXTS_IN_ALL, FEWEST_EPOCHS, MOST_EPOCHS = 80_000, 4, 30
BATCH_SIZE = 64


def choose_max_length(lengths: Counter[int]) -> int:
    """Choose the ids in a row: the start mark and all words of 99 % of the texts, up to a multiple of 16."""
    enough, seen = FITTING * sum(lengths.values()), 0
    for length in sorted(lengths):
        seen += lengths[length]
        if seen >= enough:
            break
    return min(max(-(-(length + 1) // 16) * 16, SHORTEST_ROW), LONGEST_ROW)


def choose_vocabulary(words: Counter[str], columns: int) -> int:
    """Choose the ids in the vocabulary: words that occur twice, as many as ``Choices`` has and the table may take.

    Where no word does, they are all words.
    """
    repeated = sum(count >= LEAST_OCCURRENCES for count in words.values()) or len(words)
    return min(len(RESERVED) + max(repeated, 1), Choices.vocabulary, max(LARGEST_TABLE // columns, 1000))


def choose_buckets(texts: Encoded, columns: int) -> int:
    """Choose the rows of the table of bigrams: a power of two, by the number of bigrams that occur in two texts."""
    once, twice = np.zeros(2**22, bool), np.zeros(2**22, bool)  # by hash: of a few million bigrams most have their own
    for rows, _ in texts.chunks():
        wide = rows.astype(np.int64)
        hashes = network.bucket(wide[:, :-1], wide[:, 1:], len(once))
        hashes = np.sort(np.where(rows[:, 1:] > 0, hashes, -1), axis=1)
        first = np.diff(hashes, axis=1, prepend=-1) > 0  # once a text, and padding never
        counts = np.bincount(hashes[first], minlength=len(once))
        twice |= (counts > 1) | (once & (counts > 0))
        once |= counts > 0
    wanted = ROOM * int(twice.sum())
    most = min(MOST_BUCKETS, LARGEST_TABLE // columns)
    return max(2 ** min(max(wanted - 1, 1).bit_length(), most.bit_length() - 1), FEWEST_BUCKETS)


def choose_settings(texts: int, seed: int) -> Settings:
    """Choose how long to fit so many texts."""
    epochs = min(max(-(-TEXTS_IN_ALL // texts), FEWEST_EPOCHS), MOST_EPOCHS)
    return Settings(epochs=epochs, batch_size=BATCH_SIZE, seed=seed, validation=1)


def choices_for(texts: int) -> Choices:
    """Give what does not depend on the texts but on how many are fitted; sizes are those of the defaults still."""
    return Choices(
        objective="hinge",
        exponent=0.5,
        ratio_exponent=0.5,
        least_texts=2,
        crops=0,
        learning_rate=0.05,
        # A mean over the texts and a plain sum of squares, where a support vector machine has half the sum of squares
        # and C times the sum over the texts (Fan et al., "LIBLINEAR", JMLR 2008).
        regularization=1 / (2 * C * texts),
        stronger=STRONGER if texts < SEARCH_BELOW else (),
        teacher_buckets=0,
    )
