"""The writer of blocks, held against a reader that was written after ``runtime/guides/block-format.md`` alone."""

from __future__ import annotations

import re
import struct
import unittest
from typing import Any

from edgetext import BundleError
from edgetext.encoder import Preprocessing
from edgetext.formats.etx import make_block
from edgetext.keras_imdb import KERAS_IMDB, KerasIMDB
from edgetext.ngrams import Characters
from edgetext.text import RESERVED, RuleSet, Words
from edgetext.vocabulary import Vocabulary
from tests.runtime.helpers import random_average, random_bigrams, safetensors

LABELS = ["no", "yes"]
# Words of all lengths that the layouts treat differently, with common beginnings, and one that ends in a NUL.
TOKENS = [
    *(f"word{number}" for number in range(100)),
    *("film" + "x" * length for length in (0, 1, 4, 8, 9, 12, 13, 255, 256, 300, 600)),
    "\u96fb\u5f71",
    "a",
    "a\0",
    "\x85",
    "\r",
]


def numbers(block: bytes, at: int, count: int) -> tuple[int, ...]:
    return struct.unpack_from(f"<{count}I", block, at)


def find_fast(block: bytes, word: bytes) -> tuple[int, int]:
    """Return the id of a word, 2 if it is unknown, and how many slots were read."""
    header = numbers(block, 0, 32)
    start, slots, hashed = header[23], header[28], 0
    for place in range(0, len(word), 8):
        part = int.from_bytes(word[place : place + 8].ljust(8, b"\0"), "little")
        hashed = (hashed ^ part) * 0x9E3779B97F4A7C15 % 2**64
        hashed ^= hashed >> 32
    for reads in range(header[30]):
        slot = start + 16 * ((hashed + reads) % slots)
        first, second, third, fourth = numbers(block, slot, 4)
        length = first >> 24
        stored = block[slot + 4 : slot + 4 + length]
        if length == 255:
            stored = block[start + third : start + third + fourth] if second == hashed >> 32 else b""
        if first and stored == word:
            return first % 2**24, reads + 1
        if not first:
            break
    return 2, 0


def read_small(block: bytes) -> dict[bytes, int]:
    """Return all words and their ids."""
    header = numbers(block, 0, 32)
    start, groups, size = header[23], header[28], header[30]
    found: dict[bytes, int] = {}
    for group, offset in enumerate(numbers(block, start, groups)):
        word, place = b"", start + offset
        for index in range(16 * group, min(16 * group + 16, header[7] - 4)):
            shared, length = block[place : place + 2]
            place += 2
            if length == 255:
                [length] = numbers(block, place, 1)
                place += 4
            word = word[:shared] + block[place : place + length]
            place += length
            at = start + 4 * groups + size * index
            found[word] = int.from_bytes(block[at : at + size], "little")
        assert place <= start + header[31]
    return found


def make(
    layout: str, model: Any, rules: RuleSet = KERAS_IMDB, labels: list[str] | None = None, **settings: Any
) -> tuple[bytes, Vocabulary]:
    """Return the block of a random model and its vocabulary."""
    vocabulary = Vocabulary([*RESERVED, *TOKENS], KERAS_IMDB)
    characters, truncating = settings.get("characters"), settings.get("truncating", "post")
    preprocessing = Preprocessing(settings.get("max_length", 64), truncating, rules, characters)
    return make_block(labels or LABELS, preprocessing, vocabulary, safetensors(*model), layout), vocabulary


class LayoutTest(unittest.TestCase):
    def test_every_word_has_its_id(self) -> None:
        model = random_bigrams(1, vocabulary=len(RESERVED) + len(TOKENS))
        fast, vocabulary = make("fast", model)
        small, _ = make("small", model)
        words = {word.encode(): number for word, number in vocabulary.ids.items()}
        found = {word: find_fast(fast, word) for word in words}
        self.assertEqual({word: number for word, (number, _) in found.items()}, words)
        self.assertEqual(max(reads for _, reads in found.values()), numbers(fast, 0, 32)[30])
        self.assertEqual(read_small(small), words)
        self.assertEqual(list(read_small(small)), sorted(words))
        for other in (b"wor", b"word100", b"film" + b"x" * 299, b"a\0\0"):
            self.assertEqual(find_fast(fast, other)[0], 2)

    def test_there_may_be_no_words(self) -> None:
        model = safetensors(*random_bigrams(1, vocabulary=4))
        for layout in ("fast", "small"):
            preprocessing = Preprocessing(64, "post", KERAS_IMDB)
            block = make_block(LABELS, preprocessing, Vocabulary(RESERVED), model, layout)
            self.assertEqual(numbers(block, 0, 32)[29], 0)
            self.assertEqual(numbers(block, 0, 32)[1], len(block))

    def test_labels_and_checksum(self) -> None:
        labels = ["caf\u00e9", "no", "\u96fb\u5f71"]
        block, _ = make("small", random_bigrams(1, 3, vocabulary=len(RESERVED) + len(TOKENS)), labels=labels)
        places = numbers(block, numbers(block, 0, 32)[22], 3)
        self.assertEqual([block[place : block.index(b"\0", place)].decode() for place in places], labels)
        first = second = 0
        for number in numbers(block, 16, len(block) // 4 - 4):
            first = (first + number) % 2**32
            second = (second + first) % 2**32
        self.assertEqual(numbers(block, 8, 2), (first, second))
        self.assertEqual(block[:4], b"ETX1")
        self.assertEqual(len(block) % 16, 0)

    def test_tables_are_by_id(self) -> None:
        metadata, tensors = random_bigrams(1, 3, len(RESERVED) + len(TOKENS), network="trigrams-characters")
        metadata["max_length"] = "84"
        block, _ = make("fast", (metadata, tensors), Words(True), ["a", "b", "c"], characters=Characters(2, 3, 32, 20))
        header = numbers(block, 0, 32)
        self.assertEqual(header[4], 2 | 32 | 64 | 128)
        self.assertEqual(header[8], 64)
        self.assertEqual(struct.unpack_from("<d", block, 40), (0.25,))
        self.assertEqual(header[12:20], (64, 40503, 30011, 16727, 2, 3, 32, 20))
        for name, at in (("unigrams", header[25]), ("bigrams", header[26]), ("characters", header[27])):
            _, (outputs, size), values = tensors[name]
            stored = struct.unpack_from(f"{outputs * size}b", block, at)
            self.assertEqual(list(stored), [int(values[o * size + i]) for i in range(size) for o in range(outputs)])
        vectors = ("unigrams.scale", "bigrams.scale", "bias", "prior", "characters.scale")
        expected = [value for name in vectors for value in tensors[name][2]]
        self.assertEqual(block[header[24] : header[24] + 60], struct.pack("<15f", *expected))

    def test_average(self) -> None:
        metadata, tensors = random_average(1, (5, 4, 3, 1), len(RESERVED) + len(TOKENS))
        block, _ = make("small", (metadata, tensors), truncating="pre")
        header = numbers(block, 0, 32)
        self.assertEqual(header[4], 1 | 4 | 8)
        self.assertEqual(header[12:22], (0,) * 8 + (5, 3))
        self.assertEqual(numbers(block, header[24], 3), (4, 3, 1))
        parts = ["embedding.scale", *(f"dense.{n}.{part}" for n in range(3) for part in ("kernel", "bias"))]
        expected = [value for name in parts for value in tensors[name][2]]
        self.assertEqual(block[header[24] + 12 :][: 4 * len(expected)], struct.pack(f"<{len(expected)}f", *expected))


class RefusalTest(unittest.TestCase):
    def test_what_a_block_cannot_hold(self) -> None:
        size = len(RESERVED) + len(TOKENS)
        bigrams = random_bigrams(1, vocabulary=size)
        cases: list[tuple[str, Any, dict[str, Any]]] = [
            ("a block cannot hold lowercase='unicode'", bigrams, {"rules": KerasIMDB("unicode")}),
            ("the model has 1 outputs for 3 labels", bigrams, {"labels": ["a", "b", "c"]}),
            ("the model has 3 outputs for 2 labels", random_bigrams(1, 3, size), {}),
            ("the vocabulary has 120 ids, and the model knows 50", random_bigrams(1), {}),
            ("a label contains a NUL", bigrams, {"labels": ["a", "b\0"]}),
            ("lone surrogate", bigrams, {"labels": ["a", "\ud800"]}),
            ("the model has 65, 1", random_average(1, (65, 1), size), {}),
            ("the model has 3, 65, 1", random_average(1, (3, 65, 1), size), {}),
            ("1 to 8 dense layers", random_average(1, (2,) * 9 + (1,), size), {}),
            ("1 to 8 dense layers", random_average(1, (1,), size), {}),
            ("do not agree about characters", random_bigrams(1, vocabulary=size, network="characters"), {}),
        ]
        for message, model, settings in cases:
            with self.subTest(message), self.assertRaisesRegex(ValueError, re.escape(message)):
                make("fast", model, **settings)
        with self.assertRaisesRegex(ValueError, "other numbers of buckets"):
            metadata, tensors = random_bigrams(1, vocabulary=size, network="characters", max_length=84)
            make("fast", (metadata, tensors), Words(False), characters=Characters(2, 3, 64, 20))
        with self.assertRaisesRegex(ValueError, "layout must be 'fast' or 'small', not 'large'"):
            make("large", bigrams)
        with self.assertRaisesRegex(BundleError, "max_length is '64', not 65"):
            make("fast", bigrams, max_length=65)


if __name__ == "__main__":
    unittest.main()
