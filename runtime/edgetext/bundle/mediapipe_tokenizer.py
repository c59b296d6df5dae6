"""Text to ids for a ``.tflite`` file of another tool's, as its own metadata says: not the tokenisation of our models.

It does what MediaPipe's TextClassifier does with the same file, so that both give the same answer: it splits at a
regular expression, in RE2's sense, keeps the case of the words, puts ``<START>`` first where the vocabulary has it, and
keeps the first ids of a long text.
"""

from __future__ import annotations

import re

from edgetext.text import Encoder, Preprocessing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_PADDING, _START, _UNKNOWN = "<PAD>", "<START>", "<UNKNOWN>"
# One class of characters, or one escape, once or more often: what MediaPipe's own tools write, and all that is safe to
# hand on to another engine of regular expressions, where some take exponential time.
_SHAPE = re.compile(r"(?:\[(?P<negated>\^?)(?P<items>.+)\]|(?P<escape>\\.))\+?", re.DOTALL)
# An item of a class: an escape or a character.
_ITEM = re.compile(r"\\.|[^\\\[\]]", re.DOTALL)
# What an escape stands for in a class of Python's, where that and RE2's differ, or need care: RE2's \s has no \v.
_CLASSES = {"\\w": r"\w", "\\W": r"\W", "\\d": r"\d", "\\D": r"\D", "\\s": r"\t\n\f\r "}


def compile_delimiter(pattern: str) -> re.Pattern[str]:
    """Translate what separates words from RE2's language into Python's.

    Raises:
        ValueError: It is not of the form that is read.
    """
    shape = _SHAPE.fullmatch(pattern)
    content = (shape["items"] or shape["escape"]) if shape else ""
    items = _ITEM.findall(content)
    translated = "".join(_translate(items)) if "".join(items) == content else ""
    if not shape or not translated:
        raise ValueError(
            f"its words are separated by {pattern!r}; read are one class of characters, such as [^\\w']+, or one escape"
        )
    try:
        return re.compile(f"[{shape['negated'] or ''}{translated}]+", re.ASCII)
    except re.error as error:
        raise ValueError(f"its words are separated by {pattern!r}: {error}") from None


def _translate(items: list[str]) -> list[str]:
    """Translate the items of a class; nothing if one is not known to mean the same to both."""
    found = []
    position = 0
    while position < len(items):
        item = items[position]
        if item in _CLASSES:
            found.append(_CLASSES[item])
        elif items[position + 1 : position + 2] == ["-"] and position + 2 < len(items):
            ends = _literal(item), _literal(items[position + 2])
            if None in ends:
                return []
            found.append("-".join(map(str, ends)))
            position += 2
        else:
            literal = _literal(item)
            if literal is None:
                return []
            found.append(literal)
        position += 1
    return found


def _literal(item: str) -> str | None:
    """Write one character for a class of Python's; None for an escape that is not known to be one."""
    if len(item) == 1:
        return item if item.isalnum() or ord(item) > 127 else f"\\{item}"
    if item[1] in "tnrfv":
        return item
    return None if item[1].isalnum() or ord(item[1]) > 127 else item


class _Words:
    """The words of such a file; unlike a ``Vocabulary`` it may give several words one id."""

    def __init__(self, lines: Sequence[tuple[str, int]]) -> None:
        self.table = dict(lines)  # the last of a repeated word, as MediaPipe takes it

    def __len__(self) -> int:
        """Count the words."""
        return len(self.table)


class RegexEncoder(Encoder):
    """Text to ids, by a delimiter and a vocabulary."""

    __slots__ = ("_delimiter", "_pad", "_start", "_table", "_unknown", "note", "tokenizer")

    def __init__(self, pattern: str, lines: Sequence[tuple[str, int]], max_length: int) -> None:
        """Take what the metadata says.

        Args:
            pattern: What separates words, in RE2's language.
            lines: Words and their ids.
            max_length: Ids in a row.

        Raises:
            ValueError: The pattern is not of the form that is read, or the vocabulary lacks ``<PAD>`` or ``<UNKNOWN>``.
        """
        words = _Words(lines)
        # Of the vocabulary, what is looked up here aside, only its length is asked.
        super().__init__(words, Preprocessing(max_length, "post"))  # type: ignore[arg-type]
        self._delimiter = compile_delimiter(pattern)
        self._table = words.table
        for token in (_PADDING, _UNKNOWN):
            if token not in self._table:
                raise ValueError(f"its vocabulary has no {token}")
        self._pad, self._unknown = self._table[_PADDING], self._table[_UNKNOWN]
        self._start = [self._table[_START]] if _START in self._table else []
        self.note = None
        if not any(word != word.lower() for word in self._table if not word.startswith("<")):
            # MediaPipe's Model Maker trains on texts in lower case, and its file does not say so.
            self.note = (
                "the model knows words in lower case only and its file does not say to lower-case, so capitals are "
                "kept, as MediaPipe keeps them: give texts in lower case"
            )
        self.tokenizer = {
            "tokenizer": "regex",
            "delimiter": pattern,
            "lower_case": False,
            "max_length": max_length,
            "truncating": "post",
        }

    @property
    def vocabulary(self) -> Any:
        """The words, of which only the number is needed."""
        return self._words

    def ids(self, text: str) -> list[int]:
        """Give a text's ids, neither cut nor padded; see ``Encoder``."""
        if not isinstance(text, str):
            raise TypeError(f"a text is a str, not {type(text).__name__}")
        find, unknown = self._table.get, self._unknown
        return [*self._start, *(find(word, unknown) for word in self._delimiter.split(text) if word)]

    def cut(self, text: str) -> list[int]:
        """Give a text's ids, cut and not padded; see ``Encoder``."""
        return self.ids(text)[: self.preprocessing.max_length]

    def encode(self, text: str) -> list[int]:
        """Give a text's row of exactly ``max_length`` ids; see ``Encoder``."""
        row = self.cut(text)
        return row + [self._pad] * (self.preprocessing.max_length - len(row))
