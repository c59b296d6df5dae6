"""Where the words of a text stand in it, and its runs; see ``edgetext.text`` and ``edgetext.ngrams``."""

from __future__ import annotations

import re
from itertools import accumulate, compress

from edgetext.folding import MOST, fold_character
from edgetext.keras_imdb import FILTERS
from edgetext.ngrams import LONGEST_TEXT
from edgetext.text import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edgetext.text import RuleSet

# What each code point is, one letter each: a letter, an apostrophe, dropped, a word of its own, a mark, anything else.
_LETTER, _APOSTROPHE, _DROPPED, _WORD, _MARK, _OTHER = "a'nwm "
_INSIDE = bytes(chr(byte) in (_LETTER, _APOSTROPHE) for byte in range(256))
_WORD_PATTERN = re.compile("(a+(?:(?:'n*|n+(?:'n*)?)a+)*|w|m|ef)")
_RUN_PATTERN = re.compile("w(?:n*w)*")
_EMOTICON = re.compile(r":[()]|;\)|(?::D|<3)(?![0-9A-Za-z_])")
_KERAS_WORD = re.compile(f"([^ {re.escape(FILTERS)}]+)")


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


def find_words(text: str, rules: RuleSet) -> tuple[list[int], list[int]]:
    """Return the starts and the ends of the words that ``rules`` split a text into, in order, in code points."""
    if not isinstance(rules, Words):
        return _find_matches(_KERAS_WORD, text)
    kinds = text.translate(_KINDS[rules.marks])
    if rules.has_emoticon(text):
        pieces, end = [], 0
        for match in _EMOTICON.finditer(text):
            pieces += [kinds[end : match.start()], "ef"]
            end = match.end()
        kinds = "".join([*pieces, kinds[end:]])
    if any(kind in kinds for kind in (_DROPPED, _WORD, _MARK, "e")):
        return _find_matches(_WORD_PATTERN, kinds)
    return _find_stretches(kinds)


def _find_stretches(kinds: str) -> tuple[list[int], list[int]]:
    """Return the starts and the ends of words of letters and apostrophes, in a third of the time of a pattern."""
    if _APOSTROPHE in kinds:  # one counts between letters alone
        kinds = f" {kinds} ".replace("''", "  ").replace("' ", "  ").replace(" '", "  ")[1:-1]
    # A byte of one int for each code point, 1 within words; then 1 where that differs from the code point before.
    inside = int.from_bytes(kinds.encode().translate(_INSIDE), "little")
    edges = (inside ^ inside << 8).to_bytes(len(kinds) + 1, "little")
    places = list(compress(range(len(edges)), edges))
    return places[::2], places[1::2]


def _find_matches(pattern: re.Pattern[str], text: str) -> tuple[list[int], list[int]]:
    """Return the starts and the ends of all matches of a pattern that is one group."""
    edges = list(accumulate(map(len, pattern.split(text))))  # of what is between the matches, and of the matches
    return edges[:-1:2], edges[1::2]


def find_runs(text: str) -> list[tuple[int, int]]:
    """Return the start and the end of each run of a text, in order."""
    return [match.span() for match in _RUN_PATTERN.finditer(text[:LONGEST_TEXT].translate(_KINDS[False]))]
