"""Encoding for a ``.tflite`` file of another tool, as its own metadata says; not the tokenisation of edgetext's models.

It does what MediaPipe's TextClassifier does with the same file, so that both give the same answer: it splits at a
regular expression in RE2's syntax, keeps the case of the words, begins with ``<START>`` if the vocabulary has it, and
keeps the first ids of a long text.
"""

from __future__ import annotations

import re

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import check_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_PADDING, _START, _UNKNOWN = "<PAD>", "<START>", "<UNKNOWN>"
# One character class or one escape, repeated or not: what MediaPipe's own tools write. Any other expression is refused,
# because some take exponential time in Python's engine.
_SHAPE = re.compile(r"(?:\[(?P<negated>\^?)(?P<items>.+)\]|(?P<escape>\\.))\+?", re.DOTALL)
# An item of a class: an escape or a character.
_ITEM = re.compile(r"\\.|[^\\\[\]]", re.DOTALL)
# Escapes as they are written in a class of Python's. RE2's \s does not include \v.
_CLASSES = {"\\w": r"\w", "\\W": r"\W", "\\d": r"\d", "\\D": r"\D", "\\s": r"\t\n\f\r "}


def compile_delimiter(pattern: str) -> re.Pattern[str]:
    """Compile an expression that separates words, in RE2's syntax; raise ValueError if its form is not supported."""
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
    """Translate the items of a class; return an empty list if one may mean something else in RE2 than in Python."""
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
    """Return one character as written in a class of Python's; None for an escape that may not stand for one."""
    if len(item) == 1:
        return item if item.isalnum() or ord(item) > 127 else f"\\{item}"
    if item[1] in "tnrfv":
        return item
    return None if item[1].isalnum() or ord(item[1]) > 127 else item


class RegexEncoder(Encoder):
    """Encodes texts by a delimiter and a vocabulary."""

    def __init__(self, pattern: str, lines: Sequence[tuple[str, int]], max_length: int) -> None:
        """Use the expression that separates words, in RE2's syntax, and words with their ids.

        Raises:
            ValueError: If the pattern is not supported, or the vocabulary lacks ``<PAD>`` or ``<UNKNOWN>``.
        """
        # Of a repeated word the last, as in MediaPipe; unlike in a Vocabulary, several words may have the same id.
        self._table = dict(lines)
        # Only the length of this vocabulary is used outside this class.
        super().__init__(self._table, Preprocessing(max_length, "post", KERAS_IMDB))  # type: ignore[arg-type]
        self._pattern = pattern
        self._delimiter = compile_delimiter(pattern)
        if missing := [token for token in (_PADDING, _UNKNOWN) if token not in self._table]:
            raise ValueError(f"its vocabulary has no {missing[0]}")
        self._pad, self._unknown = self._table[_PADDING], self._table[_UNKNOWN]
        self._start = [self._table[_START]] if _START in self._table else []
        self.note = None
        if not any(word != word.lower() for word in self._table if not word.startswith("<")):
            # MediaPipe's Model Maker trains on lower-case texts, but its files do not say so.
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

    def __reduce__(self) -> tuple[Any, ...]:
        from edgetext.copying import rebuild_with

        return rebuild_with(type(self), self._pattern, tuple(self._table.items()), self.preprocessing.max_length)

    @property
    def vocabulary(self) -> Any:
        """The words, of which only the number is used."""
        return self._words

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text, neither truncated nor padded; see ``Encoder``."""
        find, unknown = self._table.get, self._unknown
        return [*self._start, *(find(word, unknown) for word in self._delimiter.split(check_text(text)) if word)]

    def truncate(self, text: str) -> list[int]:
        """Return the ids of a text, truncated and not padded; see ``Encoder``."""
        return self.ids(text)[: self.preprocessing.max_length]

    def pad(self, ids: list[int]) -> list[int]:
        """Return the ids of a text, padded; see ``Encoder``."""
        return ids + [self._pad] * (self.preprocessing.max_length - len(ids))

    def known(self, ids: list[int]) -> float:
        """Return the share of a text's words that are in the vocabulary; see ``Encoder``."""
        words = ids[len(self._start) :]
        return (len(words) - words.count(self._unknown)) / len(words) if words else 0.0
