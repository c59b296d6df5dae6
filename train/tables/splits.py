"""Finding rows with the same words, and drawing rows in proportion to their labels, on arrays of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from edgetext.text import split

Digests = npt.NDArray[np.uint64]
Labels = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]


def digest(text: str, lowercase: str) -> int | None:
    """Return a 64-bit digest of a text's words, which are all that a model sees; None for a text without words.

    The chance that any two of a million texts have the same digest is 1 in 37 million.
    """
    words = split(text, lowercase)
    return int.from_bytes(blake2b(b" ".join(words), digest_size=8).digest(), "little") if words else None


def find_repeated(digests: Digests, labels: Labels) -> tuple[Mask, Mask]:
    """Find the rows that have the words of an earlier row: those with the first one's label, and those with another."""
    order = np.argsort(digests, kind="stable")
    ordered = digests[order]
    is_first = np.ones(len(order), bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    firsts = order[is_first][np.cumsum(is_first) - 1]  # of each row in that order, the first with its words
    same_label = labels[order] == labels[firsts]
    duplicate, contradiction = np.zeros((2, len(order)), bool)
    duplicate[order] = ~is_first & same_label
    contradiction[order] = ~is_first & ~same_label
    return duplicate, contradiction


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


def draw(digests: Digests, labels: Labels, total: int, seed: int) -> npt.NDArray[np.intp]:
    """Return the places of ``total`` rows, in proportion to their labels, leaving at least one of each label.

    What is drawn depends on the seed and on the digests, which are all different, not on the order.
    """
    sizes = np.bincount(labels)
    shares = np.array(share_out(total, sizes.tolist()), int)
    order = np.lexsort((mix_seed(digests, seed), labels))  # by label, then as good as shuffled
    rank = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return order[rank < np.repeat(shares, sizes)]


def mix_seed(digests: Digests, seed: int) -> Digests:
    """Mix the seed into digests: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), which is a bijection."""
    mixed = digests + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
