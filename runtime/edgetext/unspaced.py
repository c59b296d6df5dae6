"""A faster way to the ids of texts in scripts without spaces, where most characters are words.

``Words.fold`` and ``bytes.split`` make two objects of each character; here it is looked up as it is. The ids are the
same.
"""

from __future__ import annotations

from edgetext.folding import MOST, fold_character
from edgetext.text import PAD_ID, START_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from edgetext.text import Words

# Texts with more characters are left to ``Words.fold``, which needs less memory.
LONG_TEXT = 10_000
# Most texts of at most this many characters have no letters among them.
SHORT_TEXT = 64
# What stands for separators, and for characters that are no words. No word has these ids.
_SEPARATOR, _LETTER = PAD_ID, START_ID


class CharacterIds(dict[str, int]):
    """The ids of characters that are words, found when they are needed first. Threads may share it.

    Attributes:
        look_up: The function from the key of a word to its id.
    """

    def __init__(self, rules: Words, look_up: Callable[[bytes], int], *, letters: bool) -> None:
        """Take whether other characters are ``_LETTER``; if not, they are a KeyError."""
        super().__init__()
        self.look_up = look_up
        self._marks = rules.marks
        self._letters = letters

    def __missing__(self, char: str) -> int:
        folded = fold_character(ord(char), self._marks)
        if folded == 0x20:
            found = _SEPARATOR
        elif isinstance(folded, str) and folded:
            found = self.look_up(folded.strip().encode())
        elif self._letters:
            found = _LETTER
        else:
            raise KeyError(char)
        if len(self) >= MOST:
            self.clear()
        self[char] = found
        return found


class UnspacedEncoder:
    """Finds the ids of the words of texts in scripts without spaces."""

    def __init__(self, rules: Words, look_up: Callable[[bytes], int]) -> None:
        """Take the rules and the function from the key of a word to its id."""
        self._rules = rules
        self._words = CharacterIds(rules, look_up, letters=False)
        self._all = CharacterIds(rules, look_up, letters=True)

    def ids(self, text: str) -> list[int] | None:
        """Return the ids of a text's words; None if it is long, or not one for which this is faster."""
        if not 0 < len(text) <= LONG_TEXT or self._rules.has_emoticon(text):
            return None
        kinds = self._all
        if kinds[text[len(text) // 2]] <= _LETTER and kinds[text[len(text) // 3]] <= _LETTER:
            return None
        if len(text) <= SHORT_TEXT:
            try:
                return list(filter(None, map(self._words.__getitem__, text)))
            except KeyError:
                pass
        return self._ids_with_letters(text)

    def _ids_with_letters(self, text: str) -> list[int]:
        found = [*map(self._all.__getitem__, text), _LETTER]  # so that there is always another one
        ids: list[int] = []
        end = 0
        while (start := found.index(_LETTER, end)) < len(text):
            ids += filter(None, found[end:start])
            end = start + 1
            while found[end] == _LETTER and end < len(text):
                end += 1
            letters = text[start:end]
            if letters.isalnum() and letters.isascii():
                ids.append(self._all.look_up(letters.lower().encode()))
            else:
                ids += map(self._all.look_up, self._rules.split(letters))
        return [*ids, *filter(None, found[end:-1])]
