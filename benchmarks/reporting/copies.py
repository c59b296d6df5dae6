"""Texts with the same words as others, and texts that are nearly the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse  # type: ignore[import-untyped]

from benchmarks.reporting.evaluation import Text
from edgetext.text import RuleSet

# Nearly the same are texts whose sets of words and pairs have at least this Jaccard index (common ones of all).
LEAST_ALIKE = 0.8
# How many texts are compared with all others at a time, and how many words the texts that are compared may have in all.
# Both limit the memory, to about 3 GB.
ROWS = 1000
MOST_WORDS = 12_000_000


class Copies(NamedTuple):
    """What ``find_copies`` found."""

    conflicts: list[list[int]]  # the places of texts with the same words, but not all with the same label
    near: list[tuple[float, int, int]]  # the Jaccard index and the places of two texts, the most alike first
    compared: int  # how many texts with different words were compared for ``near``


def find_copies(texts: Sequence[Text], labels: Sequence[str], rules: RuleSet) -> Copies:
    """Find texts that contradict each other, and texts that are nearly the same but do not have the same words."""
    words = [rules.tokenize(text.text) for text in texts]
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, found in enumerate(words):
        groups[tuple(found)].append(place)
    groups.pop((), None)  # texts without words are alike for the model only
    conflicts = [places for places in groups.values() if len({labels[place] for place in places}) > 1]
    firsts = [places[0] for places in groups.values()]
    ends = np.cumsum([len(words[place]) for place in firsts])
    firsts = firsts[: int(np.searchsorted(ends, MOST_WORDS, "right"))]
    near = _find_near([words[place] for place in firsts], firsts) if firsts else []
    return Copies(conflicts, near, len(firsts))


def _find_near(words: Sequence[Sequence[str]], places: Sequence[int]) -> list[tuple[float, int, int]]:
    parts = _find_parts(words)
    sizes = np.diff(parts.indptr)
    rarest = _keep_rarest(parts, sizes)
    near: list[tuple[float, int, int]] = []
    for start in range(0, len(words), ROWS):
        candidates = scipy.sparse.triu(rarest[start : start + ROWS] @ rarest.T, start + 1).tocoo()
        one, other = candidates.row + start, candidates.col
        common = np.asarray(parts[one].multiply(parts[other]).sum(axis=1)).ravel()
        alike = common / (sizes[one] + sizes[other] - common)
        found = alike >= LEAST_ALIKE
        near += zip(alike[found].tolist(), one[found].tolist(), other[found].tolist())
    return [(alike, places[one], places[other]) for alike, one, other in sorted(near, key=lambda pair: -pair[0])]


def _find_parts(words: Sequence[Sequence[str]]) -> Any:
    """Return which words and pairs of neighbouring words a text has: a sparse matrix of ones, (texts, parts)."""
    numbers: defaultdict[str, int] = defaultdict(lambda: len(numbers) + 1)
    texts = [np.array([numbers[word] for word in found], np.int64) for found in words]
    base = len(numbers) + 1
    keys = [np.unique(np.concatenate([found, base * found[:-1] + found[1:]])) for found in texts]
    columns = np.unique(np.concatenate(keys), return_inverse=True)[1]
    ends = np.cumsum([0, *map(len, keys)])
    return scipy.sparse.csr_matrix((np.ones(len(columns), np.int32), columns, ends))


def _keep_rarest(parts: Any, sizes: Any) -> Any:
    """Return the rarest parts of each text: enough that two texts with none of them in common cannot be alike.

    This is the prefix filter of Chaudhuri, Ganti and Kaushik, "A Primitive Operator for Similarity Joins in Data
    Cleaning", ICDE 2006.
    """
    by_rarity = parts[:, np.argsort(np.bincount(parts.indices), kind="stable")]
    by_rarity.sort_indices()
    places = np.arange(by_rarity.nnz) - np.repeat(by_rarity.indptr[:-1], sizes)
    kept = sizes - np.ceil(LEAST_ALIKE * sizes - 1e-9) + 1
    by_rarity.data = (places < np.repeat(kept, sizes)).astype(np.int32)
    by_rarity.eliminate_zeros()
    return by_rarity
