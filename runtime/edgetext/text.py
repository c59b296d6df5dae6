"""The tokenisation: text to words. It is the only one; training, export and benchmarks import it.

The rules reproduce the published Keras IMDB word index:

1. Lower-case the ASCII letters A to Z; every other character stays as it is.
2. Replace each character of ``FILTERS``, tab and newline by a space. The apostrophe is not among them.
3. Split at the space character only (U+0020, not other white space) and drop empty strings.

The variant ``lowercase="unicode"`` replaces rule 1 by ``str.lower()`` on the whole text: Unicode's full mapping, the
same in every locale. A capital I with dot becomes ``i`` and a combining dot, two characters, and ``I`` becomes ``i``
in Turkish too; a capital sharp s becomes the small one, not ``ss``; a capital sigma becomes the final one at the end of
its word, where Unicode looks past full stops, colons and apostrophes. Letters that are newer than the Unicode version
of the Python in use stay as they are.

``edgetext.vocabulary`` maps words to ids, and ``edgetext.encoder`` turns a text into the ids that a model takes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The name of these rules in a manifest.
TOKENIZER = "keras-imdb"

# The values of ``lowercase``; the first is the default.
LOWERCASES = ("ascii", "unicode")

# keras.preprocessing.text.Tokenizer's default filters, with which the published IMDB index was made.
FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

# keras.datasets.imdb.load_data's start_char=1, oov_char=2, index_from=3, and 0 as pad_sequences' default value.
PAD_ID = 0
START_ID = 1
UNKNOWN_ID = 2
RESERVED = ("<PAD>", "<START>", "<UNKNOWN>", "<UNUSED>")

_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# bytes.split also splits at these three, which are parts of words: bytes that UTF-8 never contains stand in for them.
_KEPT, _STAND_INS = b"\r\x0b\x0c", b"\xf8\xf9\xfa"
_FOLD = bytes.maketrans(FILTERS.encode() + _UPPER + _KEPT, b" " * len(FILTERS) + _UPPER.lower() + _STAND_INS)
_UNFOLD = bytes.maketrans(_STAND_INS, _KEPT)


def tokenize(text: str, lowercase: str = "ascii") -> list[str]:
    """Split a text into its words, none of them empty; lone surrogates are kept as they are.

    Raises:
        TypeError: If ``text`` is not a string.
        ValueError: If ``lowercase`` is unknown.
    """
    words = split(text, lowercase)
    joined = from_key(b" ".join(words)).decode("utf-8", "surrogatepass")
    return joined.split(" ") if words else []


def split(text: str, lowercase: str = "ascii") -> list[bytes]:
    """Split a text into the keys of its words, see ``from_key``; with the errors of ``tokenize``."""
    return fold(text, lowercase).split()


def fold(text: str, lowercase: str = "ascii") -> bytes:
    """Apply rules 1 and 2, so that ``bytes.split`` returns the keys of the words; with the errors of ``tokenize``."""
    check_text(text)
    if lowercase != "ascii":
        check_lowercase(lowercase)
        text = text.lower()
    # On bytes, because str.translate looks up each character in a dict from the first non-ASCII one on, and because
    # str.split(" ") leaves empty words to filter out.
    return text.encode("utf-8", "surrogatepass").translate(_FOLD)


def from_key(key: bytes) -> bytes:
    """Return a word as UTF-8 from its key: the same bytes, except for CR, VT and FF, which have stand-ins in keys."""
    return key.translate(_UNFOLD)


def check_text(text: Any) -> str:
    """Return a text; raise TypeError if it is not a string."""
    if not isinstance(text, str):
        raise TypeError(f"a text is a str, not {type(text).__name__}")
    return text


def check_lowercase(lowercase: Any) -> None:
    """Raise ValueError if ``lowercase`` is not one of ``LOWERCASES``."""
    if lowercase not in LOWERCASES:
        raise ValueError(f"lowercase must be 'ascii' or 'unicode', not {lowercase!r}")
