"""Write the table of code points of the rule set ``words-1``, for ``edgetext.folding`` and for the C library.

    python -m train.encoding.make_characters

All properties are those of Unicode 16.0.0, from the package unicodedataplus, which the extra ``dev`` installs. If the
table changes, the rule set needs another version.
"""

from __future__ import annotations

import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import unicodedataplus as unicode

UNICODE_VERSION = "16.0.0"
_RUNTIME = Path(__file__).resolve().parents[2] / "runtime"
TARGET, C_TARGET = _RUNTIME / "edgetext" / "characters.py", _RUNTIME / "c" / "edgetext.c"

# Apostrophes as they are typed, besides the full-width one: acute accent, modifier letters (turned comma, apostrophe),
# Armenian apostrophe, Hebrew geresh, and the single quotation marks that are not low.
APOSTROPHES = "\u00b4\u02bb\u02bc\u055a\u05f3\u2018\u2019\u201b"
# Scripts written without spaces, and their abbreviations. Code points of these, or that only these share, are words.
UNSPACED = {
    **{"Han": "Hani", "Hiragana": "Hira", "Katakana": "Kana"},
    **{"Khmer": "Khmr", "Lao": "Laoo", "Myanmar": "Mymr", "Thai": "Thai"},
}
NOT_EMOJI = "\u00a9\u00ae\u2122"  # pictographs that ordinary text contains as symbols
REGIONAL_INDICATORS, SKIN_TONES = range(0x1F1E6, 0x1F200), range(0x1F3FB, 0x1F400)
ZERO_WIDTH_SPACE = "\u200b"
# Letters whose lower case is not Python's: capital I with dot, small i without dot, final sigma.
LOWER = {"\u0130": "i", "\u0131": "i", "\u03c2": "\u03c3"}

LETTER, SEPARATOR, NOTHING, WORD, EXCLAMATION, QUESTION, TO_ODD, TO_EVEN, SHIFT = range(9)
TEMPLATE = '''"""What the rule set ``words-1`` makes of each code point; ``edgetext.folding`` reads it.

Made by ``python -m train.encoding.make_characters`` from Unicode {version}; do not edit.
"""

UNICODE_VERSION = "{version}"

# fmt: off
# What becomes of a code point: it stays, separates words, is dropped, is a word, is an exclamation or a question mark,
# becomes the odd one of an even and an odd code point, or the even one of an odd and an even one. For numbers from
# SHIFT on, DISTANCES[number - SHIFT] is added to it.
LETTER, SEPARATOR, NOTHING, WORD, EXCLAMATION, QUESTION, TO_ODD, TO_EVEN, SHIFT = range(9)

# The first code point of each run, in rising order; a run ends where the next one begins.
STARTS = (
{starts}
)

# What becomes of the code points of each run.
ACTIONS = (
{actions}
)

DISTANCES = (
{distances}
)
'''
# In C, what stands between these lines.
C_BEGIN, C_END = "/* begin characters */\n", "/* end characters */\n"
C_TEMPLATE = """\
/* What the rule set words-1 makes of each code point, from Unicode {version}: made by
 * `python -m train.encoding.make_characters`, see runtime/edgetext/characters.py. */
/* clang-format off */
enum {{ LETTER, SEPARATOR, NOTHING, WORD, EXCLAMATION, QUESTION, TO_ODD, TO_EVEN, SHIFT }};
static const uint16_t STARTS[] = {{ /* the lower 16 bits of the first code point of each run */
{starts}
}};
static const uint16_t PLANES[] = {{ /* the first run of each plane of 65,536 code points */
{planes}
}};
static const uint8_t ACTIONS[] = {{ /* what becomes of the code points of each run */
{actions}
}};
static const int32_t DISTANCES[] = {{
{distances}
}};
/* clang-format on */
"""


def main() -> int:
    """Write the table."""
    for target, content in make_sources().items():
        target.write_text(content, encoding="utf-8")
        print(f"wrote {target}")
    return 0


def make_sources() -> dict[Path, str]:
    """Return the content of each file that has the table.

    Raises:
        RuntimeError: If unicodedataplus has another version of Unicode.
    """
    if unicode.unidata_version != UNICODE_VERSION:
        raise RuntimeError(
            f"the table is made from Unicode {UNICODE_VERSION}, not {unicode.unidata_version}: "
            'pip install "unicodedataplus==16.0.*"'
        )
    actions = [find_action(chr(code)) for code in range(sys.maxunicode + 1)]
    for code, action in enumerate(actions):
        if action == (SHIFT, 1) and actions[code + 1] == (LETTER, 0):
            # Capitals that alternate with their small letters are one run.
            actions[code] = actions[code + 1] = (TO_EVEN if code % 2 else TO_ODD, 0)
    runs = [(next(codes), action) for action, codes in groupby(range(len(actions)), actions.__getitem__)]
    distances = sorted({distance for _, (kind, distance) in runs if kind == SHIFT})
    starts = [start for start, _ in runs]
    tables = {
        "version": UNICODE_VERSION,
        "actions": _format([kind + (distances.index(distance) if distance else 0) for _, (kind, distance) in runs]),
        "distances": _format(distances),
    }
    c_tables = C_TEMPLATE.format(
        starts=_format([start & 0xFFFF for start in starts]),
        planes=_format([bisect_left(starts, plane << 16) for plane in range(18)]),
        **tables,
    )
    before, _, rest = C_TARGET.read_text("utf-8").partition(C_BEGIN)
    return {
        TARGET: TEMPLATE.format(starts=_format(starts), **tables),
        C_TARGET: before + C_BEGIN + c_tables + C_END + rest.partition(C_END)[2],
    }


def find_action(char: str) -> tuple[int, int]:
    """Return what becomes of a code point, and the distance for ``SHIFT``, otherwise 0."""
    code, category, name = ord(char), unicode.category(char), unicode.name(char, "")
    if char in APOSTROPHES:
        return _shift(char, "'")
    if "\uff01" <= char <= "\uff5e":  # full-width ASCII
        narrow = chr(code - 0xFEE0)
        action = find_action(narrow)
        return _shift(char, narrow.lower()) if action[0] in (LETTER, SHIFT) else action
    if (unicode.is_extended_pictographic(char) and char not in NOT_EMOJI) or code in REGIONAL_INDICATORS:
        return WORD, 0
    if (category == "Cf" and char != ZERO_WIDTH_SPACE) or "VARIATION SELECTOR" in name or code in SKIN_TONES:
        return NOTHING, 0
    if category[0] in "ZSP" or category in ("Cc", "Cf", "Cs"):
        return (LETTER if char == "'" else _find_mark(name) if category[0] == "P" else SEPARATOR), 0
    if unicode.script(char) in UNSPACED or set(unicode.script_extensions(char)) <= {*UNSPACED.values()}:
        return WORD, 0
    return _shift(char, _lower(char, name) if category in ("Lu", "Lt", "Ll", "Nl") else char)


def _lower(char: str, name: str) -> str:
    """Return the lower case of a letter, one character."""
    if char in LOWER:
        return LOWER[char]
    if unicodedata.category(char) == "Cn" and "CAPITAL LETTER" in name:  # a letter that is newer than this Python
        return str(unicode.lookup(name.replace("CAPITAL", "SMALL")))
    return char.lower()


def _shift(char: str, target: str) -> tuple[int, int]:
    distance = ord(target) - ord(char)
    return (SHIFT, distance) if distance else (LETTER, 0)


def _find_mark(name: str) -> int:
    """Return what becomes of punctuation with this name."""
    if "QUESTION MARK" in name or "INTERROBANG" in name:
        return QUESTION
    return EXCLAMATION if "EXCLAMATION MARK" in name else SEPARATOR


def _format(numbers: Sequence[int]) -> str:
    """Return numbers as the lines of a tuple."""
    lines = [""]
    for number in numbers:
        if len(lines[-1]) + len(str(number)) > 114:
            lines.append("")
        lines[-1] += f" {number}," if lines[-1] else f"    {number},"
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
