"""The rules that choose the numbers of the preset ``edge`` from a table's texts.

They were chosen by cross-validation on the training texts of two small datasets; train/README.md has the figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgetext.text import RESERVED
from train.encoding.encoded import Encoded
from train.models import network
from train.models.choices import Choices
from train.models.presets import Settings

# Length of an encoded text: this share of the texts fits, within these limits.
FITTING, SHORTEST_TEXT, LONGEST_TEXT = 0.99, 32, 512
# From a word that occurs once the model learns only that it is rare, so it is left to the id of unknown words.
MIN_COUNT = 2
# Buckets for each bigram that occurs in two texts, and the most weights of a table.
BUCKETS_PER_BIGRAM, LARGEST_TABLE = 4, 2**20
FEWEST_BUCKETS, MOST_BUCKETS = 2**10, 2**18
C = 1.0  # of the linear support vector machine that the objective is; 1 is scikit-learn's default too
# Factors of the regularisation to try, for labels that are hard to predict. With more texts than this it matters
# little, and each costs a training.
STRONGER, SEARCH_BELOW = (3.0, 10.0, 30.0), 100_000
# Texts fitted over all epochs, and the limits of epochs.
TEXTS_FITTED, FEWEST_EPOCHS, MOST_EPOCHS = 80_000, 4, 30
BATCH_SIZE = 64
# With fewer texts than this the model is fitted again on the validation texts too, once everything is chosen and
# measured.
REFIT_BELOW = 100_000
RARE = 1 / 5  # classes are weighted if the rarest has less than this part of an even share of the texts


def choose_max_length(lengths: Counter[int]) -> int:
    """Return the length of an encoded text: the start mark and all words of 99 % of the texts, as a multiple of 16."""
    enough, seen = FITTING * sum(lengths.values()), 0
    for length in sorted(lengths):
        seen += lengths[length]
        if seen >= enough:
            break
    return min(max(-(-(length + 1) // 16) * 16, SHORTEST_TEXT), LONGEST_TEXT)


def choose_vocabulary_size(words: Counter[str], num_outputs: int) -> int:
    """Return the number of ids: for all words that occur twice, within the limits of ``Choices`` and of a table.

    If no word occurs twice, all words count.
    """
    repeated = sum(count >= MIN_COUNT for count in words.values()) or len(words)
    return min(len(RESERVED) + max(repeated, 1), Choices.vocabulary, max(LARGEST_TABLE // num_outputs, 1000))


def choose_buckets(texts: Encoded, num_outputs: int) -> int:
    """Return the number of buckets, a power of two, from the number of bigrams that occur in two texts."""
    once, twice = np.zeros(2**22, bool), np.zeros(2**22, bool)  # by hash; few of some million bigrams collide
    for ids, _ in texts.chunks():
        wide = ids.astype(np.int64)
        hashes = network.bucket(wide[:, :-1], wide[:, 1:], len(once))
        hashes = np.sort(np.where(ids[:, 1:] > 0, hashes, -1), axis=1)
        first = np.diff(hashes, axis=1, prepend=-1) > 0  # once per text, and never padding
        counts = np.bincount(hashes[first], minlength=len(once))
        twice |= (counts > 1) | (once & (counts > 0))
        once |= counts > 0
    wanted = BUCKETS_PER_BIGRAM * int(twice.sum())
    most = min(MOST_BUCKETS, LARGEST_TABLE // num_outputs)
    return max(2 ** min(max(wanted - 1, 1).bit_length(), most.bit_length() - 1), FEWEST_BUCKETS)


def choose_settings(texts: int, seed: int) -> Settings:
    """Return how long to fit this number of texts."""
    epochs = min(max(-(-TEXTS_FITTED // texts), FEWEST_EPOCHS), MOST_EPOCHS)
    return Settings(epochs=epochs, batch_size=BATCH_SIZE, seed=seed, validation=1)


def choices_for(texts: int) -> Choices:
    """Return the choices that depend only on the number of texts to fit; the sizes are still the defaults."""
    return Choices(
        objective="hinge",
        exponent=0.5,
        ratio_exponent=0.5,
        least_texts=2,
        crops=0,
        learning_rate=0.05,
        # The loss is a mean over the texts and a plain sum of squares, where a support vector machine has half the sum
        # of squares and C times the sum over the texts (Fan et al., "LIBLINEAR", JMLR 2008).
        regularization=1 / (2 * C * texts),
        stronger=STRONGER if texts < SEARCH_BELOW else (),
        teacher_buckets=0,
    )


def weigh_classes(targets: npt.NDArray[np.int64], labels: Sequence[str], how: str) -> npt.NDArray[np.float32]:
    """Return the weight of each label's texts in the loss, shape (labels,), and print it if it is not 1.

    ``"balanced"`` gives every label the same total weight, like scikit-learn's ``class_weight``; ``"none"`` gives every
    text the same weight; ``"auto"`` takes the square root of the balanced weights, if the rarest label has less than
    ``RARE`` of an even share. The mean over the texts is 1.
    """
    counts = np.bincount(targets, minlength=len(labels))
    even = len(targets) / len(labels)
    if how == "none" or counts.min() == counts.max() or (how == "auto" and counts.min() >= RARE * even):
        return np.ones(len(labels), np.float32)
    weights = (even / np.maximum(counts, 1)) ** (1.0 if how == "balanced" else 0.5)
    weights = weights / (weights @ counts / len(targets))
    rarest, commonest = int(counts.argmin()), int(counts.argmax())
    print(
        f"class weights: {weights[rarest]:.2f} for {labels[rarest]!r}, which has {counts[rarest]:,} of "
        f"{len(targets):,} texts, {weights[commonest]:.2f} for {labels[commonest]!r} (--class-weights none for equal)"
    )
    return weights.astype(np.float32)
