"""Rule sets as the one expression by which MediaPipe's tokenizer splits text: what separates words.

It is in RE2's syntax, and means the same in Python. MediaPipe searches for it again and again in the rest of the text,
and drops empty words. It never lower-cases or replaces anything, so a vocabulary for it also lists other spellings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby

from edgetext import characters
from edgetext.keras_imdb import FILTERS, KerasIMDB
from edgetext.text import RuleSet

_APOSTROPHE = 0x27
_SURROGATES = range(0xD800, 0xE000)
# What becomes of a code point within a word: it separates words, is dropped at the ends of a word, or is part of it.
SEPARATOR, EDGE, LETTER = range(3)


@cache
def find_delimiter(rules: RuleSet) -> str:
    """Return the expression for a rule set.

    For ``words-1`` the table's separators separate words. So do emoji and marks, and the characters of scripts without
    spaces, which are words there. Apostrophes, and characters that are dropped there, separate words unless one alone
    stands between two letters: it is part of the word then.
    """
    if isinstance(rules, KerasIMDB):
        return f"[{make_class((code, code) for code in map(ord, ' ' + FILTERS))}]+"
    kinds = {kind: list(ranges) for kind, ranges in groupby(sorted(_kinds()), key=lambda found: found[0])}
    separator, edge = (f"[{make_class(found[1:] for found in kinds[kind])}]" for kind in (SEPARATOR, EDGE))
    # Each match is as long as possible, so that it does not matter whether ^ matches at the start of a rest.
    return f"{edge}*(?:{separator}{edge}*)+|{edge}{edge}+|^{edge}|{edge}$"


def _kinds() -> Iterator[tuple[int, int, int]]:
    """Yield the kind, the first and the last of successive code points of the same kind, surrogates apart."""
    ends = (*(start - 1 for start in characters.STARTS[1:]), 0x10FFFF)
    runs = zip(characters.STARTS, ends, characters.ACTIONS, strict=True)
    for kind, same in groupby(runs, key=lambda run: _kind(run[0], run[2])):
        found = list(same)
        if found[0][0] not in _SURROGATES:
            yield kind, found[0][0], found[-1][1]


def _kind(code: int, action: int) -> int:
    if action >= characters.SHIFT:
        code += characters.DISTANCES[action - characters.SHIFT]
    if action == characters.NOTHING or code == _APOSTROPHE:
        return EDGE
    separators = (characters.SEPARATOR, characters.WORD, characters.EXCLAMATION, characters.QUESTION)
    return SEPARATOR if action in separators else LETTER


def make_class(ranges: Iterable[tuple[int, ...]]) -> str:
    """Return the items of a character class, from the first and the last code point of each."""
    return "".join(
        _literal(first) if first == last else f"{_literal(first)}{'-' * (last > first + 1)}{_literal(last)}"
        for first, last in ranges
    )


def _literal(code: int) -> str:
    """Return a code point as it is written in a class, where only brackets, backslash, ^ and - need a backslash."""
    if chr(code) in "\t\n":
        return "\\t" if code == 9 else "\\n"
    if code < 0x20:
        return f"\\x{code:02x}"
    return re.sub(r"([\\\]\[^-])", r"\\\1", chr(code))
