"""From which score on the labels are right often enough: ``Classifier.load(min_accuracy=0.95)``.

For each label the lowest of the fixed ``THRESHOLDS`` is taken at which the accuracy of the texts that get the label is
at least the one asked for, with 95 % confidence: if it were lower, as many right ones would occur with a probability of
at most 5 %, by the exact binomial test. Trying many thresholds would find one by chance, so they share the 5 %. They
are tried from the highest to the lowest, and the part of one that passes adds to that of the next (the fallback
procedure: Wiens, "A fixed sequence Bonferroni procedure for testing multiple endpoints", Pharmaceutical Statistics
2003). The first has half of the 5 %, for most of the others are lost with it.

The 5 % are those of each label on its own. Labels with few texts cannot be tested alone: they are tested together, and
have one threshold.
"""

from __future__ import annotations

from math import exp, lgamma, log
from typing import NamedTuple

from edgetext.errors import BundleError
from edgetext.prediction import SHOWN, UNCERTAIN, check_share, shorten
from edgetext.validation import THRESHOLDS, read_validation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgetext.bundle import Bundle
    from edgetext.validation import Validation

ERROR = 0.05  # the probability with which the accuracy may be lower than the one asked for
# A threshold is tried only if this many of the texts with such scores, or more, are wrong at the accuracy asked for.
FEWEST_WRONG = 10
NEVER = 2.0  # a threshold that no score reaches


class Limits(NamedTuple):
    """From which score on each label is given, and how many words must be known."""

    min_accuracy: float  # the accuracy that was asked for
    thresholds: dict[str, float]  # the lowest score of each label, by name; ``NEVER`` if none is high enough
    least_known: float  # the least share of known words
    share: float  # the share of the validation texts that are answered
    accuracy: float  # the share of these that are right; 0.0 if there are none

    def allow(self, label: str, score: float, known: float) -> bool:
        """Return whether a text gets a label, given its score and the share of its words that are known."""
        return score >= self.thresholds[label] and known >= self.least_known

    @property
    def never(self) -> list[str]:
        """The labels that no text gets."""
        return [label for label, threshold in self.thresholds.items() if threshold == NEVER]


def load_limits(bundle: Bundle, min_accuracy: float, threshold: float | None = None, *, quiet: bool) -> Limits:
    """Return the limits for a bundle; unless ``quiet``, log a warning if some labels are ruled out.

    Raises:
        BundleError: As for ``read_validation``, or if a label is called ``UNCERTAIN``.
        TypeError: If ``min_accuracy`` is not a number.
        ValueError: If it is not above 0 and below 1, or there is a threshold too.
    """
    if type(min_accuracy) in (int, float) and not 0.0 < min_accuracy < 1.0:
        raise ValueError(f"min_accuracy must be above 0 and below 1, such as 0.95, not {min_accuracy}")
    check_share("min_accuracy", min_accuracy)
    if threshold is not None:
        raise ValueError("min_accuracy chooses the thresholds: leave out threshold")
    if UNCERTAIN in bundle.labels:
        raise BundleError(f"a label is called {UNCERTAIN!r}, so no threshold can be used")
    limits = choose_limits(read_validation(bundle), float(min_accuracy))
    if limits.never and not quiet:
        from logging import getLogger

        getLogger("edgetext").warning(describe_never(limits))
    return limits


def describe_never(limits: Limits) -> str:
    """Return a line that says which labels no text gets."""
    if len(limits.never) == len(limits.thresholds):
        return (
            f"the validation texts do not show an accuracy of {limits.min_accuracy:g} for any score: all texts are "
            f"labelled {UNCERTAIN!r}"
        )
    labels = shorten([repr(label) for label in limits.never[:SHOWN]], len(limits.never))
    return (
        f"the validation texts do not show an accuracy of {limits.min_accuracy:g} for any score of {labels}: "
        f"texts with that label are labelled {UNCERTAIN!r}"
    )


def describe_limits(limits: Limits) -> str:
    """Return a line that says how many texts like the validation texts are answered, and how many of these right."""
    if not limits.share:
        return (
            f"--min-accuracy {limits.min_accuracy:g} answers no text: the validation texts do not show it for any score"
        )
    return (
        f"--min-accuracy {limits.min_accuracy:g} answers {limits.share:.1%} of texts like those it was validated on, "
        f"{limits.accuracy:.1%} of them right"
    )


def choose_limits(validation: Validation, min_accuracy: float) -> Limits:
    """Choose the threshold of each label.

    Args:
        validation: What was measured.
        min_accuracy: The accuracy that the texts with each label shall have, above 0 and below 1.
    """
    places = range(len(validation.labels))
    few = [place for place in places if validation.answered[place][0] * (1 - min_accuracy) < FEWEST_WRONG]
    groups = [[place] for place in places if place not in few] + [few]
    thresholds, total, total_right = [NEVER] * len(places), 0, 0
    for group in groups:
        answered = [sum(counts) for counts in zip(*(validation.answered[place] for place in group))]
        right = [sum(counts) for counts in zip(*(validation.right[place] for place in group))]
        lowest = _find_lowest(answered, right, min_accuracy)
        if lowest is not None:
            total, total_right = total + answered[lowest], total_right + right[lowest]
            for place in group:
                thresholds[place] = THRESHOLDS[lowest]
    return Limits(
        min_accuracy,
        dict(zip(validation.labels, thresholds)),
        validation.least_known,
        total / validation.texts,
        total_right / total if total else 0.0,
    )


def _find_lowest(answered: Sequence[int], right: Sequence[int], accuracy: float) -> int | None:
    """Return the place of the lowest threshold at which the accuracy is shown; None if there is none.

    Which thresholds are tried depends on how many texts are answered, and not on how many of these are right.
    """
    higher = [*answered[1:], 0]  # where as many texts are answered, the higher threshold is tried only
    tried = [
        place
        for place, count in enumerate(answered)
        if count != higher[place] and count * (1 - accuracy) >= FEWEST_WRONG
    ]
    lowest, error = None, 0.0
    for number, place in enumerate(reversed(tried)):
        error += ERROR / 2 if number == 0 else ERROR / 2 / (len(tried) - 1)
        if tail(answered[place], right[place], accuracy) <= error:
            lowest = place
        else:
            error = 0.0
    return lowest


def tail(texts: int, right: int, accuracy: float) -> float:
    """Return the probability that at least ``right`` of the texts are right, each with the probability ``accuracy``."""
    wrong = texts - right
    if wrong >= texts * (1 - accuracy):
        return 1.0  # about a half or more
    ways = lgamma(texts + 1) - lgamma(wrong + 1) - lgamma(right + 1)
    term = exp(ways + wrong * log(1 - accuracy) + right * log(accuracy))
    total = 0.0
    while term > total * 1e-17:
        total += term
        term *= wrong / (texts - wrong + 1) * accuracy / (1 - accuracy)  # one less is wrong
        wrong -= 1
    return total
