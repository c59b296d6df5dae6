"""Where the words of a text stand in it, and its runs; see ``edgetext.text`` and ``edgetext.ngrams``."""

from __future__ import annotations

import re

from edgetext.folding import MOST, fold_character
from edgetext.keras_imdb import FILTERS
from edgetext.ngrams import LONGEST_TEXT
from edgetext.text import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgetext.text import RuleSet

    Place = tuple[int, int]  # start and end, in code points

# What each code point is, one letter each: a letter, an apostrophe, dropped, a word of its own, a mark, anything else.
_LETTER, _APOSTROPHE, _DROPPED, _WORD, _MARK, _OTHER = "a'nwm "
_WORD_PATTERN = re.compile("a+(?:(?:'n*|n+(?:'n*)?)a+)*|w|m|ef")
_RUN_PATTERN = re.compile("w(?:n*w)*")
_EMOTICON = re.compile(r":[()]|;\)|(?::D|<3)(?![0-9A-Za-z_])")
_KERAS_WORD = re.compile(f"[^ {re.escape(FILTERS)}]+")


class _Kinds(dict[int, str]):
    """For ``str.translate``: what each code point is."""

    def __init__(self, marks: bool) -> None:
        super().__init__()
        self._marks = marks

    def __missing__(self, code: int) -> str:
        if len(self) >= MOST:
            self.clear()
        self[code] = found = self._find(code)
        return found

    def _find(self, code: int) -> str:
        folded = fold_character(code, self._marks)
        if isinstance(folded, int):
            return {0x20: _OTHER, 0x27: _APOSTROPHE}.get(folded, _LETTER)
        if not folded:
            return _DROPPED
        return _MARK if folded in (" ! ", " ? ") else _WORD


_KINDS = {marks: _Kinds(marks) for marks in (False, True)}


def find_words(text: str, rules: RuleSet) -> list[Place]:
    """Return the place of each word that ``rules`` split a text into, in order."""
    if not isinstance(rules, Words):
        return [match.span() for match in _KERAS_WORD.finditer(text)]
    kinds = text.translate(_KINDS[rules.marks])
    if rules.has_emoticon(text):
        pieces, end = [], 0
        for match in _EMOTICON.finditer(text):
            pieces += [kinds[end : match.start()], "ef"]
            end = match.end()
        kinds = "".join([*pieces, kinds[end:]])
    return [match.span() for match in _WORD_PATTERN.finditer(kinds)]


def find_runs(text: str) -> list[Place]:
    """Return the place of each run of a text, in order."""
    return [match.span() for match in _RUN_PATTERN.finditer(text[:LONGEST_TEXT].translate(_KINDS[False]))]
