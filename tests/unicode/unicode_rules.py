"""The rule set ``words-1`` said again, slowly and without its table: for tests, and for the golden file."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Container, Mapping
from functools import cache

import unicodedataplus as unicode

SCRIPTS = ("Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar")
SHARED = ({"Hani"}, {"Hira"}, {"Kana"}, {"Hira", "Kana"}, {"Hani", "Hira", "Kana"})
APOSTROPHES = "'\u00b4\u02bb\u02bc\u055a\u05f3\u2018\u2019\u201b"
ASCII_WORD = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


@cache
def replacement(char: str, marks: bool) -> str:
    """Return what replaces a code point: "", a space, a letter, or a word with a space on each side."""
    name, category = unicode.name(char, ""), unicode.category(char)
    if char in APOSTROPHES:
        return "'"
    if 0xFF01 <= ord(char) <= 0xFF5E:
        return replacement(chr(ord(char) - 0xFF01 + 0x21), marks)
    if "REGIONAL INDICATOR SYMBOL LETTER" in name or (unicode.is_extended_pictographic(char) and char not in "©®™"):
        return f" {char} "
    if category == "Cf":
        return " " if name == "ZERO WIDTH SPACE" else ""
    if "VARIATION SELECTOR" in name or "EMOJI MODIFIER" in name:
        return ""
    if marks and category == "Po" and ("QUESTION MARK" in name or "INTERROBANG" in name):
        return " ? "
    if marks and category == "Po" and "EXCLAMATION MARK" in name:
        return " ! "
    if category in ("Cc", "Cs", "Zs", "Zl", "Zp", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So"):
        return " "
    if unicode.script(char) in SCRIPTS or set(unicode.script_extensions(char)) in SHARED:
        return f" {char} "
    return lower(char)


def lower(char: str) -> str:
    """Return the lower case of a letter, with the exceptions of the rule set."""
    if char in "\u0130\u0131":
        return "i"
    if char == "\u03c2":
        return "\u03c3"
    if unicodedata.category(char) == "Cn" and unicode.category(char) == "Lu":
        return str(unicode.lookup(unicode.name(char).replace("CAPITAL", "SMALL")))
    return char.lower()


def words_of(text: str, marks: bool) -> list[str]:
    """Split a text into its words, one character at a time."""
    units: list[str] = []  # letters, and words and separators with spaces around them
    place = 0
    while place < len(text):
        emoticon = text[place : place + 2]
        follows = text[place + 2 : place + 3]
        whole = emoticon in (":D", "<3") and (not follows or follows not in ASCII_WORD)
        if marks and (emoticon in (":)", ":(", ";)") or whole):
            units.append(f" {emoticon} ")
            place += 2
        else:
            replaced = replacement(text[place], marks)
            units += [replaced] if replaced else []
            place += 1
    words, word = [], ""
    for place, unit in enumerate(units):
        around = [*units[max(place - 1, 0) : place], *units[place + 1 : place + 2]]
        inside = len(around) == 2 and all(other[0] not in " '" for other in around)
        if unit[0] == " " or (unit == "'" and not inside):
            words += [part for part in (word, unit.strip(" '")) if part]
            word = ""
        else:
            word += unit
    return [*words, word] if word else words


def items_of(text: str, words: list[str], known: Container[str], marks: bool) -> list[str]:
    """Return what character n-grams are taken of: unknown words, then runs of code points that are words alone."""
    alone = [len(word) == 1 and replacement(word, marks).strip() == word != replacement(word, marks) for word in words]
    unknown = [word for word, single in zip(words, alone) if not single and word not in known]
    kept = ""
    for char in text[:65_536]:
        replaced = replacement(char, False)
        kept += replaced.strip() if replaced == "" or replaced == f" {char} " else " "
    return unknown + kept.split()


def ngrams_of(items: list[str], settings: Mapping[str, int], first: int) -> list[int]:
    """Return the ids of the n-grams of items; ``first`` is the number of tokens in the vocabulary."""
    found = []
    for item in items:
        marked = f"<{item}>"
        for begin in range(len(marked)):
            for end in range(begin + settings["shortest"], min(begin + settings["longest"], len(marked)) + 1):
                found.append(first + zlib.crc32(marked[begin:end].encode()) % settings["buckets"])
    return found[: settings["most"]]
