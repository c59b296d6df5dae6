"""How large the int8 files of a model of the preset ``edge`` will be, by arithmetic, and the largest one that fits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from edgetext.command.info import MANY_LABELS
from edgetext.text import RESERVED, tokenize
from edgetext.vocabulary import Vocabulary

# The fewest words and buckets that make a model.
FEWEST_WORDS, FEWEST_BUCKETS = 50, 2**8
# The part of the room that bigrams have at first. Words are worth more where there is little room. Accuracy on a fifth
# of the texts, mean of four divisions, for a quarter, a third, half and two thirds (the table has rows by powers of
# two, so that shares often mean the same): questions of six types at 20 KB 80.7, 79.1, 79.1, 79.1 %; at 30 KB 82.4,
# 82.4, 81.6, 81.6; at 60 KB 84.4 with each; at 100 KB 85.0, 85.0, 85.4, 85.4. Text messages, spam or not, at 20 KB
# 98.7, 98.7, 97.9, 97.9 %; at 30 KB 98.8, 98.7, 98.7, 98.3; at 60 KB 98.9 with each; at 100 KB 99.0, 99.0, 99.0, 98.9.
SHARE = 1 / 4
_UNITS = {"": 1, "b": 1, "kb": 1000, "k": 1000, "mb": 1000**2, "m": 1000**2, "kib": 1024, "mib": 1024**2}


class Room(NamedTuple):
    """What a model has to fit into, and what of it does not depend on its tables.

    Attributes:
        size: Bytes of the largest of the int8 files: the TFLite file, which carries its words.
        columns: Outputs of the network.
        labels: The classes.
        name: Of the run.
    """

    size: int
    columns: int
    labels: Sequence[str]
    name: str = ""


def parse_size(text: str) -> int:
    """Read a size, such as ``100KB``, ``64KiB`` or ``1.5MB``; a kilobyte has 1,000 bytes, a kibibyte 1,024.

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"--target-size takes a size such as 100KB, 64KiB or 1.5MB, not {text!r}")
    return int(float(found[1]) * _UNITS[found[2]])


# Measured with 2 to 300 labels, 60 to 20,000 ids, 2^8 to 2^18 buckets, with and without spellings, and short and long
# names (tensorflow 2.21): beside its tables the graph of a TFLite file takes 7,500 to 8,070 bytes and 4 for each
# column, the metadata in it included; what it carries takes 1,020 beside names, labels and words. Author and license,
# which are given when it is exported and stand there twice, may take 200 characters together before it is larger than
# promised. What comes out is 400 to 1,100 bytes above the file. ONNX files, those that take text too, are smaller by
# 700 at least.
_GRAPH, _PER_COLUMN, _ABOUT = 8_100, 4, 1_500
# The converter leaves a table of fewer weights in float32, four bytes a weight.
_QUANTIZED = 1024


def tflite_size(room: Room, words: Sequence[str], spellings: Mapping[str, int], buckets: int) -> int:
    """Give the bytes of the dynamic int8 TFLite file, the largest of the three, at most.

    Args:
        room: For its name, columns and labels.
        words: The vocabulary, reserved tokens included, by id.
        spellings: Of its words, with their ids.
        buckets: Rows of the table of bigrams.
    """
    tables = sum(_table(room.columns * rows) for rows in (len(words), buckets))
    # A line of the vocabulary: the word, a space, its id, a newline.
    lines = sum(len(word.encode()) + len(str(index)) + 2 for word, index in (*_numbered(words), *spellings.items()))
    # Each label is a line of the file of labels, and JSON in the record; the first few are in the description, which
    # stands in the metadata and, as JSON, in the record. The name is in the metadata twice.
    labels = sum(len(label.encode()) + 1 + _json(label) + 2 for label in room.labels)
    described = sum(len(label.encode()) + _json(label) + 2 for label in room.labels[:MANY_LABELS])
    names = 2 * len(room.name.encode()) + _json(room.name)
    return _GRAPH + _PER_COLUMN * room.columns + _ABOUT + tables + lines + labels + described + names


def safetensors_size(room: Room, ids: int, buckets: int) -> int:
    """Give the bytes of the safetensors file, at most: it holds a scale of each table and a bias for each column.

    Its header takes 450 to 510 bytes.
    """
    return 512 + room.columns * (ids + buckets + 3 * 4)


def _numbered(words: Sequence[str]) -> Iterator[tuple[str, int]]:
    return zip(words, range(len(words)))


def _table(weights: int) -> int:
    return weights if weights >= _QUANTIZED else 4 * weights


def _json(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())


def fit(
    room: Room, vocabulary: Vocabulary, spellings: Sequence[str], buckets: int, lowercase: str = "ascii"
) -> tuple[Vocabulary, list[str], int]:
    """Find the largest tables that fit, none larger than those given, and print what was found.

    ``SHARE`` of the room is for bigrams at first; words, the most frequent ones, fill what is left; and where all words
    fit, bigrams get the rest.

    Args:
        room: What they have to fit into.
        vocabulary: All words that may be taken, most frequent first.
        spellings: Of its words.
        buckets: The most rows of the table of bigrams.
        lowercase: As for ``edgetext.text.tokenize``.

    Returns:
        The vocabulary, its spellings, and the buckets.

    Raises:
        ValueError: Not even the smallest model fits.
    """
    ids = vocabulary.ids
    numbered = [(spelling, ids[tokenize(spelling, lowercase)[0]]) for spelling in spellings]
    fewest = min(FEWEST_WORDS + len(RESERVED), len(vocabulary))

    def spelled(count: int) -> dict[str, int]:
        """Give the spellings of the first words: at most half as many as there are ids."""
        return dict(islice(((spelling, index) for spelling, index in numbered if index < count), count // 2))

    def size(count: int, rows: int) -> int:
        return tflite_size(room, vocabulary.tokens[:count], spelled(count), rows)

    def most_words(rows: int) -> int:
        """Give the most ids that fit beside a table of bigrams, by bisection; 0 if not even the fewest do."""
        quantized = min(max(-(-_QUANTIZED // room.columns), fewest), len(vocabulary))
        # From there on the size grows with the words; below it too, but it falls in between.
        for low, high in ((quantized, len(vocabulary)), (fewest, quantized)):
            if size(low, rows) <= room.size:
                while low < high:
                    middle = (low + high + 1) // 2
                    low, high = (middle, high) if size(middle, rows) <= room.size else (low, middle - 1)
                return low
        return 0

    rows, few = buckets, _fewest_buckets(room.columns)
    while rows > few and room.columns * rows > room.size * SHARE:
        rows //= 2
    while rows > few and not most_words(rows):
        rows //= 2
    count = most_words(rows)
    if not count:
        raise ValueError(
            f"--target-size {room.size:,} bytes cannot be met: with {len(room.labels)} labels the smallest model is a "
            f"TFLite file of {size(fewest, min(few, buckets)):,} bytes"
        )
    while rows < buckets and size(count, 2 * rows) <= room.size:
        rows *= 2
    print(
        f"largest for {room.size:,} bytes: {count:,} ids and {rows:,} buckets of bigrams, at most "
        f"{size(count, rows):,} bytes as TFLite with its words, {safetensors_size(room, count, rows):,} as safetensors"
    )
    return Vocabulary(vocabulary.tokens[:count]), list(spelled(count)), rows


def _fewest_buckets(columns: int) -> int:
    """Give the rows of the smallest table of bigrams that is worth having: of fewer weights it would be no smaller."""
    return max(FEWEST_BUCKETS, 1 << (-(-_QUANTIZED // columns) - 1).bit_length())
