"""The vocabulary: the tokens of a model and their ids."""

from __future__ import annotations

from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import PAD_ID, RESERVED, UNKNOWN_ID, from_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from edgetext.text import RuleSet


class WordTable(dict[bytes, int]):
    """The id of each word by its key (see ``edgetext.text.from_key``); ``UNKNOWN_ID`` for all other words."""

    def __missing__(self, key: bytes) -> int:
        return UNKNOWN_ID


class Vocabulary:
    """The tokens of a model and their ids.

    Attributes:
        tokens: All tokens by id; the first four are ``RESERVED``, the others words by falling frequency.
        rules: How a text becomes such words.
        table: The id of each word by its key; without the reserved tokens, which no text contains.
    """

    __slots__ = ("rules", "table", "tokens")

    def __init__(self, tokens: Sequence[str], rules: RuleSet = KERAS_IMDB) -> None:
        """Check the tokens and number them.

        Raises:
            ValueError: If the reserved tokens are not first, or a word is empty, repeated, or one that the
                tokenisation cannot produce.
        """
        if tuple(tokens[: len(RESERVED)]) != RESERVED:
            raise ValueError(f"the first tokens must be {' '.join(RESERVED)}")
        self.tokens = tuple(tokens)
        # What one variant of keras-imdb makes of texts are words for all of them.
        self.rules = rules = KERAS_IMDB if rules.name == KERAS_IMDB.name else rules
        words = self.tokens[len(RESERVED) :]
        # One pass in C over all words at once: the tokenisation must leave each as it is.
        keys = rules.split(" ".join(words))
        if len(keys) != len(words) or from_key(b" ".join(keys)) != " ".join(words).encode("utf-8", "surrogatepass"):
            raise ValueError("a word is empty or holds a character that the tokenisation removes")
        self.table = WordTable(zip(keys, range(len(RESERVED), len(self.tokens))))
        if len(self.table) != len(words):
            raise ValueError("a word occurs twice")

    def __reduce__(self) -> tuple[Any, ...]:
        from edgetext.copying import rebuild_with

        return rebuild_with(type(self), self.tokens, self.rules)

    @property
    def ids(self) -> dict[str, int]:
        """The id of each word, as a new dictionary."""
        return dict(zip(self.tokens[len(RESERVED) :], range(len(RESERVED), len(self.tokens))))

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def from_bytes(cls, content: bytes, rules: RuleSet = KERAS_IMDB) -> Vocabulary:
        r"""Read the content of a ``vocab.txt``: UTF-8, line n is the token with id n, lines end in ``\n`` only.

        Other line separators (U+0085, carriage return) are words of real reviews, so the file must not be opened in
        text mode.

        Raises:
            ValueError: As for the constructor, or if the content is not UTF-8.
        """
        if not content.endswith(b"\n"):
            raise ValueError("the last line has no end")
        return cls(content[:-1].decode("utf-8").split("\n"), rules)

    def to_bytes(self) -> bytes:
        """Return the content of a ``vocab.txt``, which ``from_bytes`` reads."""
        return "".join(token + "\n" for token in self.tokens).encode("utf-8")

    def check_size(self, size: int) -> None:
        """Raise ValueError unless there are ``size`` ids."""
        if len(self) != size:
            raise ValueError(f"the vocabulary has {len(self)} ids, and the model knows {size}")

    def parse(self) -> Vocabulary:
        """Return the vocabulary itself: unlike a ``StoredVocabulary``, it is parsed already."""
        return self

    def find(self, key: bytes) -> int:
        """Return the id of the word with this key, or ``UNKNOWN_ID``."""
        return self.table[key]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the words of ids, for people to read; IndexError for an id that is not in the vocabulary.

        Padding is left out; other reserved ids show as ``<START>``, ``<UNKNOWN>``, ``<UNUSED>``.
        """
        return " ".join(self.tokens[i] for i in ids if i != PAD_ID)
