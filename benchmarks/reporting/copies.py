"""Texts with the same words as others, and texts that are nearly the same."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import CountVectorizer

from benchmarks.reporting.evaluation import Text
from edgetext.text import RuleSet

# Nearly the same are texts whose sets of words and pairs have at least this Jaccard index (common ones of all).
LEAST_ALIKE = 0.8
# Such texts are found by what few texts have in common. Texts are few if they are at most this many.
FEW = 30


class Copies(NamedTuple):
    """What ``find_copies`` found."""

    conflicts: list[list[int]]  # the places of texts with the same words, but not all with the same label
    near: list[tuple[float, int, int]]  # the Jaccard index and the places of two texts, the most alike first


def find_copies(texts: Sequence[Text], labels: Sequence[str], rules: RuleSet) -> Copies:
    """Find texts that contradict each other, and texts that are nearly the same but do not have the same words."""
    words = [rules.tokenize(text.text) for text in texts]
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, found in enumerate(words):
        groups[tuple(found)].append(place)
    groups.pop((), None)  # texts without words are alike for the model only
    conflicts = [places for places in groups.values() if len({labels[place] for place in places}) > 1]
    firsts = [places[0] for found, places in groups.items() if len(found) > 1]
    return Copies(conflicts, _find_near([words[place] for place in firsts], firsts) if firsts else [])


def _find_near(words: Sequence[Sequence[str]], places: Sequence[int]) -> list[tuple[float, int, int]]:
    vectorizer = CountVectorizer(analyzer=_list_parts, binary=True, dtype=np.int32)
    parts = vectorizer.fit_transform(words)  # (texts, words and pairs)
    sizes = np.asarray(parts.sum(axis=1)).ravel()
    texts_with = np.asarray(parts.sum(axis=0)).ravel()
    rare = parts[:, (texts_with > 1) & (texts_with <= FEW)]
    candidates = scipy.sparse.triu(rare @ rare.T, 1).tocoo()
    # Those that can be alike enough: what is in one text only, or in many, counts for all of them.
    one, other = candidates.coords
    common = np.zeros(len(one))
    for start in range(0, len(one), 100_000):
        chunk = slice(start, start + 100_000)
        common[chunk] = np.asarray(parts[one[chunk]].multiply(parts[other[chunk]]).sum(axis=1)).ravel()
    alike = common / (sizes[one] + sizes[other] - common)
    kept = np.flatnonzero(alike >= LEAST_ALIKE)
    order = kept[np.lexsort((other[kept], one[kept], -alike[kept]))].tolist()
    return [(float(alike[n]), places[one[n]], places[other[n]]) for n in order]


def _list_parts(words: Sequence[str]) -> list[str]:
    return [*words, *map(" ".join, itertools.pairwise(words))]
