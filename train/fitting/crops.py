"""Crops of texts: a model that only ever saw whole reviews is biased on a sentence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgetext.text import PAD_ID, START_ID
from train.encoding.encoded import Encoded, Ids


def crop(
    ids: Ids, lengths: npt.NDArray[np.int64], words: tuple[int, int], generator: np.random.Generator
) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Take a stretch out of each text, at a random place and of random length from ``words[0]`` to ``words[1]``.

    Args:
        ids: Padded texts, shape (texts, max_length), the start mark first.
        lengths: The number of ids of each text without padding and n-grams, shape (texts,).
        words: The fewest and the most words of a crop; shorter texts give what they have.
        generator: Source of randomness.

    Returns:
        The start mark and the crop, padded: shape (texts, words[1] + 1); and where each crop begins, shape (texts,).
    """
    low, high = words
    wanted = np.minimum(generator.integers(low, high + 1, len(ids)), lengths - 1)
    begins = 1 + (generator.random(len(ids)) * (lengths - wanted)).astype(np.int64)
    offsets = np.arange(high)
    places = np.minimum(begins[:, None] + offsets, ids.shape[1] - 1)  # (texts, high)
    taken = np.where(offsets < wanted[:, None], np.take_along_axis(ids, places, axis=1), 0)
    return np.hstack([np.full((len(ids), 1), START_ID), taken]).astype(np.int32), begins


def crop_texts(texts: Encoded, words: tuple[int, int], generator: np.random.Generator) -> Encoded:
    """Return a crop of each text; the arguments are those of ``crop``."""
    parts = []
    for start in range(0, len(texts), 4096):
        chosen = slice(start, start + 4096)
        parts.append(crop(texts.take(chosen), texts.words[chosen], words, generator)[0])
    ids = np.concatenate(parts)  # (texts, words[1] + 1)
    present = ids != PAD_ID
    return Encoded(ids[present], present.sum(axis=1), texts.targets, ids.shape[1])
