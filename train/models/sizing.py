"""The largest model of ``edge`` or ``accurate`` whose int8 files fit a size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from train.models.file_sizes import TARGETS, SizeBudget, safetensors_size

FEWEST_WORDS, FEWEST_BUCKETS = 50, 2**8  # of a model
SHARE = 1 / 4  # the part of the budget that character n-grams have at most
_UNITS = {"": 1, "b": 1, "kb": 1000, "k": 1000, "mb": 1000**2, "m": 1000**2, "kib": 1024, "mib": 1024**2}


def parse_size(text: str) -> int:
    """Parse a size such as ``100KB``, ``64KiB`` or ``1.5MB``; a kilobyte has 1,000 bytes, a kibibyte 1,024.

    Raises:
        ValueError: If it is not a size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"--target-size must be a size such as 100KB, 64KiB or 1.5MB, not {text!r}")
    return int(float(found[1]) * _UNITS[found[2]])


def choose_share(budget: SizeBudget, characters: int) -> int:
    """Return the most buckets of character n-grams, up to a number, that take at most ``SHARE`` of a budget.

    What every model takes is no part of the budget here.

    Returns:
        A power of two; 0 if there is room for fewer than ``FEWEST_BUCKETS`` only.
    """
    room = budget.size - TARGETS[budget.target].size(budget._replace(characters=1), (), {}, 0)
    while characters * budget.num_outputs > max(room, 0) * SHARE:
        characters //= 2
    return characters if characters >= FEWEST_BUCKETS else 0


def fit_budget(
    budget: SizeBudget,
    vocabulary: Vocabulary,
    spellings: Sequence[str],
    buckets: int,
) -> tuple[Vocabulary, list[str], int]:
    """Return the vocabulary, spellings and number of buckets of the largest model that fits; print its size.

    No table is larger than those given. At first the target's share of the budget is for n-grams of words. The most
    frequent words fill the rest; if all fit, n-grams get what is left.

    Raises:
        ValueError: If not even the smallest model fits.
    """
    search, target = _Search(budget, vocabulary, spellings), TARGETS[budget.target]
    # A table of fewer weights would not be quantised, so it would save no space.
    fewest = max(FEWEST_BUCKETS, 1 << (-(-target.quantized // budget.num_outputs) - 1).bit_length())
    chosen = buckets
    while chosen > fewest and budget.num_outputs * chosen > budget.size * target.share:
        chosen //= 2
    while chosen > fewest and not search.most_words(chosen):
        chosen //= 2
    count = search.most_words(chosen)
    if not count:
        smallest = search.size(search.fewest, min(fewest, buckets))
        raise ValueError(
            f"--target-size {budget.size:,} bytes is too small: with {len(budget.labels)} labels the smallest "
            f"model takes {smallest:,} bytes as {target.about}"
        )
    while chosen < buckets and search.size(count, 2 * chosen) <= budget.size:
        chosen *= 2
    print(
        f"largest model within {budget.size:,} bytes: {count:,} ids and {chosen:,} buckets of n-grams, at most "
        f"{search.size(count, chosen):,} bytes as {target.about}, vocabulary included, "
        f"{safetensors_size(budget, count, chosen):,} as safetensors"
    )
    return Vocabulary(vocabulary.tokens[:count], budget.rules), list(search.spelled(count)), chosen


class _Search:
    """The sizes of models with the beginning of a vocabulary."""

    def __init__(self, budget: SizeBudget, vocabulary: Vocabulary, spellings: Sequence[str]) -> None:
        ids = vocabulary.ids
        self._budget, self._target = budget, TARGETS[budget.target]
        self._vocabulary = vocabulary
        self._numbered = [(spelling, ids[budget.rules.tokenize(spelling)[0]]) for spelling in spellings]
        self.fewest = min(FEWEST_WORDS + len(RESERVED), len(vocabulary))

    def spelled(self, count: int) -> dict[str, int]:
        """Return the spellings of the first ``count`` ids, at most half as many as there are ids."""
        some = ((spelling, index) for spelling, index in self._numbered if index < count)
        return dict(islice(some, count // 2))

    def size(self, count: int, buckets: int) -> int:
        """Return the size of a model with ``count`` ids."""
        return self._target.size(self._budget, self._vocabulary.tokens[:count], self.spelled(count), buckets)

    def most_words(self, buckets: int) -> int:
        """Return the most ids that fit with this number of buckets, by bisection; 0 if not even the fewest do."""
        most = len(self._vocabulary)
        quantized = min(max(-(-self._target.quantized // self._budget.num_outputs), self.fewest), most)
        # The size grows with the ids above this number and below it, but falls in between.
        for low, high in ((quantized, most), (self.fewest, quantized)):
            if self.size(low, buckets) <= self._budget.size:
                while low < high:
                    middle = (low + high + 1) // 2
                    fits = self.size(middle, buckets) <= self._budget.size
                    low, high = (middle, high) if fits else (low, middle - 1)
                return low
        return 0
