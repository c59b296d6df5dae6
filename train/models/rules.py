"""The rules that choose the numbers of the presets ``edge`` and ``accurate`` from a table's texts.

They were chosen by cross-validation on the training texts of two small datasets. train/guides/choices.md has figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetext.ngrams import Characters
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from train.encoding.encoded import Encoded
from train.encoding.ngrams import count_word_characters
from train.models.choices import Choices
from train.models.hashing import find_features
from train.models.presets import Settings

# Length of an encoded text: this share of the texts fits, within these limits.
FITTING, SHORTEST_TEXT, LONGEST_TEXT = 0.99, 32, 512
# From a word that occurs once the model learns only that it is rare, so it is left to the id of unknown words.
MIN_COUNT = 2
# Buckets for each n-gram of words that occurs in two texts, and the most weights of a table.
BUCKETS_PER_NGRAM, LARGEST_TABLE = 4, 2**20
FEWEST_BUCKETS = 2**10
MOST_CHARACTERS = 2**16  # buckets of character n-grams
FEWEST_NGRAMS, MOST_NGRAMS = 32, 1024  # of a text
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
# Class weights: powers of the balanced ones. They are chosen if the rarest class has less than this part of an even
# share. In validation, where each costs a training, fewer are tried.
POWERS = {"none": 0.0, "^0.25": 0.25, "^0.5": 0.5, "^0.75": 0.75, "balanced": 1.0}
RARE = 2 / 3
TRIED_IN_VALIDATION = ("none", "^0.5", "balanced")
# With class weights the accuracy may be lower by this, for a higher macro F1. With this many texts its calibration
# error can be measured, and may not be larger.
TOLERANCE, LARGEST_ERROR, ENOUGH_TEXTS = 0.005, 0.05, 2_000
# Regularisation and class weights are chosen, and probabilities calibrated, in cross-validation up to this number of
# ids, which limits memory, and of ids times outputs times candidates, which takes some minutes. With more texts, the
# validation texts suffice.
MOST_IDS, MOST_WORK = 2**21, 20 * 2**21

Weights = npt.NDArray[np.float32]


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


def choose_buckets(texts: Encoded, vocabulary_size: int, num_outputs: int, choices: Choices) -> int:
    """Return the number of buckets, a power of two, from the number of n-grams of words that occur in two texts.

    There are at most as many as in ``choices``, which also have the length of the n-grams.
    """
    once, twice = np.zeros(2**22, bool), np.zeros(2**22, bool)  # by hash; few of some million n-grams collide
    for ids, _ in texts.chunks():
        wide = ids.astype(np.int64)
        features = find_features(wide, vocabulary_size, len(once), choices.word_ngrams)[:, ids.shape[1] :]
        hashes = np.sort(np.maximum(features - vocabulary_size, -1), axis=1)  # -1 for n-grams that do not count
        first = np.diff(hashes, axis=1, prepend=-1) > 0  # once per text
        counts = np.bincount(hashes[first], minlength=len(once))
        twice |= (counts > 1) | (once & (counts > 0))
        once |= counts > 0
    wanted = BUCKETS_PER_NGRAM * int(twice.sum())
    most = min(choices.buckets, LARGEST_TABLE // num_outputs)
    return max(2 ** min(max(wanted - 1, 1).bit_length(), most.bit_length() - 1), FEWEST_BUCKETS)


def choose_characters(texts: Encoded, vocabulary: Vocabulary, characters: Characters, num_outputs: int) -> int:
    """Return the number of buckets of n-grams, a power of two: one for each that occurs, within limits."""
    occurs = np.zeros(len(vocabulary) + characters.buckets, bool)
    for ids, _ in texts.chunks():
        occurs[ids] = True
    words, occurs = occurs[: len(vocabulary)], occurs[len(vocabulary) :]
    occurs[count_word_characters(vocabulary, characters)[words].indices] = True
    most = min(characters.buckets, LARGEST_TABLE // num_outputs)
    wanted = max(int(occurs.sum()), FEWEST_BUCKETS)
    return int(2 ** min((wanted - 1).bit_length(), most.bit_length() - 1))


def choose_most_ngrams(texts: Encoded) -> int:
    """Return how many n-grams a text may have: all of ``FITTING`` of the texts, as a multiple of 16.

    Words that occur once are unknown in training, so that it has about as many n-grams as new texts will have.
    """
    counts = np.sort(texts.lengths - texts.words)
    enough = int(counts[min(int(FITTING * len(counts)), len(counts) - 1)])
    return min(max(-(-enough // 16) * 16, FEWEST_NGRAMS), MOST_NGRAMS)


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
    )


def weigh_classes(targets: npt.NDArray[np.int64], labels: int, how: str) -> dict[str, Weights]:
    """Return the class weights to choose from, by name, each of shape (labels,).

    ``"balanced"`` gives every label the same total weight, like scikit-learn's ``class_weight``; ``"^0.5"`` is the
    square root of these weights; ``"none"`` gives every text the same weight. The mean over the texts is 1.

    Args:
        targets: Index of the label of each text to fit, shape (texts,).
        labels: Number of labels.
        how: One of the names; or ``"auto"``, which is all of them if the rarest label has less than ``RARE`` of an even
            share of the texts, else ``"none"``.
    """
    counts = np.bincount(targets, minlength=labels)
    even = len(targets) / labels
    rare = bool(counts.min() < RARE * even)
    names = [name for name in POWERS if name == how or (how == "auto" and (rare or name == "none"))]
    found = {name: (even / np.maximum(counts, 1)) ** POWERS[name] for name in names}
    return {name: (weights / (weights @ counts / len(targets))).astype(np.float32) for name, weights in found.items()}


def describe_weights(weights: Weights, targets: npt.NDArray[np.int64], labels: Sequence[str]) -> str:
    """Return a line about class weights: those of the rarest and of the most frequent label."""
    counts = np.bincount(targets, minlength=len(labels))
    rarest, commonest = int(counts.argmin()), int(counts.argmax())
    return (
        f"class weights: {weights[rarest]:.2f} for {labels[rarest]!r}, which has {counts[rarest]:,} of "
        f"{len(targets):,} texts, {weights[commonest]:.2f} for {labels[commonest]!r} (--class-weights none for equal)"
    )


def can_cross_validate(ids: int, num_outputs: int, candidates: int, *, characters: bool = False) -> bool:
    """Return whether a table with this number of ids of words in its texts to fit is small enough for cross-validation.

    With ``characters`` each word has n-grams too, which take several times as much memory.
    """
    most = MOST_IDS // 4 if characters else MOST_IDS
    return ids <= most and ids * num_outputs * candidates <= MOST_WORK


def choose_candidate(measured: Mapping[str, Mapping[str, Any]], unweighted: Collection[str]) -> str:
    """Return the candidate with the highest macro F1, to 0.1 %, whose accuracy is not much lower than without weights.

    It may be lower by ``TOLERANCE`` than the best accuracy without class weights; if all have weights, than the best of
    all. If the macro F1 is equal, the one with the lowest loss is taken. With ``ENOUGH_TEXTS``, candidates with a
    calibration error above ``LARGEST_ERROR`` do not count, unless all have one: class weights can change answers so
    that a temperature cannot make up for it.

    Args:
        measured: By the name of a candidate, what ``metrics.measure`` returns.
        unweighted: The names of those without class weights.
    """
    good = {
        name: found
        for name, found in measured.items()
        if found["texts"] < ENOUGH_TEXTS or found["ece"] <= LARGEST_ERROR
    }
    good = good or dict(measured)
    least = max(good[name]["accuracy"] for name in good.keys() & unweighted or good) - TOLERANCE
    ranked = {
        name: (round(found["macro_f1"], 3), -found["loss"])
        for name, found in good.items()
        if found["accuracy"] >= least
    }
    return max(ranked, key=lambda name: ranked[name])
