"""The numbers of the presets ``edge`` and ``accurate``, chosen on the validation reviews.

train/guides/choices.md shows the effect of most. For a table, ``train.models.rules`` and ``train.fitting.variants``
choose most of them from its texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

# The bucket of two ids is (first * 40503 + second * 30011) mod buckets; that of three adds third * 16727. 40503 is 2^16
# over the golden ratio, as in Knuth's multiplicative hashing; 30011 is prime. 16727 was chosen among odd numbers: of
# the 1.1 million bigrams and 3.1 million trigrams in the training reviews, no more share a bucket than with random
# hashing. At 2^18 and at 2^20 buckets it is 0.997 to 1.000 times as many pairs of two trigrams, or of a trigram and a
# bigram; of those n-grams that occur three times, 0.956 to 0.999 times as many. Other multipliers gave up to 1.8 times.
MULTIPLIERS = (40503, 30011, 16727)
WORD_NGRAMS = (2, 3)
OBJECTIVES = ("logistic", "hinge")
# Choices that have no effect with the objective "logistic".
HINGE_ONLY = {"ratio_exponent", "least_texts", "regularization", "stronger", "initial_weight", "characters_weight"}


def largest_vocabulary(word_ngrams: int) -> int:
    """Return the most ids for which the sum that is hashed stays below 2^31, so that every engine computes it in int32.

    Args:
        word_ngrams: Words of the longest n-gram.

    Returns:
        30,455 with bigrams, 24,616 with trigrams.
    """
    return int((2**31 - 1) // sum(MULTIPLIERS[:word_ngrams])) + 1


@dataclass(frozen=True)
class Choices:
    """The numbers of the preset ``edge``; of ``accurate`` some differ.

    Attributes:
        vocabulary: Number of ids, the reserved ones included.
        max_length: Number of ids of an encoded text, those of character n-grams not included.
        buckets: Number of buckets of n-grams of words, a power of two.
        word_ngrams: Words of the longest n-gram: 2 for bigrams, 3 for trigrams too.
        exponent: The sum of n ids' weights is divided by ``n ** exponent``: with 0 evidence adds up without limit, so
            that long texts become too certain; 1 averages.
        objective: ``"logistic"``: the cross-entropy, fitted by stochastic gradient descent with dropout. ``"hinge"``:
            for each label against the rest, the squared hinge loss of linear support vector machines, fitted by Adam.
        ratio_exponent: Weights are scaled by this power of their log-count ratio: 1 as in naive Bayes, 0 not at all;
            for the objective ``"hinge"`` only.
        least_texts: A bucket of n-grams that occurs in fewer texts has no weight; for ``"hinge"`` only.
        crops: Number of crops of each text that the first weights are made from; with any, probabilities are calibrated
            on crops of the validation texts too.
        crop_words: The fewest and the most words of a crop.
        dropout: The share of a text's features that is left out in fitting; for the objective ``"logistic"`` only.
        learning_rate: That of the first step; it falls linearly to zero.
        regularization: Factor of the squared weights in the loss; for the objective ``"hinge"`` only.
        stronger: Multiples of it to try, in this order, as long as the validation loss falls.
        initial_weight: Start of every weight, by which the log-count ratios are multiplied; for ``"hinge"`` only.
        characters: Number of buckets of character n-grams, a power of two; 0 if there are none, or to be chosen.
        characters_lengths: The lengths of the shortest and the longest of them, in code points.
        characters_weight: The scales of their weights are multiplied by this: below 1 their weights are regularised
            more strongly than those of words and bigrams; for the objective ``"hinge"`` only.
    """

    vocabulary: int = 19_900
    max_length: int = 512
    buckets: int = 2**18
    word_ngrams: int = 2
    exponent: float = 0.25
    objective: str = "logistic"
    ratio_exponent: float = 1.0
    least_texts: int = 0
    crops: int = 2
    crop_words: tuple[int, int] = (5, 30)
    dropout: float = 0.5
    learning_rate: float = 0.1
    regularization: float = 5e-6
    stronger: tuple[float, ...] = ()
    initial_weight: float = 0.05
    characters: int = 0
    characters_lengths: tuple[int, int] = (2, 5)
    characters_weight: float = 0.3

    def __post_init__(self) -> None:
        """Raise ValueError if a value is out of range."""
        for name in ("buckets", "characters"):
            value = getattr(self, name)
            allowed = 2 <= value <= 2**24 or (name == "characters" and value == 0)
            if not allowed or value & (value - 1):
                raise ValueError(f"{name.replace('_', '-')} must be a power of two from 2 to {2**24}, not {value}")
        if self.word_ngrams not in WORD_NGRAMS:
            raise ValueError(f"word-ngrams must be {' or '.join(map(str, WORD_NGRAMS))}, not {self.word_ngrams}")
        most, without = largest_vocabulary(self.word_ngrams), largest_vocabulary(2)
        if most < self.vocabulary <= without:
            raise ValueError(
                f"vocabulary must be at most {most} with trigrams, not {self.vocabulary}: --ngrams 2 allows {without}"
            )
        for name, low, high in (("vocabulary", 5, most), ("max_length", 2, 65_536)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name.replace('_', '-')} must be from {low} to {high}, not {getattr(self, name)}")
        shortest, longest = self.crop_words
        if self.crops and not 1 <= shortest <= longest < self.max_length:
            raise ValueError(
                f"crop-words must be two increasing numbers from 1 to max-length - 1, {self.max_length - 1}, not "
                f"{shortest},{longest}"
            )
        shortest, longest = self.characters_lengths
        if not 1 <= shortest <= longest <= 16:
            raise ValueError(f"characters-lengths must be two rising numbers from 1 to 16, not {shortest},{longest}")
        if self.objective not in OBJECTIVES:
            raise ValueError(f"objective must be {' or '.join(OBJECTIVES)}, not {self.objective}")
        largest = {"exponent": 1.0, "ratio_exponent": 1.0, "crops": 1000, "dropout": 0.99}
        for name in (*largest, "least_texts", "regularization"):
            if not 0 <= getattr(self, name) <= largest.get(name, 1e6):  # false for NaN too
                raise ValueError(f"{name.replace('_', '-')} is out of range: {getattr(self, name)}")
        if not all(1 < factor <= 1e6 for factor in self.stronger):
            raise ValueError(f"stronger must be numbers above 1, not {self.stronger}")
        for name in ("learning_rate", "initial_weight", "characters_weight"):
            if not 0 < getattr(self, name) <= 1e6:
                raise ValueError(f"{name.replace('_', '-')} must be larger than 0, not {getattr(self, name)}")

    def changed(self, changes: Sequence[str]) -> Choices:
        """Return a copy with some choices changed, each given as ``NAME=VALUE``.

        The name has hyphens or underscores; a comma separates the two numbers of crop-words and of characters-lengths.

        Raises:
            ValueError: If there is no such choice, or its value is not of the right type or out of range.
        """
        kinds: dict[str, Any] = {field.name: type(field.default) for field in fields(self)}
        values: dict[str, Any] = {}
        for change in changes:
            name, _, value = change.partition("=")
            name = name.replace("-", "_")
            if name not in kinds:
                raise ValueError(f"no choice is called {name!r}; there are {', '.join(kinds)}")
            try:
                if name in ("crop_words", "characters_lengths"):
                    low, high = map(int, value.split(","))
                    values[name] = low, high
                elif name == "stronger":
                    values[name] = tuple(map(float, filter(None, value.split(","))))
                else:
                    values[name] = kinds[name](value)
            except ValueError:
                raise ValueError(f"{change}: the value must be of the same type as {getattr(self, name)}") from None
        return replace(self, **values)
