"""The sizes of the int8 files of a model of ``edge`` or ``accurate``, computed in advance."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from edgetext.command.info import MANY_LABELS
from edgetext.formats.etx_words import sort_words
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED, RuleSet
from train.encoding.expressions import find_delimiter


class SizeBudget(NamedTuple):
    """The size that a model may have, and what of it does not depend on its tables."""

    size: int  # the most bytes of the file that is the target
    num_outputs: int
    labels: Sequence[str]
    name: str = ""  # that of the run
    rules: RuleSet = KERAS_IMDB
    characters: int = 0  # number of buckets of character n-grams
    word_ngrams: int = 2  # words of the longest n-gram
    target: str = "all"  # one of TARGETS


# Measured with 2 to 300 labels, 60 to 20,000 ids, 2^8 to 2^18 buckets, with and without spellings, and short and long
# names (TensorFlow 2.21): besides its tables the graph of a TFLite file takes 9,000 to 9,600 bytes and 8 per output,
# including the metadata. Its other content takes 1,020 bytes besides names, labels and words. Author and license, which
# are given at export and stored twice, may have 200 characters together before the estimate is too low. The estimate
# is 400 to 1,100 bytes above the file. ONNX files, those that take text included, are at least 700 bytes smaller.
_GRAPH, _PER_OUTPUT, _ABOUT = 9_570, 8, 1_500
_CHARACTERS = 2_700  # what character n-grams add to the graph and the records
_TRIGRAMS = 1_690  # what trigrams add to the graph
_HEADER, _ALIGNMENT = 128, 16  # of a block, and of its sections
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


def block_size(budget: SizeBudget, words: Sequence[str], spellings: Mapping[str, int], buckets: int) -> int:
    """Return the bytes of the block for C in the layout ``small``, which holds no spellings.

    ``words`` are the tokens by id, the reserved ones included.
    """
    labels = sum(4 + len(label.encode()) + 1 for label in budget.labels)
    *_, sorted_words = sort_words([word.encode() for word in words[len(RESERVED) :]])
    # The scales of three tables, the bias and the prior are numbers of four bytes.
    tables = [budget.num_outputs * rows for rows in (4 * 5, len(words), buckets, budget.characters)]
    return _HEADER + sum(size + -size % _ALIGNMENT for size in (labels, len(sorted_words), *tables))


def _table_size(weights: int) -> int:
    return weights if weights >= _QUANTIZED else 4 * weights


def _json_size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


class Target(NamedTuple):
    """A file whose size can be limited."""

    about: str  # what it is
    size: Callable[[SizeBudget, Sequence[str], Mapping[str, int], int], int]  # at most, by words, spellings and buckets
    quantized: int  # the fewest weights of a table that is quantised
    share: float  # the part of its size that n-grams of words have at first


# In small models words are worth more than n-grams where they take much space: train/guides/choices.md has figures.
TARGETS = {"all": Target("TFLite", tflite_size, _QUANTIZED, 1 / 4), "c": Target("block for C", block_size, 1, 1 / 2)}
