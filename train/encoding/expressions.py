"""Rule sets as regular expressions, for programs that know nothing else: MediaPipe's tokenizer and ONNX Runtime's.

They are in RE2's syntax, and mean the same in Python with ``re.ASCII``. What they cannot do is replace characters, so a
vocabulary for such a program also lists other spellings of its words. ``train.encoding.ports`` follows both programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby

from edgetext import characters
from edgetext.keras_imdb import FILTERS, KerasIMDB
from edgetext.text import EMOTICONS, RuleSet

# What a code point is: part of a word; part of it between two letters; dropped; a word; a mark, which may be a word; or
# between words.
LETTER, APOSTROPHE, NOTHING, WORD, MARK, SEPARATOR = range(6)
_KINDS = {
    characters.SEPARATOR: SEPARATOR,
    characters.NOTHING: NOTHING,
    characters.WORD: WORD,
    characters.EXCLAMATION: MARK,
    characters.QUESTION: MARK,
}
_SURROGATES = range(0xD800, 0xE000)


@cache
def find_delimiter(rules: RuleSet) -> str:
    """Return what separates words in MediaPipe, which searches for it in the rest of the text and drops empty words.

    For ``words-1`` the table's separators separate words. So do emoji and marks, and the characters of scripts without
    spaces, which are words there. Apostrophes, and characters that are dropped there, separate words unless one alone
    stands between two letters: it is part of the word then.
    """
    if isinstance(rules, KerasIMDB):
        return f"[{_keras_separators()}]+"
    edge, separator = _make_class(APOSTROPHE, NOTHING), _make_class(WORD, MARK, SEPARATOR)
    # Each match is as long as possible, so that it does not matter whether ^ matches at the start of a rest.
    return f"{edge}*(?:{separator}{edge}*)+|{edge}{edge}+|^{edge}|{edge}$"


@cache
def find_token(rules: RuleSet) -> str:
    """Return what a word is in ONNX Runtime, for ``keras-imdb`` after A to Z were lower-cased.

    For ``words-1`` it finds exactly the words, except that what is dropped there stays in them.
    """
    if isinstance(rules, KerasIMDB):
        return f"[^{_keras_separators()}]+"
    letter, apostrophe, nothing = (_make_class(kind) for kind in (LETTER, APOSTROPHE, NOTHING))
    word = f"{letter}+(?:(?:{apostrophe}{nothing}*|{nothing}+(?:{apostrophe}{nothing}*)?){letter}+)*"
    if not rules.variant["marks"]:
        return f"{word}|{_make_class(WORD)}"
    emoticons = (re.escape(text) + (r"\b" if text[-1].isalnum() else "") for text in EMOTICONS)
    return "|".join([word, _make_class(WORD, MARK), *emoticons])


def _keras_separators() -> str:
    return _make_items((ord(char), ord(char)) for char in f" {FILTERS}")


def _make_class(*kinds: int) -> str:
    """Return the class of all code points of some kinds."""
    return f"[{_make_items(_find_ranges(kinds))}]"


def _find_ranges(kinds: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of successive code points of some kinds, surrogates apart."""
    ends = (*(start - 1 for start in characters.STARTS[1:]), 0x10FFFF)
    runs = zip(characters.STARTS, ends, characters.ACTIONS, strict=True)
    for wanted, same in groupby(runs, key=lambda run: _find_kind(run[0], run[2]) in kinds):
        found = list(same)
        if wanted and found[0][0] not in _SURROGATES:
            yield found[0][0], found[-1][1]


def _find_kind(code: int, action: int) -> int:
    if action >= characters.SHIFT:
        code += characters.DISTANCES[action - characters.SHIFT]
    return APOSTROPHE if chr(code) == "'" else _KINDS.get(action, LETTER)


def find_marks() -> dict[str, str]:
    """Return the characters that are marks, each with the word that it is."""
    words = {characters.EXCLAMATION: "!", characters.QUESTION: "?"}
    return {
        chr(code): words[action]
        for place, action in enumerate(characters.ACTIONS)
        if action in words
        for code in range(characters.STARTS[place], characters.STARTS[place + 1])
    }


def _make_items(ranges: Iterable[tuple[int, int]]) -> str:
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
