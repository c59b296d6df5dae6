"""Typing errors, to measure how much a model loses by them."""

from __future__ import annotations

import random
import re

WORDS_PER_TYPO = 8
_WORD = re.compile(r"\w{2,}")


def add_typos(text: str, generator: random.Random) -> str:
    """Return a text with about one typo in ``WORDS_PER_TYPO`` words.

    A typo swaps two neighbouring letters, drops a letter or doubles one. Words of one letter have none.
    """

    def change(word: re.Match[str]) -> str:
        return _misspell(word[0], generator) if generator.random() < 1 / WORDS_PER_TYPO else word[0]

    return _WORD.sub(change, text)


def _misspell(word: str, generator: random.Random) -> str:
    place = generator.randrange(len(word) - 1)
    first, second = word[place], word[place + 1]
    changed = generator.choice((second + first, second, first + first + second))
    return word[:place] + changed + word[place + 2 :]
