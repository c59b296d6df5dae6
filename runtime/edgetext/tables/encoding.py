"""The encoding of a file: what its first bytes say, and which may be meant where they are of none."""

from __future__ import annotations

import codecs

from edgetext.errors import InputError

# How files begin in some encodings. UTF-32 comes before UTF-16, whose mark is its beginning.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Encodings to propose, the most likely first: for text that is mostly ASCII, and for other text. Latin-1 reads
# everything, so it is the last.
PROPOSED = (("utf-8", "windows-1252", "latin-1"), ("utf-8", "gb18030", "shift_jis", "windows-1252", "latin-1"))
# A larger share of other bytes than ASCII is not text in the letters of Western Europe.
MOST_ACCENTS = 0.3

# Codecs from text to text, or to source code, that Python counts among the encodings.
NOT_OF_FILES = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}

# So many faults of a kind are no accident: options that would read the records are proposed.
MANY = 3

# The error handler that turns each invalid byte into the lone surrogate of its value above U+DC00, so that the quotes
# and separators around it are still understood. Python's own "surrogateescape" has none for bytes below 0x80.
KEEP_BYTES = "edgetext.keep"


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # this module only decodes
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(KEEP_BYTES, _keep_bytes)


def check_encoding(name: str | None) -> None:
    """Raise InputError if there is no such encoding of text."""
    try:
        found = None if name is None else codecs.lookup(name)
        if found and (found.name in NOT_OF_FILES or not found._is_text_encoding):
            raise InputError(f"--encoding {name}: not an encoding of text")
    except (LookupError, ValueError) as error:
        raise InputError(f"--encoding {name}: {error}") from None


def find_encoding(head: bytes, given: str | None) -> tuple[str, bool]:
    """Return the encoding of a file by its first bytes, and whether it begins with a byte order mark.

    Raises:
        InputError: If it is not the given one.
    """
    marked = next((name for mark, name in MARKS if head.startswith(mark)), None)
    if given is None:
        if marked is None and (other := _find_utf16(head)):
            raise InputError(f"not UTF-8: name the encoding with --encoding, such as {other}")
        return marked or "utf-8", marked is not None
    known = codecs.lookup(given).name
    if marked is not None and not known.startswith(marked):
        raise InputError(f"this is {marked}, not {given}: pass --encoding {marked}")
    if known in ("utf-16", "utf-32") and marked is None and head:
        other = propose_encoding(head, given)
        if known == "utf-32" or not other.startswith("utf-16"):
            raise InputError(f"not {given} (no byte order mark): name another with --encoding, such as {other}")
        return other, False
    return given, marked is not None


def decode(head: bytes, encoding: str, is_whole: bool) -> str:
    """Decode the first part of a file, in whole lines unless it is all there is; invalid bytes are kept.

    Raises:
        InputError: If it cannot be decoded at all.
    """
    try:
        text = codecs.getincrementaldecoder(encoding)(KEEP_BYTES).decode(head, is_whole).removeprefix("\ufeff")
    except UnicodeError as error:
        raise not_readable(encoding, error) from None
    end = max(text.rfind("\n"), text.rfind("\r"))
    return text if is_whole or end < 0 else text[: end + 1]


def not_readable(encoding: str, error: UnicodeError) -> InputError:
    """Return the error for a file that an encoding cannot decode to its end."""
    return InputError(f"not {encoding} ({error}): name another with --encoding")


def _find_utf16(head: bytes) -> str:
    """Return which UTF-16 a file without a mark is in, by its zeros; empty if it is in none."""
    first = head[:1000]
    even, odd = first[::2].count(0), first[1::2].count(0)
    name = "utf-16-le" if odd > even else "utf-16-be"
    if len(first) < 6 or min(even, odd) > 0.02 * len(first):
        return ""
    if max(even, odd) >= (0.4 if len(first) >= 16 else 0.5) * len(first):
        return name
    # Letters of other scripts than Latin have no zeros, but all line ends have.
    ends = first.decode(name, "replace").count("\n")
    return name if ends > 1 and ends == first.count(b"\n") and not min(even, odd) else ""


def is_utf8_by_mistake(head: bytes, encoding: str) -> bool:
    """Return whether a file that is read in an encoding of single bytes is valid UTF-8, and not only ASCII."""
    if head.isascii() or codecs.lookup(encoding).name.startswith("utf"):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeError:
        return False
    return True


def advise_encoding(count: int, head: bytes, used: str) -> list[str]:
    """Return the note for ``count`` records that are not in the encoding in use; none for few, which are damaged."""
    if count < MANY:
        return []
    other = propose_encoding(head, used)
    return [f"{count:,} records are not {show_encoding(used)}: name the encoding, such as --encoding {other}"]


def propose_encoding(head: bytes, used: str) -> str:
    """Return the name of an encoding, another than the one in use, that reads the first part of a file."""
    if other := _find_utf16(head):
        return other
    known = codecs.lookup(used).name
    for name in PROPOSED[sum(byte > 127 for byte in head) > MOST_ACCENTS * len(head)]:
        if codecs.lookup(name).name == known:
            continue
        try:
            codecs.getincrementaldecoder(name)().decode(head)
        except UnicodeError:
            continue
        return name
    return "utf-8"


def show_encoding(encoding: str) -> str:
    """Return the name of an encoding for messages."""
    return "UTF-8" if encoding == "utf-8" else encoding
