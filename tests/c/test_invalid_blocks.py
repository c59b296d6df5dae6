"""Blocks whose checksum is right, and whose header or sections are impossible: the C library refuses them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import pytest

from edgetext import BundleError
from edgetext.formats.etx import make_block
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary
from export.block.library import CEngine
from tests.c.test_library import Case, make_model

WORDS = ["great", "movie", "a" * 300, *(f"word{number}" for number in range(40))]
# By their indices in the header, as runtime/guides/block-format.md lists them.
FLAGS, SLOTS = 4, 28
LABELS_AT, WORDS_AT, FLOATS_AT, UNIGRAMS_AT, BIGRAMS_AT, CHARACTERS_AT = range(22, 28)
INFINITY = 0x7F800000

ANY = [
    {5: 2},  # outputs
    {5: 0},
    {6: 1},  # labels
    {6: 3},
    {7: 3},  # tokens
    {7: 2**24 + 1},
    {8: 0},  # max_length
    {8: 65_537},
    *({index: place} for index in range(LABELS_AT, UNIGRAMS_AT + 1) for place in (0, 124, 2**31)),
    {31: 2**31},  # the size of the words
]
NGRAMS = [
    {11: 0xBFD00000},  # an exponent below 0
    {11: 0x40000000},  # above 1
    {11: 0x7FF80000},  # not a number
    {12: 0},  # buckets
    {12: 48},
    {12: 2**30},
    {13: 2**31, 14: 2**31},  # multipliers whose products are too large
    {16: 0},  # character n-grams: the shortest
    {16: 5, 17: 4},
    {17: 17},  # the longest
    {18: 0},  # their buckets
    {18: 48},
    {18: 2**30},
    {19: 0},  # the most
    {19: 65_537},
    {4: 32 + 64 + 128 + 1},  # with keras-imdb
    {4: 32 + 64 + 128 + 4},  # with the last words of a text
    *({index: place} for index in (BIGRAMS_AT, CHARACTERS_AT) for place in (0, 124, 2**31)),
]
FAST = [{28: 0}, {28: 48}, {28: 2**20}, {30: 2**20}]  # slots, and the most that are read
SMALL = [{28: 0}, {28: 2}, {28: 4}, {30: 1}, {30: 4}]  # groups, and bytes of an id
AVERAGE = [
    {20: 0},  # the width
    {20: 65},
    {21: 0},  # layers
    {21: 9},
    *({4: 8 + 128 + flag} for flag in (16, 32, 64)),  # flags of other networks
]


def make(network: str, layout: str, words: Sequence[str] = WORDS) -> bytes:
    case = Case(network, 1, "post", Words(False))
    vocabulary = Vocabulary([*RESERVED, *words], case.rules)
    preprocessing, content = make_model(case, len(vocabulary))
    return make_block(["no", "yes"], preprocessing, vocabulary, content, layout)


def read(block: bytes, index: int) -> int:
    return int(struct.unpack_from("<I", block, 4 * index)[0])


def change(block: bytes, changes: Mapping[int, int]) -> bytes:
    """Set numbers of 32 bits by their index in a block, and make its checksum right."""
    numbers = list(struct.unpack(f"<{len(block) // 4}I", block))
    for index, value in changes.items():
        numbers[index] = value
    first = second = 0
    for number in numbers[4:]:
        first += number
        second += first
    numbers[2:4] = first & 0xFFFFFFFF, second & 0xFFFFFFFF
    return struct.pack(f"<{len(numbers)}I", *numbers)


def pad(block: bytes) -> bytes:
    """Return a block with zeros behind its sections; its checksum is wrong."""
    block += bytes(100_000)
    return block[:4] + struct.pack("<I", len(block)) + block[8:]


def check(block: bytes, changes: Mapping[int, int], reason: str = "not valid") -> None:
    CEngine(change(block, {}))
    with pytest.raises(BundleError, match=reason):
        CEngine(change(block, changes))


@pytest.mark.parametrize(
    ("network", "layout", "changes"),
    [
        *(("trigrams-characters", "fast", changes) for changes in ANY + NGRAMS + FAST),
        *(("trigrams-characters", "small", changes) for changes in SMALL),
        *(("average", "fast", changes) for changes in ANY + AVERAGE),
    ],
    ids=str,
)
def test_headers(network: str, layout: str, changes: Mapping[int, int]) -> None:
    check(make(network, layout), changes)


def test_flags_of_a_later_version() -> None:
    block = make("trigrams-characters", "fast")
    check(block, {FLAGS: read(block, FLAGS) | 256}, "needs a newer version")


def test_a_size_that_is_no_multiple_of_four() -> None:
    block = make("trigrams-characters", "fast") + bytes(2)
    with pytest.raises(BundleError, match="not valid"):
        CEngine(block[:4] + struct.pack("<I", len(block)) + block[8:])


def test_a_label_without_an_end() -> None:
    block = make("trigrams-characters", "fast")
    assert block[-1]
    check(block, {read(block, LABELS_AT) // 4: block.rindex(0) + 1})
    check(block, {read(block, LABELS_AT) // 4 + 1: len(block)})


@pytest.mark.parametrize("number", [INFINITY, 0xFF800000, 0x7FC00000])
def test_numbers_that_are_not_finite(number: int) -> None:
    for network, first, count in (("trigrams-characters", 0, 5), ("average", 3, 5)):
        block = make(network, "fast")
        for place in range(first, first + count):
            check(block, {read(block, FLOATS_AT) // 4 + place: number})


def test_sizes_of_layers() -> None:
    block = make("average", "fast")
    place = read(block, FLOATS_AT) // 4
    for changes in ({place: 0}, {place: 65}, {place + 2: 2}, {place + 2: 0}, {place: 64}):
        check(block, changes)
    end = len(block) // 4 - 3  # there is room for the sizes, but not for the layers
    check(block, {FLOATS_AT: 4 * end, **{end + layer: read(block, place + layer) for layer in range(3)}})
    # Where there is room for more, with zeros for numbers.
    end += 3
    check(pad(block), {20: 65, FLOATS_AT: 4 * end, end: 4, end + 1: 7, end + 2: 1})
    check(pad(block), {21: 9, FLOATS_AT: 4 * end, **{end + layer: 4 for layer in range(8)}, end + 8: 1})


def test_no_reserved_tokens() -> None:
    for tokens in range(4):
        check(pad(make("trigrams-characters", "fast", ())), {7: tokens})


def test_slots() -> None:
    block = make("trigrams-characters", "fast")
    begin = read(block, WORDS_AT) // 4
    slots = range(begin, begin + 4 * read(block, SLOTS), 4)
    short = next(slot for slot in slots if read(block, slot) >> 24 == 5)
    long = next(slot for slot in slots if read(block, slot) >> 24 == 255)
    tokens = len(RESERVED) + len(WORDS)
    for head in (3 | 5 << 24, tokens | 5 << 24, 4, 4 | 13 << 24, 4 | 254 << 24):
        check(block, {short: head})
    check(pad(block), {WORDS_AT: len(block), SLOTS: 4096})  # empty ones, but more than the section has
    size = read(block, 31)
    for place, value in ((2, size + 1), (2, 2**32 - 1), (3, size), (3, 2**32 - 1)):
        check(block, {long + place: value})


def test_sorted_words() -> None:
    block = make("trigrams-characters", "small")
    begin, groups = read(block, WORDS_AT) // 4, read(block, SLOTS)
    for changes in ({begin: 2**31}, {begin: read(block, 31)}, {begin: read(block, 31) - 1}):
        check(block, changes)
    for identifier in (3, len(RESERVED) + len(WORDS)):
        check(block, {begin + groups: identifier | 4 << 16})
    # The words of the first group begin where the first number says.
    place = 4 * begin + read(block, begin)
    assert block[place] == 0
    place += -place % 4
    check(block, {place // 4: 0xFFFFFFFF})
