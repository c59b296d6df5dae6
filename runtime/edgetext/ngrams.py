"""Character n-grams: what a model with characters reads of words that are not in its vocabulary.

The items of a text are, in this order,

1. its unknown words, as far as it is read, other than code points that are words of their own (see ``edgetext.text``);
2. its runs: neighbouring code points that are words of their own, such as letters of scripts without spaces and emoji,
   known or not, with dropped code points left out, among the first ``LONGEST_TEXT`` code points.

``<`` is put before an item and ``>`` behind it. Its n-grams are all its stretches of ``shortest`` to ``longest`` code
points, ordered by where they begin, then by length. The bucket of an n-gram is the CRC-32 of its UTF-8 modulo
``buckets``, and its id the number of tokens in the vocabulary plus its bucket. The first ``most`` ids of a text count.
"""

from __future__ import annotations

from binascii import crc32

from edgetext.folding import MOST, fold_character
from edgetext.text import UNKNOWN_ID, Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgetext.text import RuleSet

LONGEST_TEXT = 65_536


class Characters:
    """Which character n-grams count.

    Attributes:
        shortest: The length of the shortest n-grams, in code points.
        longest: The length of the longest.
        buckets: The number of buckets, a power of two.
        most: The most n-grams of a text.
    """

    __slots__ = ("buckets", "longest", "most", "shortest")

    def __init__(self, shortest: int, longest: int, buckets: int, most: int) -> None:
        """Check the settings.

        Raises:
            ValueError: If one is not a whole number, or out of range.
        """
        for name, value, low, high in (
            ("shortest", shortest, 1, 16),
            ("longest", longest, 1, 16),
            ("buckets", buckets, 2, 2**24),
            ("most", most, 1, 65_536),
        ):
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"{name} of characters must be a whole number from {low} to {high}, not {value!r}")
        if shortest > longest or buckets & (buckets - 1):
            raise ValueError(
                f"characters have n-grams of {shortest} to {longest} in {buckets} buckets: the numbers must rise, and "
                "buckets be a power of two"
            )
        self.shortest = shortest
        self.longest = longest
        self.buckets = buckets
        self.most = most

    def to_json(self) -> dict[str, int]:
        """Return the settings by name, which the constructor takes."""
        return {name: getattr(self, name) for name in ("shortest", "longest", "buckets", "most")}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Characters) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"Characters({self.shortest}, {self.longest}, {self.buckets}, {self.most})"

    def __reduce__(self) -> tuple[type, tuple[int, ...]]:
        return Characters, (self.shortest, self.longest, self.buckets, self.most)

    def hash_item(self, item: str) -> Iterator[int]:
        """Yield the buckets of the n-grams of an item."""
        content, mask = f"<{item}>".encode(), self.buckets - 1
        # Where each code point begins: at the bytes that do not continue one.
        places = [place for place, byte in enumerate(content) if byte & 0xC0 != 0x80]
        places.append(len(content))
        lengths = range(self.shortest, self.longest + 1)
        for first, begin in enumerate(places[: -self.shortest]):
            for end in places[first + self.shortest : first + lengths.stop]:
                yield crc32(content[begin:end]) & mask


class NgramFinder:
    """Finds the ids of a text's n-grams."""

    def __init__(self, characters: Characters, rules: RuleSet, vocabulary_size: int) -> None:
        """Take the settings, how a text becomes words, and the number of tokens, which n-grams' ids begin with.

        Raises:
            ValueError: If the rule set is not ``Words``.
        """
        if not isinstance(rules, Words):
            raise ValueError(f"characters need the tokenizer {Words.name}")
        self._characters = characters
        self._marks = rules.marks
        self._first = vocabulary_size

    def ids(self, text: str, words: Sequence[bytes], word_ids: Sequence[int]) -> list[int]:
        """Return the ids of the n-grams of a text, given its words that are read, by their keys, and their ids."""
        most = self._characters.most
        found: list[int] = []
        for item in self._items(text, words, word_ids):
            found += self._characters.hash_item(item[: most + self._characters.longest])
            if len(found) >= most:
                break
        return [self._first + bucket for bucket in found[:most]]

    def _items(self, text: str, words: Sequence[bytes], word_ids: Sequence[int]) -> Iterator[str]:
        if UNKNOWN_ID in word_ids:
            for key, word_id in zip(words, word_ids):
                if word_id == UNKNOWN_ID:
                    word = key.decode()
                    if not is_one_word(word, marks=self._marks):
                        yield word
        if not text.isascii():
            yield from find_runs(text)


def is_one_word(word: str, *, marks: bool = False) -> bool:
    """Return whether this is a single code point that is a word of its own, or with ``marks`` one of the marks."""
    return len(word) == 1 and isinstance(fold_character(ord(word), marks), str)


def find_runs(text: str) -> list[str]:
    """Return the runs of a text."""
    return text[:LONGEST_TEXT].translate(_RUNS).split()


class _Runs(dict[int, "int | str"]):
    """For ``str.translate``: keeps code points that are words, drops those that are dropped; a space for all others."""

    def __missing__(self, code: int) -> int | str:
        if len(self) >= MOST:
            self.clear()
        folded = fold_character(code, False)
        self[code] = kept = folded.strip() if isinstance(folded, str) else 0x20
        return kept


_RUNS = _Runs()
