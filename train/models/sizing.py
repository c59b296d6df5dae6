"""The size of the int8 files of a model of ``edge`` or ``accurate``, computed in advance; the largest that fits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from edgetext.command.info import MANY_LABELS
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED, RuleSet
from edgetext.vocabulary import Vocabulary
from train.encoding.expressions import find_delimiter

FEWEST_WORDS, FEWEST_BUCKETS = 50, 2**8  # of a model
# The part of the budget that n-grams of words have at first. In small models words are worth more: train/README.md has
# figures.
SHARE = 1 / 4
_UNITS = {"": 1, "b": 1, "kb": 1000, "k": 1000, "mb": 1000**2, "m": 1000**2, "kib": 1024, "mib": 1024**2}


class SizeBudget(NamedTuple):
    """The size that a model may have, and what of it does not depend on its tables."""

    size: int  # the most bytes of the largest int8 file: the TFLite file, which contains its vocabulary
    num_outputs: int
    labels: Sequence[str]
    name: str = ""  # that of the run
    rules: RuleSet = KERAS_IMDB
    characters: int = 0  # number of buckets of character n-grams
    word_ngrams: int = 2  # words of the longest n-gram


def parse_size(text: str) -> int:
    """Parse a size such as ``100KB``, ``64KiB`` or ``1.5MB``; a kilobyte has 1,000 bytes, a kibibyte 1,024.

    Raises:
        ValueError: If it is not a size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"--target-size must be a size such as 100KB, 64KiB or 1.5MB, not {text!r}")
    return int(float(found[1]) * _UNITS[found[2]])


# Measured with 2 to 300 labels, 60 to 20,000 ids, 2^8 to 2^18 buckets, with and without spellings, and short and long
# names (TensorFlow 2.21): besides its tables the graph of a TFLite file takes 9,000 to 9,600 bytes and 8 per output,
# including the metadata. Its other content takes 1,020 bytes besides names, labels and words. Author and license, which
# are given at export and stored twice, may have 200 characters together before the estimate is too low. The estimate
# is 400 to 1,100 bytes above the file. ONNX files, those that take text included, are at least 700 bytes smaller.
_GRAPH, _PER_OUTPUT, _ABOUT = 9_570, 8, 1_500
_CHARACTERS = 2_700  # what character n-grams add to the graph and the records
_TRIGRAMS = 1_690  # what trigrams add to the graph
_QUANTIZED = 1024  # the converter leaves a table of fewer weights in float32, four bytes a weight


def tflite_size(budget: SizeBudget, words: Sequence[str], spellings: Mapping[str, int], buckets: int) -> int:
    """Return an upper bound of the bytes of the dynamic int8 TFLite file, the largest of the int8 files.

    ``words`` are the tokens by id, the reserved ones included.
    """
    tables = sum(_table_size(budget.num_outputs * rows) for rows in (len(words), buckets, budget.characters))
    tables += (_CHARACTERS if budget.characters else 0) + (_TRIGRAMS if budget.word_ngrams == 3 else 0)
    # A line of the vocabulary: the word, a space, its id, a newline.
    numbered = (*((word, index) for index, word in enumerate(words)), *spellings.items())
    lines = sum(len(word.encode()) + len(str(index)) + 2 for word, index in numbered)
    # Each label is a line of the label file, and JSON in the record; the first few are in the description, which is in
    # the metadata and, as JSON, in the record. The name is in the metadata twice.
    labels = sum(len(label.encode()) + 1 + _json_size(label) + 2 for label in budget.labels)
    described = sum(len(label.encode()) + _json_size(label) + 2 for label in budget.labels[:MANY_LABELS])
    names = 2 * len(budget.name.encode()) + _json_size(budget.name)
    expression = len(find_delimiter(budget.rules).encode())
    return _GRAPH + _PER_OUTPUT * budget.num_outputs + _ABOUT + tables + lines + labels + described + names + expression


def safetensors_size(budget: SizeBudget, ids: int, buckets: int) -> int:
    """Return an upper bound of the bytes of the safetensors file: weights, and a few numbers per output.

    These are the scales of its tables, the bias and the prior. Its header takes 510 to 570 bytes; with characters up to
    710; with trigrams up to 16 more.
    """
    header, numbers = (736, 5) if budget.characters else (576, 4)
    header += 16 if budget.word_ngrams == 3 else 0
    return header + budget.num_outputs * (ids + buckets + budget.characters + 4 * numbers)


def choose_share(budget: SizeBudget, characters: int) -> int:
    """Return the most buckets of character n-grams, up to a number, that take at most ``SHARE`` of a budget.

    What every model takes is no part of the budget here.

    Returns:
        A power of two; 0 if there is room for fewer than ``FEWEST_BUCKETS`` only.
    """
    room = budget.size - tflite_size(budget, (), {}, 0) - _CHARACTERS
    while characters * budget.num_outputs > max(room, 0) * SHARE:
        characters //= 2
    return characters if characters >= FEWEST_BUCKETS else 0


def _table_size(weights: int) -> int:
    return weights if weights >= _QUANTIZED else 4 * weights


def _json_size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


def fit_budget(
    budget: SizeBudget,
    vocabulary: Vocabulary,
    spellings: Sequence[str],
    buckets: int,
) -> tuple[Vocabulary, list[str], int]:
    """Return the vocabulary, spellings and number of buckets of the largest model that fits; print its size.

    No table is larger than those given. At first ``SHARE`` of the budget is for n-grams of words. The most frequent
    words fill the rest; if all fit, n-grams get what is left.

    Raises:
        ValueError: If not even the smallest model fits.
    """
    search = _Search(budget, vocabulary, spellings)
    # A table of fewer weights would not be quantised, so it would save no space.
    fewest = max(FEWEST_BUCKETS, 1 << (-(-_QUANTIZED // budget.num_outputs) - 1).bit_length())
    chosen = buckets
    while chosen > fewest and budget.num_outputs * chosen > budget.size * SHARE:
        chosen //= 2
    while chosen > fewest and not search.most_words(chosen):
        chosen //= 2
    count = search.most_words(chosen)
    if not count:
        smallest = search.size(search.fewest, min(fewest, buckets))
        raise ValueError(
            f"--target-size {budget.size:,} bytes is too small: with {len(budget.labels)} labels the smallest model is "
            f"a TFLite file of {smallest:,} bytes"
        )
    while chosen < buckets and search.size(count, 2 * chosen) <= budget.size:
        chosen *= 2
    print(
        f"largest model within {budget.size:,} bytes: {count:,} ids and {chosen:,} buckets of n-grams, at most "
        f"{search.size(count, chosen):,} bytes as TFLite with its vocabulary, "
        f"{safetensors_size(budget, count, chosen):,} as safetensors"
    )
    return Vocabulary(vocabulary.tokens[:count], budget.rules), list(search.spelled(count)), chosen


class _Search:
    """The sizes of models with the beginning of a vocabulary."""

    def __init__(self, budget: SizeBudget, vocabulary: Vocabulary, spellings: Sequence[str]) -> None:
        ids = vocabulary.ids
        self._budget = budget
        self._vocabulary = vocabulary
        self._numbered = [(spelling, ids[budget.rules.tokenize(spelling)[0]]) for spelling in spellings]
        self.fewest = min(FEWEST_WORDS + len(RESERVED), len(vocabulary))

    def spelled(self, count: int) -> dict[str, int]:
        """Return the spellings of the first ``count`` ids, at most half as many as there are ids."""
        some = ((spelling, index) for spelling, index in self._numbered if index < count)
        return dict(islice(some, count // 2))

    def size(self, count: int, buckets: int) -> int:
        """Return the size of a model with ``count`` ids."""
        return tflite_size(self._budget, self._vocabulary.tokens[:count], self.spelled(count), buckets)

    def most_words(self, buckets: int) -> int:
        """Return the most ids that fit with this number of buckets, by bisection; 0 if not even the fewest do."""
        most = len(self._vocabulary)
        quantized = min(max(-(-_QUANTIZED // self._budget.num_outputs), self.fewest), most)
        # The size grows with the ids above this number and below it, but falls in between.
        for low, high in ((quantized, most), (self.fewest, quantized)):
            if self.size(low, buckets) <= self._budget.size:
                while low < high:
                    middle = (low + high + 1) // 2
                    fits = self.size(middle, buckets) <= self._budget.size
                    low, high = (middle, high) if fits else (low, middle - 1)
                return low
        return 0
