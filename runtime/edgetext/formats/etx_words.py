"""The words of a block, as a hash table or sorted; see ``edgetext.formats.etx``."""

from __future__ import annotations

from itertools import accumulate
from struct import pack

from edgetext.text import RESERVED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# A slot is an id of 24 bits, the number of bytes, and a word of up to 12 bytes, or where a longer one is.
_SLOT, _SHORT_WORD, _LONG_WORD = 16, 12, 255
_WORDS_PER_GROUP = 16


def hash_words(words: Sequence[bytes]) -> tuple[int, int, bytes]:
    """Return the hash table of words that are in the order of their ids.

    Returns:
        The number of slots, the most slots that finding a word reads, and the section.
    """
    slots = 1
    while 2 * slots < 3 * (len(words) + len(RESERVED)):
        slots *= 2
    table, taken, long_words = bytearray(_SLOT * slots), bytearray(slots), bytearray()
    most_reads, last = 1, slots - 1
    for number, word in enumerate(words, len(RESERVED)):
        hashed = _hash(word)
        slot, reads = hashed & last, 1
        while taken[slot]:
            slot, reads = (slot + 1) & last, reads + 1
        taken[slot], most_reads = 1, max(reads, most_reads)
        if len(word) <= _SHORT_WORD:
            entry = pack("<I12s", number | len(word) << 24, word)
        else:
            place = len(table) + len(long_words)
            entry = pack("<4I", number | _LONG_WORD << 24, hashed >> 32, place, len(word))
            long_words += word
        table[_SLOT * slot : _SLOT * (slot + 1)] = entry
    return slots, most_reads, bytes(table + long_words)


def _hash(word: bytes) -> int:
    """Return the hash of a word in UTF-8, 64 bits."""
    hashed = 0
    for start in range(0, len(word), 8):
        part = int.from_bytes(word[start : start + 8], "little")
        hashed = ((hashed ^ part) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        hashed ^= hashed >> 32
    return hashed


def sort_words(words: Sequence[bytes]) -> tuple[int, int, bytes]:
    """Return words that are in the order of their ids, sorted and front-coded.

    Returns:
        The number of groups, the bytes of an id, and the section.
    """
    order = sorted(range(len(words)), key=words.__getitem__)
    id_bytes = 2 if len(words) + len(RESERVED) <= 2**16 else 4
    ids = b"".join((index + len(RESERVED)).to_bytes(id_bytes, "little") for index in order)
    groups: list[bytearray] = []
    before = b""
    for place, index in enumerate(order):
        word, shared = words[index], 0
        if place % _WORDS_PER_GROUP == 0:
            groups.append(bytearray())
        else:
            most = min(len(word), len(before), 255)
            while shared < most and word[shared] == before[shared]:
                shared += 1
        rest = word[shared:]
        groups[-1] += bytes([shared, min(len(rest), 255)]) + (pack("<I", len(rest)) if len(rest) >= 255 else b"") + rest
        before = word
    start = 4 * len(groups) + len(ids)
    starts = [start + size for size in accumulate(map(len, groups[:-1]), initial=0)] if groups else []
    return len(groups), id_bytes, pack(f"<{len(starts)}I", *starts) + ids + b"".join(groups)
