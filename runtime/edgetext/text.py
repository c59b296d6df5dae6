"""The tokenisation: text to words. It is the only one; training, export and benchmarks import it.

A rule set says how. Runs, bundles and model files record its name and its variant, and its rules never change.
``Words`` is here; the one of the published Keras IMDB word index is ``edgetext.keras_imdb``, which only those load who
use it. ``edgetext.encoder.read_rules`` finds a rule set by its name.

``Words`` takes text as people write it, in any script:

1. Replace each code point as ``edgetext.characters`` says. Letters become lower case, one to one; typographic
   apostrophes and full-width characters become ASCII; soft hyphens, joiners, direction marks, variation selectors and
   skin tones are dropped; white space, controls, punctuation, symbols and lone surrogates separate words. Everything
   else is a letter here, digits, combining marks and unassigned code points too.
2. Each emoji is a word, and so is each code point of a script that is written without spaces.
3. An apostrophe between two letters is part of the word; any other one separates words.

In its variant ``marks=True``, exclamation and question marks of all scripts are the words ``!`` and ``?``, and so are
``EMOTICONS`` in the text as it was written; ``:D`` and ``<3`` not before an ASCII letter, digit or underscore.

``edgetext.vocabulary`` maps words to ids, and ``edgetext.encoder`` turns a text into the ids that a model takes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from edgetext.folding import Folding

# No two can overlap, so that the order in which they are searched for does not matter.
EMOTICONS = (":)", ":(", ":D", ";)", "<3")

# keras.datasets.imdb.load_data's start_char=1, oov_char=2, index_from=3, and 0 as pad_sequences' default value.
PAD_ID = 0
START_ID = 1
UNKNOWN_ID = 2
RESERVED = ("<PAD>", "<START>", "<UNKNOWN>", "<UNUSED>")

_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# bytes.split also splits at CR, VT and FF. Where these are parts of words, bytes that UTF-8 never contains stand in.
WITH_STAND_INS, STAND_INS = b"\r\x0b\x0c", b"\xf8\xf9\xfa"
_FROM_STAND_INS = bytes.maketrans(STAND_INS, WITH_STAND_INS)

# ASCII under ``Words``: all but these bytes and capitals becomes a space; and with marks.
_LETTERS = b"'0123456789abcdefghijklmnopqrstuvwxyz"
_OTHERS = bytes(range(128)).translate(None, _UPPER + _LETTERS)
_WORDS = bytes.maketrans(_UPPER + _OTHERS, _UPPER.lower() + b" " * len(_OTHERS))
_MARKED = _WORDS[:0x21] + b"!" + _WORDS[0x22:0x3F] + b"?" + _WORDS[0x40:]
# Texts with more characters are folded in pieces.
LONG_TEXT = 2**17
# The settings of rule sets that a record of the preprocessing may have.
VARIANTS = ("lowercase", "marks")


class RuleSet:
    """How a text becomes words; see the module's docstring.

    Attributes:
        name: Its name in a manifest.
        variant: The settings that are recorded beside the name.
    """

    name = ""

    def __init__(self, variant: dict[str, Any]) -> None:
        self.variant = variant

    def fold(self, text: str) -> bytes:
        """Return a text of which ``bytes.split`` makes the keys of its words; with the errors of ``tokenize``."""
        raise NotImplementedError

    def split(self, text: str) -> list[bytes]:
        """Split a text into the keys of its words, see ``from_key``; with the errors of ``tokenize``."""
        return self.fold(text).split()

    def tokenize(self, text: str) -> list[str]:
        """Split a text into its words, none of them empty.

        Raises:
            TypeError: If ``text`` is not a string.
        """
        words = self.split(text)
        joined = from_key(b" ".join(words)).decode("utf-8", "surrogatepass")
        return joined.split(" ") if words else []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleSet) and (self.name, self.variant) == (other.name, other.variant)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.variant.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(self.variant.values())


class Words(RuleSet):
    """The rules for text as people write it.

    Attributes:
        marks: Whether ``!``, ``?`` and emoticons are words.
    """

    name = "words-1"

    def __init__(self, marks: bool) -> None:
        """Check the setting.

        Raises:
            ValueError: If ``marks`` is neither True nor False.
        """
        if not isinstance(marks, bool):
            raise ValueError(f"marks must be true or false, not {marks!r}")
        super().__init__({"marks": marks})
        self.marks = marks
        self._ascii = _MARKED if marks else _WORDS
        self._table: Folding | None = None

    def fold(self, text: str) -> bytes:
        """Apply the rules; see ``RuleSet``."""
        check_text(text)
        if self.has_emoticon(text):
            from edgetext.folding import fold_between_emoticons

            return fold_between_emoticons(text, self._fold, EMOTICONS)
        return self._fold(text)

    def has_emoticon(self, text: str) -> bool:
        """Return whether a text may have an emoticon that is a word."""
        if self.marks:
            for emoticon in EMOTICONS:
                # Searching for one character takes a twentieth of the time of searching for two.
                if emoticon[0] in text and emoticon[1] in text and emoticon in text:
                    return True
        return False

    def _fold(self, text: str) -> bytes:
        if len(text) > LONG_TEXT:
            from edgetext.folding import fold_in_pieces

            return fold_in_pieces(text, self._fold_characters, drop_apostrophes)
        folded = self._fold_characters(text)
        return drop_apostrophes(folded + b" ") if b"'" in folded else folded

    def _fold_characters(self, text: str) -> bytes:
        if not text.isascii():
            if self._table is None:
                from edgetext.folding import TABLES  # not needed for ASCII

                self._table = TABLES[self.marks]
            text = self._table.fold(text)
        folded = text.encode().translate(self._ascii)
        if self.marks:
            folded = folded.replace(b"!", b" ! ").replace(b"?", b" ? ")
        return folded


def drop_apostrophes(folded: bytes) -> bytes:
    """Replace each apostrophe that has no letter on both sides by a space; ``folded`` ends with a space."""
    place = folded.find(b"'")
    while place >= 0:
        if folded[place - 1] <= 0x27 or folded[place + 1] <= 0x27:  # a space or another apostrophe
            # Most texts do not come here. Of an even number in a row none is left, and of an odd number the last.
            return folded.replace(b"''", b"  ").replace(b"' ", b"  ").replace(b" '", b"  ").lstrip(b"'")
        place = folded.find(b"'", place + 1)
    return folded


def from_key(key: bytes) -> bytes:
    """Return a word as UTF-8 from its key: the same bytes, except for CR, VT and FF, which have stand-ins in keys."""
    return key.translate(_FROM_STAND_INS)


def check_text(text: Any) -> str:
    """Return a text; raise TypeError if it is not a string."""
    if not isinstance(text, str):
        raise TypeError(f"a text is a str, not {type(text).__name__}")
    return text
