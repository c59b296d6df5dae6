"""The rule set ``keras-imdb``, which reproduces the published Keras IMDB word index.

1. Lower-case the ASCII letters A to Z; every other character stays as it is.
2. Replace each character of ``FILTERS``, tab and newline by a space. The apostrophe is not among them.
3. Split at the space character only (U+0020, not other white space) and drop empty strings.

Its variant ``lowercase="unicode"`` replaces rule 1 by ``str.lower()`` on the whole text: Unicode's full mapping, the
same in every locale. A capital I with dot becomes ``i`` and a combining dot, two characters, and ``I`` becomes ``i``
in Turkish too; a capital sharp s becomes the small one, not ``ss``; a capital sigma becomes the final one at the end of
its word, where Unicode looks past full stops, colons and apostrophes. Letters that are newer than the Unicode version
of the Python in use stay as they are.
"""

from __future__ import annotations

from edgetext.text import STAND_INS, WITH_STAND_INS, RuleSet, check_text

# The values of ``KerasIMDB.lowercase``; the first is the default.
LOWERCASES = ("ascii", "unicode")

# keras.preprocessing.text.Tokenizer's default filters, with which the published IMDB index was made.
FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FOLD = bytes.maketrans(FILTERS.encode() + _UPPER + WITH_STAND_INS, b" " * len(FILTERS) + _UPPER.lower() + STAND_INS)


class KerasIMDB(RuleSet):
    """The rules of the published Keras IMDB word index; lone surrogates are kept as they are.

    Attributes:
        lowercase: What is lower-cased: ``"ascii"``, A to Z only, or ``"unicode"``, all letters.
    """

    name = "keras-imdb"

    def __init__(self, lowercase: str = "ascii") -> None:
        """Check the setting.

        Raises:
            ValueError: If ``lowercase`` is not one of ``LOWERCASES``.
        """
        if lowercase not in LOWERCASES:
            raise ValueError(f"lowercase must be 'ascii' or 'unicode', not {lowercase!r}")
        super().__init__({} if lowercase == "ascii" else {"lowercase": lowercase})
        self.lowercase = lowercase

    def fold(self, text: str) -> bytes:
        """Apply rules 1 and 2; see ``RuleSet``."""
        check_text(text)
        if self.lowercase != "ascii":
            text = text.lower()
        # On bytes, because str.translate looks up each character in a dict from the first non-ASCII one on, and because
        # str.split(" ") leaves empty words to filter out.
        return text.encode("utf-8", "surrogatepass").translate(_FOLD)


KERAS_IMDB = KerasIMDB()
