"""Text to ids: the only tokenisation there is, imported by training, export and benchmarks too.

The rules are those behind the published Keras IMDB word index, which they reproduce:

1. Lower-case the ASCII letters A to Z; every other character stays as it is.
2. Replace each character of ``FILTERS``, tab and newline by a space. The apostrophe is not among them.
3. Split at the space character only (U+0020, not other white space) and drop empty strings.

Instead of rule 1, the variant ``lowercase="unicode"`` does ``str.lower()`` to the whole text first: Unicode's full
mapping, the same in every locale. An I with dot becomes ``i`` and a combining dot, two characters, and ``I`` is
``i`` in Turkish too; a capital sharp s becomes the small one, not ``ss``; a capital sigma becomes the final one
where its word ends, for which Unicode looks past full stops, colons and apostrophes. Letters that are newer than
the Unicode that a Python knows stay as they are there.

A word becomes its vocabulary id, or ``UNKNOWN_ID``; unknown words are never dropped. A row of ids begins
with ``START_ID``, is cut to ``max_length`` and filled up with ``PAD_ID``, as
``keras.datasets.imdb.load_data`` followed by ``keras.utils.pad_sequences`` does.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, ClassVar

    from edgetext.bundle.vocabulary import StoredVocabulary

# The name that a manifest gives to the rules above.
TOKENIZER = "keras-imdb"

# How texts can be lower-cased; the first is what a record means that does not say.
LOWERCASES = ("ascii", "unicode")

# keras.preprocessing.text.Tokenizer's default filters, with which the published IMDB index was made.
FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

# keras.datasets.imdb.load_data's start_char=1, oov_char=2, index_from=3, and 0 as pad_sequences' default value.
PAD_ID = 0
START_ID = 1
UNKNOWN_ID = 2
RESERVED = ("<PAD>", "<START>", "<UNKNOWN>", "<UNUSED>")

_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# bytes.split also splits at these three, which are parts of words: they stand aside as bytes that UTF-8 never has.
_KEPT, _ASIDE = b"\r\x0b\x0c", b"\xf8\xf9\xfa"
_FOLD = bytes.maketrans(FILTERS.encode() + _UPPER + _KEPT, b" " * len(FILTERS) + _UPPER.lower() + _ASIDE)
_PUT_BACK = bytes.maketrans(_ASIDE, _KEPT)


def fold(text: str, lowercase: str = "ascii") -> bytes:
    """Do rules 1 and 2 at the top of this module; what ``bytes.split`` makes of it are the words' keys: ``from_key``.

    Raises:
        TypeError: ``text`` is not a string.
        ValueError: ``lowercase`` is unknown.
    """
    if not isinstance(text, str):
        raise TypeError(f"a text is a str, not {type(text).__name__}")
    if lowercase != "ascii":
        _check_lowercase(lowercase)
        text = text.lower()
    # On bytes, because str.translate looks up each character in a dict from the first non-ASCII one on, and because
    # str.split(" ") leaves empty words to filter out; benchmarks/encode.py measures what this takes.
    return text.encode("utf-8", "surrogatepass").translate(_FOLD)


def split(text: str, lowercase: str = "ascii") -> list[bytes]:
    """Split a text into its words, by the rules at the top of this module, each as a key: see ``from_key``.

    Raises:
        TypeError: ``text`` is not a string.
        ValueError: ``lowercase`` is unknown.
    """
    return fold(text, lowercase).split()


def _check_lowercase(lowercase: Any) -> None:
    if lowercase not in LOWERCASES:
        raise ValueError(f"lowercase must be 'ascii' or 'unicode', not {lowercase!r}")


def from_key(key: bytes) -> bytes:
    """Give the UTF-8 of a word whose key this is: the same bytes, but for CR, VT and FF, which stand aside in keys."""
    return key.translate(_PUT_BACK)


def tokenize(text: str, lowercase: str = "ascii") -> list[str]:
    """Split a text into its words, by the rules at the top of this module.

    Args:
        text: Any string; lone surrogates are kept as they are.
        lowercase: ``"ascii"`` lower-cases A to Z alone, ``"unicode"`` all letters.

    Returns:
        The words in order, none of them empty.

    Raises:
        TypeError: ``text`` is not a string.
        ValueError: ``lowercase`` is unknown.
    """
    words = split(text, lowercase)
    joined = from_key(b" ".join(words)).decode("utf-8", "surrogatepass")
    return joined.split(" ") if words else []


class WordTable(dict[bytes, int]):
    """A word's id by its key (see ``from_key``); ``UNKNOWN_ID`` for all other words."""

    def __missing__(self, key: bytes) -> int:
        """Give the id of a word that is not in the vocabulary."""
        return UNKNOWN_ID


class Vocabulary:
    """The words of a model and their ids.

    Attributes:
        tokens: All tokens by id; the first four are ``RESERVED``, the others words by falling frequency.
        table: The id of every word by its key; the reserved tokens are not in it, for no text contains them.
    """

    __slots__ = ("table", "tokens")

    def __init__(self, tokens: Sequence[str]) -> None:
        """Take over a list of tokens.

        Raises:
            ValueError: The reserved tokens are not first, or a word is empty, repeated, or one that the
                tokenisation cannot produce.
        """
        if tuple(tokens[: len(RESERVED)]) != RESERVED:
            raise ValueError(f"the first tokens must be {' '.join(RESERVED)}")
        self.tokens = tuple(tokens)
        words = self.tokens[len(RESERVED) :]
        # One pass in C over all words at once: each must come out of the tokenisation as it went in.
        if tokenize(" ".join(words)) != list(words):
            raise ValueError("a word is empty or holds a character that the tokenisation removes")
        self.table = WordTable(zip(split(" ".join(words)), range(len(RESERVED), len(self.tokens))))
        if len(self.table) != len(words):
            raise ValueError("a word occurs twice")

    @property
    def ids(self) -> dict[str, int]:
        """The id of every word, as a new dictionary."""
        return dict(zip(self.tokens[len(RESERVED) :], range(len(RESERVED), len(self.tokens))))

    def __len__(self) -> int:
        """Count the ids, reserved ones included."""
        return len(self.tokens)

    @classmethod
    def from_bytes(cls, content: bytes) -> Vocabulary:
        r"""Read the content of a ``vocab.txt``: UTF-8, line n is the token with id n, lines end in ``\n`` only.

        Other line separators (U+0085, carriage return) are words of real reviews, so this is not a file to
        open in text mode.

        Raises:
            ValueError: As for the constructor, or the content is not UTF-8.
        """
        if not content.endswith(b"\n"):
            raise ValueError("the last line has no end")
        return cls(content[:-1].decode("utf-8").split("\n"))

    def to_bytes(self) -> bytes:
        """Give the content of a ``vocab.txt`` that ``from_bytes`` reads back to an equal vocabulary."""
        return "".join(token + "\n" for token in self.tokens).encode("utf-8")

    def check_size(self, size: int) -> None:
        """Check that there are ``size`` ids.

        Raises:
            ValueError: There are not.
        """
        if len(self) != size:
            raise ValueError(f"the vocabulary has {len(self)} ids, and the model knows {size}")

    def find(self, key: bytes) -> int:
        """Give the id of the word with this key, or ``UNKNOWN_ID``."""
        found: int = self.table[key]
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids back into words, for people to read.

        Padding is left out; other reserved ids show as ``<START>``, ``<UNKNOWN>``, ``<UNUSED>``.

        Raises:
            IndexError: An id is not in the vocabulary.
        """
        return " ".join(self.tokens[i] for i in ids if i != PAD_ID)


class Preprocessing:
    """How words become a row of ids: what a run's ``config.json`` and a bundle's manifest record.

    Attributes:
        max_length: Ids in a row.
        truncating: Which end of a long text is cut off: ``"pre"`` keeps the last ids, ``"post"`` the first
            (the names of ``keras.utils.pad_sequences``).
        lowercase: What is lower-cased: ``"ascii"``, A to Z alone, or ``"unicode"``, all letters; see ``tokenize``.
    """

    __slots__ = ("lowercase", "max_length", "truncating")

    def __init__(self, max_length: int, truncating: str, lowercase: str = "ascii") -> None:
        """Check and keep the settings.

        Raises:
            ValueError: ``max_length`` is not a whole number from 1 to 65,536, or ``truncating`` or ``lowercase`` is
                unknown.
        """
        if type(max_length) is not int or not 1 <= max_length <= 65_536:
            raise ValueError(f"max_length must be a whole number from 1 to 65536, not {max_length!r}")
        if truncating not in ("pre", "post"):
            raise ValueError(f"truncating must be 'pre' or 'post', not {truncating!r}")
        _check_lowercase(lowercase)
        self.max_length = max_length
        self.truncating = truncating
        self.lowercase = lowercase

    # What this version of the runtime always does; written out so that a port, or a reader of the file,
    # need not know this module, and refused when it differs.
    _FIXED: ClassVar[dict[str, Any]] = {
        "tokenizer": TOKENIZER,
        "padding": "post",
        "pad_id": PAD_ID,
        "start_id": START_ID,
        "unknown_id": UNKNOWN_ID,
    }

    def to_json(self) -> dict[str, Any]:
        """Give the record that ``from_json`` reads back; one without ``lowercase`` lower-cases A to Z alone."""
        record = {**self._FIXED, "max_length": self.max_length, "truncating": self.truncating}
        return record if self.lowercase == "ascii" else {**record, "lowercase": self.lowercase}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Preprocessing:
        """Read a record that ``to_json`` wrote.

        Raises:
            ValueError: A key is missing or unknown, or its value is one that this version does not do.
        """
        expected = {*cls._FIXED, "max_length", "truncating"}
        keys = record.keys() - {"lowercase"}
        if keys != expected:
            odd = ", ".join(map(repr, sorted(keys ^ expected)))
            raise ValueError(f"preprocessing has missing or unknown keys: {odd}")
        for key, value in cls._FIXED.items():
            if record[key] != value:
                raise ValueError(f"{key} is {record[key]!r}, and this version knows {value!r} only")
        return cls(record["max_length"], record["truncating"], record.get("lowercase", "ascii"))


# Words that an encoder looks up one at a time before it asks for the vocabulary's table, which a bundle's vocabulary
# makes only then; see ``edgetext.bundle.vocabulary``.
FEW_WORDS = 16


class Encoder:
    """Text to the row of ids that a model takes.

    Attributes:
        vocabulary: The words.
        preprocessing: Length of a row, and which end of a long text is cut off.
        tokenizer: What is done instead of this module's tokenisation, for people to read; None if nothing is.
        note: What users of such a tokenizer should know; None if there is nothing.
    """

    tokenizer: dict[str, Any] | None = None
    note: str | None = None
    __slots__ = ("_few", "_look_up", "_words", "preprocessing")

    def __init__(self, vocabulary: Vocabulary | StoredVocabulary, preprocessing: Preprocessing) -> None:
        """Join a vocabulary and the settings."""
        self._words = vocabulary
        self.preprocessing = preprocessing
        self._few = FEW_WORDS
        self._look_up: Callable[[bytes], int] | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary; a stored one is parsed."""
        return self._words if isinstance(self._words, Vocabulary) else self._words.parse()

    def check_vocabulary_size(self, size: int) -> None:
        """Check that the vocabulary has ``size`` ids.

        Raises:
            ValueError: If it has not, unless it is a stored one, which is checked when it is parsed.
        """
        self._words.check_size(size)

    def ids(self, text: str) -> list[int]:
        """Give a text's ids, start mark first, neither cut nor padded.

        Raises:
            TypeError: ``text`` is not a string.
        """
        words = split(text, self.preprocessing.lowercase)
        return [START_ID, *map(self._look_up or self._choose(words), words)]

    def cut(self, text: str) -> list[int]:
        """Give a text's ids, start mark first, cut to at most ``max_length`` and not padded.

        Raises:
            TypeError: ``text`` is not a string.
        """
        folded = fold(text, self.preprocessing.lowercase)
        length = self.preprocessing.max_length
        # Only the words that stay are made and looked up: millions of them took 30 times the text's own memory.
        if self.preprocessing.truncating == "pre":
            words = folded.rsplit(None, length)  # and all that is before these, as one
            if len(words) >= length:
                words = words[-length:]
                return list(map(self._look_up or self._choose(words), words))
        else:
            words = folded.split(None, length - 1)[: length - 1]
        return [START_ID, *map(self._look_up or self._choose(words), words)]

    def encode(self, text: str) -> list[int]:
        """Give a text's row of exactly ``max_length`` ids, cut and padded.

        Raises:
            TypeError: ``text`` is not a string.
        """
        row = self.cut(text)
        return row + [PAD_ID] * (self.preprocessing.max_length - len(row))

    def _choose(self, words: list[bytes]) -> Callable[[bytes], int]:
        """Give what looks up these words: one by one as long as there were few, and then the table, for good."""
        self._few -= len(words)
        if self._few >= 0:
            return self._words.find
        self._look_up = self._words.table.__getitem__
        return self._look_up
