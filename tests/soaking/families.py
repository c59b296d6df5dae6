"""Families of hostile texts, which the part ``texts`` scores."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.keras_imdb import FILTERS
from edgetext.text import RESERVED

# Code points in a block; the text of a block is longer than any model's maximum length.
BLOCK = 1_000

_SURROGATES = range(0xD800, 0xE000)
_MARKS = (*range(0x300, 0x370), *range(0x483, 0x488), *range(0x1AB0, 0x1ACF), *range(0x20D0, 0x20F1))
_RIGHT_TO_LEFT = (*range(0x5D0, 0x5EB), *range(0x621, 0x64B), 0x200F, 0x202B, 0x202E, 0x2067, 0x61C)
_PEOPLE = ("\U0001f468", "\U0001f469", "\U0001f9d1", "\U0001f467", "\u2764\ufe0f", "\U0001f3f4", "\U0001f1e9\U0001f1ea")
_SCRIPTS = (
    "great",
    "\u043a\u0438\u043d\u043e",
    "\u6620\u753b",
    "\uc601\ud654",
    "\u0e2b\u0e19\u0e31\u0e07",
    "\u03c4\u03b1\u03b9\u03bd\u03af\u03b1",
)
# Texts that look like the reserved tokens of this and other tools.
_PADDING = (*RESERVED, "<OOV>", "[PAD]", "[UNK]", "<pad>", "<s>", "0", "1", "2")


def words() -> list[str]:
    """Return the words of the shipped vocabulary."""
    return Path(DEFAULT_BUNDLE, "vocab.txt").read_bytes().decode("utf-8").split("\n")[len(RESERVED) : -1]


def _of(alphabet: Callable[[random.Random], str], longest: int) -> Callable[[random.Random], str]:
    """Return a function that makes a text of up to ``longest`` draws from ``alphabet``."""
    return lambda rng: "".join(alphabet(rng) for _ in range(rng.randrange(longest + 1)))


def _code_point(rng: random.Random) -> str:
    """Draw a code point, small ones as often as large ones."""
    return chr(rng.randrange(2 ** rng.randrange(1, 21)) if rng.random() < 0.9 else rng.randrange(sys.maxunicode + 1))


def _among(codes: range | tuple[int, ...], other: str = "a ") -> Callable[[random.Random], str]:
    return lambda rng: chr(rng.choice(codes)) if rng.random() < 0.7 else rng.choice(other)


def _drawn(parts: tuple[str, ...] | list[str], between: str) -> Callable[[random.Random], str]:
    return lambda rng: rng.choice(parts) + rng.choice(between)


def _inside_words(known: list[str]) -> Callable[[random.Random], str]:
    """Return a function that makes known words with a character in, before or after them that may separate words."""

    def draw(rng: random.Random) -> str:
        word, place = rng.choice(known), rng.randrange(6)
        other = rng.choice("\0\r\v\f\x1c\x85\xa0\u200b\ufeff\u2028\ufffd\ud800\U0010ffff'-_ ")
        return word[:place] + other + word[place:] + " "

    return draw


def _one_word(rng: random.Random) -> str:
    return rng.choice("aZ\0\u0301\u6620\U0001f600\ud800") * rng.randrange(1, 20_000)


def families() -> dict[str, Callable[[random.Random], str]]:
    """Return a function for each family, by name, that draws a text."""
    known = words()
    return {
        "any code points": _of(_code_point, 300),
        "lone surrogates": _of(_among(_SURROGATES), 300),
        "NUL and controls": _of(_among((*range(32), *range(0x7F, 0xA0))), 300),
        "combining marks": _of(_among(_MARKS), 300),
        "right to left": _of(_among(_RIGHT_TO_LEFT), 300),
        "emoji sequences": _of(_drawn(_PEOPLE, "\u200d\ufe0f\U0001f3fd "), 200),
        "words of padding": _of(_drawn(_PADDING, " \t"), 400),
        "mixed scripts": _of(_drawn(_SCRIPTS, " '\u200d-"), 300),
        "separators": _of(_among(tuple(map(ord, FILTERS)), " aB"), 600),
        "words damaged": _of(_inside_words(known), 300),
        "known words": _of(_drawn(known, " \n."), 600),
        "one long word": _one_word,
    }


def blocks() -> Iterator[str]:
    """Yield every code point, ``BLOCK`` in a text: first separated by spaces, then in one word."""
    for first in range(0, sys.maxunicode + 1, BLOCK):
        chars = [chr(code) for code in range(first, min(first + BLOCK, sys.maxunicode + 1))]
        yield " ".join(chars)
        yield "".join(chars)


def _repeat(unit: str) -> Callable[[int], str]:
    return lambda length: (unit * (length // len(unit) + 1))[:length]


def _distinct(length: int) -> str:
    """Return a text of ``length`` characters without a repeated word."""
    return " ".join(f"{number:07x}" for number in range(length // 8 + 1))[:length]


# Functions from a length to a text, by name; each is the worst case of some way to process text.
LONG: dict[str, Callable[[int], str]] = {
    "a review": _repeat("I loved this great movie; the end was sad. "),
    "only spaces": _repeat(" "),
    "only full stops": _repeat("."),
    "words of one letter": _repeat("a "),
    "only distinct words": _distinct,
    "one word": _repeat("a"),
    "one word in capitals": _repeat("A"),
    "only combining marks": _repeat("\u0301"),
    "capital sigmas and marks": _repeat("\u03a3\u0301"),
    "right to left": _repeat("\u05e1\u05e8\u05d8 "),
    "one emoji sequence": _repeat("\U0001f468\u200d"),
    "emoji": _repeat("\U0001f468"),
    "Chinese": _repeat("\u6620\u753b"),
    "Thai": _repeat("\u0e2b\u0e19\u0e31\u0e07"),
    "one word of Arabic letters": _repeat("\u0643\u062a\u0628"),
    "a review with an emoji": lambda length: LONG["a review"](length - 1) + "\U0001f600",
    "apostrophes": _repeat("a'"),
    "marks": _repeat("?'"),
    "emoticons": _repeat(":)<3 "),
    "words of lone surrogates": _repeat("\ud800 "),
    "one word of lone surrogates": _repeat("\udfff"),
    "words of padding": _repeat("<PAD> <START> <UNKNOWN> <OOV> "),
    "only NUL": _repeat("\0"),
}
