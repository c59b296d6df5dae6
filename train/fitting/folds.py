"""Folds for cross-validation: parts of the texts, each held out once while all others are fitted."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from edgetext.text import RuleSet
from train.dataset import LabelledText

ALWAYS_FITTED = -1  # in place of a fold


def assign_folds(
    copies: npt.NDArray[np.int64], targets: npt.NDArray[np.int64], folds: int, seed: int
) -> npt.NDArray[np.int64]:
    """Return the fold of each text, shape (texts,), in proportion to the labels; copies of a text have the same fold.

    A label without two different texts is never held out, because what is fitted without it would not know it: its
    texts have ``ALWAYS_FITTED`` in place of a fold.

    Args:
        copies: A number for each text, the same for copies and from 0 on, as ``number_copies`` returns; shape (texts,).
        targets: Index of the label of each text, shape (texts,).
        folds: Number of folds.
        seed: Seed of the random order.
    """
    _, first = np.unique(copies, return_index=True)
    labels = targets[first]  # of each different text
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    held_out = order[np.bincount(labels)[labels[order]] > 1]
    assigned = np.full(len(labels), ALWAYS_FITTED)
    assigned[held_out] = np.arange(len(held_out)) % folds
    return assigned[copies]


def number_copies(texts: Iterable[LabelledText], rules: RuleSet) -> npt.NDArray[np.int64]:
    """Return a number for each text, the same for texts of the same words, from 0 on in the order of the texts.

    Texts of different words can have the same ids, those of unknown words, but they are no copies.
    """
    numbers: dict[str, int] = {}
    words = (" ".join(rules.tokenize(text.text)) for text in texts)
    return np.array([numbers.setdefault(text, len(numbers)) for text in words], np.int64)
