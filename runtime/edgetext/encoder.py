"""Encoding: a text to the ids that a model takes.

A word becomes its id in the vocabulary, or ``UNKNOWN_ID``; unknown words are never dropped. The ids begin with
``START_ID``, are truncated to ``max_length`` and padded with ``PAD_ID``, as ``keras.datasets.imdb.load_data`` followed
by ``keras.utils.pad_sequences`` does.
"""

from __future__ import annotations

from edgetext.text import PAD_ID, START_ID, UNKNOWN_ID, VARIANTS, Words, check_text, from_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar

    from edgetext.bundle.vocabulary import StoredVocabulary
    from edgetext.ngrams import Characters, NgramFinder
    from edgetext.text import RuleSet
    from edgetext.unspaced import UnspacedEncoder
    from edgetext.vocabulary import Vocabulary

# The number of words that an encoder looks up one at a time before it asks for the vocabulary's table, for which a
# bundle's vocabulary has to be parsed; see ``edgetext.bundle.vocabulary``.
FEW_WORDS = 16
# At this many bytes per word, the first words of nearly all texts are found.
MOST_BYTES = 32


class Preprocessing:
    """How a text becomes ids: what a run's ``config.json`` and a bundle's manifest record.

    Attributes:
        max_length: The number of ids that a text is truncated or padded to.
        truncating: Which end of a long text is cut off: ``"pre"`` keeps the last ids, ``"post"`` the first (the names
            of ``keras.utils.pad_sequences``).
        rules: How a text becomes words.
        characters: Which character n-grams follow the words; None for none.
    """

    # What this version of the runtime always does. It is recorded so that a port, or a reader of the file, does not
    # depend on this module, and refused when it differs.
    _FIXED: ClassVar[dict[str, Any]] = {
        "padding": "post",
        "pad_id": PAD_ID,
        "start_id": START_ID,
        "unknown_id": UNKNOWN_ID,
    }

    def __init__(self, max_length: int, truncating: str, rules: RuleSet, characters: Characters | None = None) -> None:
        """Check the settings.

        Raises:
            ValueError: If ``max_length`` is not a whole number from 1 to 65,536, or ``truncating`` is unknown; or if
                there are characters with other rules than ``Words``, or with ``truncating="pre"``.
        """
        if type(max_length) is not int or not 1 <= max_length <= 65_536:
            raise ValueError(f"max_length must be a whole number from 1 to 65536, not {max_length!r}")
        if truncating not in ("pre", "post"):
            raise ValueError(f"truncating must be 'pre' or 'post', not {truncating!r}")
        if characters is not None and (truncating != "post" or not isinstance(rules, Words)):
            raise ValueError(f"characters need the tokenizer {Words.name!r} and truncating 'post'")
        self.max_length = max_length
        self.truncating = truncating
        self.rules = rules
        self.characters = characters

    @property
    def width(self) -> int:
        """The number of ids of an encoded text: ``max_length``, and the most n-grams."""
        return self.max_length + (self.characters.most if self.characters is not None else 0)

    @property
    def max_words(self) -> int:
        """The number of words of a long text that are read: one id is the start mark's, where that is kept."""
        return self.max_length - (self.truncating == "post")

    def to_json(self) -> dict[str, Any]:
        """Return the record that ``from_json`` reads."""
        sizes = {"max_length": self.max_length, "truncating": self.truncating}
        characters = {} if self.characters is None else {"characters": self.characters.to_json()}
        return {"tokenizer": self.rules.name, **self._FIXED, **sizes, **self.rules.variant, **characters}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Preprocessing:
        """Read a record that ``to_json`` wrote.

        Raises:
            ValueError: If a key is missing or unknown, or its value is one that this version does not support.
        """
        expected = {"tokenizer", *cls._FIXED, "max_length", "truncating"}
        variant = {key: value for key, value in record.items() if key in VARIANTS}
        others = record.keys() - variant.keys() - {"characters"}
        if others != expected:
            odd = ", ".join(map(repr, sorted(others ^ expected)))
            raise ValueError(f"preprocessing has missing or unknown keys: {odd}")
        for key, value in cls._FIXED.items():
            if record[key] != value:
                raise ValueError(f"{key} is {record[key]!r}, and this version knows {value!r} only")
        rules, characters = read_rules(record["tokenizer"], variant), None
        if "characters" in record:
            from edgetext.ngrams import Characters  # not needed by most bundles

            try:
                characters = Characters(**record["characters"])
            except TypeError:
                raise ValueError(f"characters has other settings than these: {record['characters']!r}") from None
        return cls(record["max_length"], record["truncating"], rules, characters)

    def __reduce__(self) -> tuple[Any, ...]:
        from edgetext.copying import rebuild_with

        return rebuild_with(type(self), self.max_length, self.truncating, self.rules, self.characters)


def read_rules(name: Any, variant: dict[str, Any]) -> RuleSet:
    """Return the rule set with a recorded name and variant.

    Raises:
        ValueError: If this version does not know the name, or a setting is missing, unknown or wrong.
    """
    rules: type[RuleSet] = Words
    if name != Words.name:
        from edgetext.keras_imdb import KerasIMDB  # not needed by most bundles

        if name != KerasIMDB.name:
            raise ValueError(
                f"tokenizer is {name!r}, and this version knows {KerasIMDB.name!r} and {Words.name!r} only"
            )
        rules = KerasIMDB
    try:
        return rules(**variant)
    except TypeError:
        settings = ", ".join(map(repr, variant)) or "none"
        raise ValueError(f"tokenizer {name!r} has other settings than these: {settings}") from None


def _first_words(folded: bytes, count: int) -> list[bytes]:
    """Return the first words of a text, at most ``count``; ``bytes.split`` would copy what follows them."""
    start = folded[: MOST_BYTES * count]
    words = start.split(None, count)
    if len(words) <= count and len(start) < len(folded):  # the last one may be incomplete
        words = folded.split(None, count)
    return words[:count]


class Encoder:
    """Encodes texts by a vocabulary and the preprocessing settings; a text that is not a string is a TypeError.

    Attributes:
        tokenizer: The description of another tokenisation that replaces that of ``edgetext.text``; None if none does.
        note: What users of such a tokenizer should know; None if there is nothing.
    """

    tokenizer: dict[str, Any] | None = None
    note: str | None = None

    def __init__(self, vocabulary: Vocabulary | StoredVocabulary, preprocessing: Preprocessing) -> None:
        self._words = vocabulary
        self._fold = preprocessing.rules.fold
        self.preprocessing = preprocessing
        self._few = FEW_WORDS
        self._look_up: Callable[[bytes], int] | None = None
        self._unspaced: UnspacedEncoder | None = None
        self._ngrams: NgramFinder | None = None
        if preprocessing.characters is not None:
            from edgetext.ngrams import NgramFinder

            self._ngrams = NgramFinder(preprocessing.characters, preprocessing.rules, len(vocabulary))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._words, self.preprocessing)

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary; a stored one is parsed, which raises BundleError if it is damaged."""
        return self._words.parse()

    def check_vocabulary_size(self, size: int) -> None:
        """Raise ValueError unless the vocabulary has ``size`` ids; a stored one is checked when it is parsed."""
        self._words.check_size(size)

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text, start mark first, neither truncated nor padded; the ids of n-grams follow."""
        found = self._find_unspaced(text)
        if found is not None:
            return [START_ID, *found]
        words = self._fold(text).split()
        return self._with_ngrams(text, words, [START_ID, *map(self._look_up or self._choose_lookup(words), words)])

    def truncate(self, text: str) -> list[int]:
        """Return the ids of a text, start mark first, truncated to ``max_length`` and not padded; n-grams follow."""
        length, found = self.preprocessing.max_length, self._find_unspaced(text)
        if found is not None:
            ids = [START_ID, *found]
            return ids[-length:] if self.preprocessing.truncating == "pre" else ids[:length]
        words = self._kept_words(text)
        kept = map(self._look_up or self._choose_lookup(words), words)
        if len(words) == length:  # truncated at the front
            return list(kept)
        return self._with_ngrams(text, words, [START_ID, *kept])

    def _with_ngrams(self, text: str, words: list[bytes], ids: list[int]) -> list[int]:
        """Return the ids of the start mark and words of a text, and those of the text's n-grams."""
        return ids if self._ngrams is None else ids + self._ngrams.ids(text, words, ids[1:])

    def kept(self, text: str) -> str:
        """Return the words of a text that ``truncate`` keeps, separated by spaces: a text with the same ids.

        It is what a graph that splits text takes. Few graphs know all characters that the rules replace, and each word
        takes them about 90 bytes, for every text of a batch as much as for the longest.
        """
        return from_key(b" ".join(self._kept_words(text))).decode("utf-8", "surrogatepass")

    def _kept_words(self, text: str) -> list[bytes]:
        """Return the keys of a text's words that are kept: millions took 30 times the memory of the text."""
        folded, length = self._fold(text), self.preprocessing.max_length
        if self.preprocessing.truncating == "pre":
            return folded.rsplit(None, length)[-length:]  # without everything before these, which is one
        return _first_words(folded, length - 1)

    def count_words(self, ids: list[int]) -> int:
        """Return how many of the ids of a text are the start mark or of words, which come before those of n-grams."""
        count = len(ids)
        if self._ngrams is not None:
            size = len(self._words)
            while count and ids[count - 1] >= size:
                count -= 1
        return count

    def encode(self, text: str) -> list[int]:
        """Return exactly ``Preprocessing.width`` ids of a text, truncated and padded."""
        return self.pad(self.truncate(text))

    def pad(self, ids: list[int]) -> list[int]:
        """Return the ids of a text as ``truncate`` returns them, padded to the same width."""
        return ids + [PAD_ID] * (self.preprocessing.width - len(ids))

    def known(self, ids: list[int]) -> float:
        """Return the share of a text's words that are in the vocabulary, 0 to 1; 0.0 for a text without words.

        Args:
            ids: What ``truncate`` returns for the text.
        """
        words = self.count_words(ids) - (ids[0] == START_ID)  # truncated at the front, a text has no start mark
        return (words - ids.count(UNKNOWN_ID)) / words if words else 0.0

    def _find_unspaced(self, text: str) -> list[int] | None:
        """Return the ids of a text's words, if most of them are single characters; see ``edgetext.unspaced``."""
        rules = self.preprocessing.rules
        if self._look_up is None or not isinstance(rules, Words) or check_text(text).isascii():
            return None
        if self._ngrams is not None:  # needs the words, and takes longer than what is saved here
            return None
        if self._unspaced is None:
            from edgetext.unspaced import UnspacedEncoder

            self._unspaced = UnspacedEncoder(rules, self._look_up)
        return self._unspaced.ids(text)

    def _choose_lookup(self, words: list[bytes]) -> Callable[[bytes], int]:
        """Return the function that looks up these words: a search while there were few words, then the table."""
        self._few -= len(words)
        if self._few >= 0:
            return self._words.find
        self._look_up = self._words.table.__getitem__
        return self._look_up
