"""Grouping rows by text, and drawing texts in proportion to their labels, on arrays of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgetext.text import RuleSet, Words

Digests = npt.NDArray[np.uint64]
Labels = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]

# Whether marks are words is chosen after the rows are divided, so it must not matter.
_WITHOUT_MARKS = Words(marks=False)


def digest(text: str, rules: RuleSet) -> int | None:
    """Return a 64-bit digest of a text's words, marks left out; None for a text without such words.

    The chance that any two of a million texts have the same digest is 1 in 37 million.
    """
    words = (_WITHOUT_MARKS if rules.name == Words.name else rules).split(text)
    return int.from_bytes(blake2b(b" ".join(words), digest_size=8).digest(), "little") if words else None


class Texts(NamedTuple):
    """The distinct texts of some rows, in the order of their digests; arrays of shape (texts,)."""

    digests: Digests
    labels: Labels  # the most frequent label of each text's rows; of equally frequent ones the first
    rows: npt.NDArray[np.int32]  # number of rows of each

    def places(self, digests: Digests) -> npt.NDArray[np.intp]:
        """Return the place of the text of each row."""
        return np.searchsorted(self.digests, digests)


def group_texts(digests: Digests, labels: Labels) -> Texts:
    """Group rows by text, that is, by the words that a model sees."""
    order = np.lexsort((labels, digests))
    texts, found = digests[order], labels[order]
    del order  # a table may have millions of rows
    starts = np.flatnonzero(_begins(texts) | _begins(found)).astype(np.uint32)  # of each pair of text and label
    rows = np.diff(starts, append=np.uint32(len(texts))).astype(np.int32)
    texts, found = texts[starts], found[starts]
    first = np.flatnonzero(_begins(texts))
    if not len(first):
        return Texts(texts, found, rows)
    most = np.repeat(np.maximum.reduceat(rows, first), np.diff(first, append=len(rows)))
    best = np.flatnonzero(rows == most)
    best = best[_begins(texts[best])]
    return Texts(texts[first], found[best], np.add.reduceat(rows, first))


def count_texts(digests: Digests, labels: Labels) -> npt.NDArray[np.int64]:
    """Return in how many distinct texts each label occurs, by its place."""
    order = np.lexsort((labels, digests))
    return np.bincount(labels[order][_begins(digests[order]) | _begins(labels[order])])


def find_repeated(digests: Digests) -> Mask:
    """Find the rows that have the words of an earlier row."""
    order = np.argsort(digests, kind="stable")
    repeated = np.zeros(len(order), bool)
    repeated[order] = ~_begins(digests[order])
    return repeated


def _begins(values: npt.NDArray[Any]) -> Mask:
    """Return which values differ from the one before."""
    begins = np.ones(len(values), bool)
    begins[1:] = values[1:] != values[:-1]
    return begins


def share_out(total: int, sizes: Sequence[int]) -> list[int]:
    """Return shares of ``total`` in proportion to sizes, by the largest remainders.

    Each is less than its size; they add up to ``total``, or to less if the sizes do not suffice.
    """
    if not sum(sizes):
        return [0] * len(sizes)
    exact = [divmod(total * size, sum(sizes)) for size in sizes]
    shares = [min(whole, max(0, size - 1)) for (whole, _), size in zip(exact, sizes)]
    left = min(total, sum(max(0, size - 1) for size in sizes)) - sum(shares)
    by_remainder = sorted(range(len(sizes)), key=lambda place: (-exact[place][1], place))
    while left:
        for place in by_remainder:
            if left and shares[place] < sizes[place] - 1:
                shares[place] += 1
                left -= 1
    return shares


def draw(digests: Digests, labels: Labels, total: int, seed: int) -> Mask:
    """Draw about ``total`` rows by distinct text, in proportion to their labels, and return which they are.

    All rows of a text are drawn together; it counts for its most frequent label. The texts of each label are taken in a
    random order; one is left if with it the label's share of rows would be exceeded by more than it is missed without
    it, so that a text of most rows is in no small split. If no text is repeated, exactly ``total`` rows are drawn. Of
    every label, also of one that is nowhere the most frequent, a text is left.

    What is drawn depends on the seed, the digests and the order of the labels, not on the order of the rows.
    """
    texts = group_texts(digests, labels)
    counts = np.bincount(texts.labels)
    means = np.bincount(texts.labels, texts.rows) / np.maximum(counts, 1)
    quotas = share_out(max(round(total * len(texts.rows) / len(digests)), 1), counts.tolist())
    order = np.lexsort((mix_seed(texts.digests, seed), texts.labels))  # by label, then as good as shuffled
    kept = _find_kept(digests, labels, texts)
    drawn = np.zeros(len(order), bool)
    for start, count, quota, mean in zip(np.cumsum(counts) - counts, counts, quotas, means):
        own = order[start : start + count]
        drawn[_take(own[~np.isin(own, kept)], texts.rows, quota, quota * mean)] = True
    return drawn[texts.places(digests)]


def _take(places: npt.NDArray[np.intp], rows: npt.NDArray[np.int32], most: int, share: float) -> list[int]:
    """Return the first places, at most ``most``, whose rows are as near as possible to ``share``."""
    taken: list[int] = []
    total = 0
    for place in places.tolist():
        if len(taken) >= most:
            break
        if total + rows[place] / 2 <= share:
            taken.append(place)
            total += int(rows[place])
    return taken


def _find_kept(digests: Digests, labels: Labels, texts: Texts) -> list[int]:
    """Return the places of the texts to leave so that labels that are nowhere the most frequent keep a text."""
    others = np.setdiff1d(labels, texts.labels)
    return [int(texts.places(digests[labels == label].min())) for label in others]


def mix_seed(digests: Digests, seed: int) -> Digests:
    """Mix the seed into digests: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), which is a bijection."""
    mixed = digests + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
