"""Whether a stream of texts looks like the validation texts: labels, scores and known words are compared.

Each is a histogram, and the population stability index says how far two of them are apart: the sum over the bins of
(p - q) ln(p / q). Up to 0.1 counts as alike in its usual reading (Siddiqi, "Credit Risk Scorecards", 2006). Between two
samples of n and m texts of the same kind, chance makes it (1/n + 1/m) times a chi-square variable with one degree of
freedom less than there are bins (Yurdakul, "Statistical Properties of Population Stability Index", 2018). A stream
looks different if an index is above 0.1 and above what chance exceeds once in a thousand times.
"""

from __future__ import annotations

from math import log, sqrt
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgetext.validation import Validation

ALIKE = 0.1
FEWEST_TEXTS = 100  # of which anything can be said
# Bins with fewer texts of both samples together are joined with the next ones, because chance makes much of them.
FEWEST_IN_BIN = 20
DEVIATIONS = 3.0902  # the standard deviations by which a normal variable exceeds its mean once in a thousand times


class Difference(NamedTuple):
    """How far two histograms are apart."""

    name: str
    psi: float  # the population stability index
    limit: float  # the index above which they look different

    @property
    def is_large(self) -> bool:
        """Whether they look different."""
        return self.psi > self.limit


def compare(
    validation: Validation, labels: Sequence[int], scores: Sequence[int], known: Sequence[int]
) -> list[Difference]:
    """Compare the histograms of a stream with those of the validation texts.

    Args:
        validation: What was measured.
        labels: The number of texts of which each label is the most probable one.
        scores: The number of texts in each of ``BINS`` bins of scores.
        known: The same for the share of known words.
    """
    predicted = [answered[0] for answered in validation.answered]
    order = sorted(range(len(predicted)), key=lambda place: -predicted[place])
    return [
        _measure("labels", [predicted[place] for place in order], [labels[place] for place in order]),
        _measure("scores", validation.scores, scores),
        _measure("known words", validation.known, known),
    ]


def _measure(name: str, expected: Sequence[int], found: Sequence[int]) -> Difference:
    bins = _join(expected, found)
    first, second = sum(expected), sum(found)
    psi = 0.0
    for counts in bins:
        # Half a text more in each bin, as an empty one has no logarithm.
        p, q = ((count + 0.5) / (total + 0.5 * len(bins)) for count, total in zip(counts, (first, second)))
        psi += (p - q) * log(p / q)
    chance = (1 / first + 1 / second) * _exceeded_rarely(len(bins) - 1)
    return Difference(name, psi, max(ALIKE, chance))


def _join(expected: Sequence[int], found: Sequence[int]) -> list[tuple[int, int]]:
    """Return pairs of counts, each of neighbouring bins that together have enough texts."""
    bins, first, second = [], 0, 0
    for a, b in zip(expected, found):
        first, second = first + a, second + b
        if first + second >= FEWEST_IN_BIN:
            bins.append((first, second))
            first = second = 0
    if first + second:
        before = bins.pop() if bins else (0, 0)
        bins.append((before[0] + first, before[1] + second))
    return bins


def _exceeded_rarely(freedom: int) -> float:
    """Return what a chi-square variable exceeds once in a thousand times, by Wilson and Hilferty's approximation."""
    if not freedom:
        return 0.0
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + DEVIATIONS * sqrt(part)) ** 3)
