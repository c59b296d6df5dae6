"""The forms of input and output: arguments here, lines in ``streams``, JSON lines and CSV in ``structured``.

A form yields its records, and its method ``write`` returns the output for a record and its prediction, line end
included; ``header`` comes before the first record. In place of a record that cannot be read it yields an InputError, so
that the rest of the stream is still scored, and ``unread`` is written.
"""

from __future__ import annotations

import os

from edgetext.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Union

    from edgetext.command.ranking import Ranking
    from edgetext.prediction import Prediction

    RecordOrError = Union["Record", InputError]


class Record:
    """A text of a stream, and the JSON line or CSV row that contained it; None for a plain text."""

    __slots__ = ("line", "source", "text")

    def __init__(self, line: int, text: str, source: str | list[str] | None = None) -> None:
        self.line = line  # from 1; the last of the lines of a CSV record
        self.text = text
        self.source = source


class Arguments:
    """Texts given on the command line; an empty one is taken for a mistake, such as an unset variable.

    The output is JSON, or label, score, the labels of a ranking, engine and text, separated by tabs, or the label only.
    """

    header = ""

    def __init__(
        self,
        texts: Sequence[str],
        as_json: bool = False,
        width: int | None = None,
        ranking: Ranking | None = None,
        *,
        label_only: bool = False,
    ) -> None:
        """Read from arguments; ``width`` is the number of columns to which the text of a line is shortened."""
        self._texts = texts
        self._as_json = as_json
        self._label_only = label_only
        self.unread = "\n" if label_only else ""
        self._width = width
        self._ranking = ranking

    def __iter__(self) -> Iterator[RecordOrError]:
        for number, text in enumerate(self._texts, 1):
            try:
                # What was typed is UTF-8, even if the locale made Python decode it as something else.
                text = os.fsencode(text).decode("utf-8")
            except UnicodeError:
                yield InputError(f"text {number} is not UTF-8")
                continue
            yield Record(number, text) if text.strip() else InputError(f"text {number} is empty")

    def write(self, record: Record, prediction: Prediction) -> str:
        """Return a line of output."""
        if self._as_json:
            return dump({"text": record.text, **fields(prediction, self._ranking)}) + "\n"
        if self._label_only:
            return f"{prediction.label}\n"
        # A terminal would obey control characters, and tabs and line ends would be taken for separators.
        text = record.text
        if not text.isprintable():
            text = text.translate({ord(char): " " for char in set(text) if not char.isprintable()})
        further = self._ranking.cells(prediction, 4) if self._ranking else []
        start = "\t".join([prediction.label, f"{prediction.score:.4f}", *further, prediction.engine, ""])
        if self._width is not None:
            text = text[: max(self._width - len(start.expandtabs()) - 1, 10)]
        return f"{start}{text}\n"


def fields(prediction: Prediction, ranking: Ranking | None) -> dict[str, Any]:
    """Return the JSON fields that a prediction adds, by name."""
    return {**prediction.as_dict(), **(ranking.field(prediction) if ranking else {})}


def dump(value: dict[str, Any]) -> str:
    """Return JSON with non-ASCII letters unescaped, unless that would not be UTF-8 (lone surrogates)."""
    import json  # slow to import, and rarely needed

    content = json.dumps(value, ensure_ascii=False)
    return content if is_utf8(content) else json.dumps(value)


def is_utf8(text: str) -> bool:
    """Return whether a text can be written as UTF-8; one read from other bytes contains lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
