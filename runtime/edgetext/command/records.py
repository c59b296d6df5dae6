"""The forms in which texts come in and results go out: here arguments; ``streams`` has lines, ``structured`` fields.

Each form is iterated for its records, and writes a record with what was predicted of it as a line. A record that
cannot be read is handed on as an InputError in its place, so that the rest of the stream goes on.
"""

from __future__ import annotations

import os

from edgetext.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Union

    from edgetext.classifier import Prediction
    from edgetext.command.ranking import Ranking

    RecordOrError = Union["Record", InputError]


class Record:
    """A text of a stream.

    Attributes:
        line: Its line in the stream, from 1; of a CSV record the last of its lines.
        text: The text.
        source: What it came in: a JSON line as it was read, or a CSV row; None for a plain text.
    """

    __slots__ = ("line", "source", "text")

    def __init__(self, line: int, text: str, source: str | list[str] | None = None) -> None:
        """Keep the three values."""
        self.line = line
        self.text = text
        self.source = source


class Arguments:
    """Texts given on the command line; one without words is taken for a mistake, such as an unset variable.

    The output is tab-separated label, score, what a ranking adds, engine and text, or JSON.
    """

    header = ""

    def __init__(
        self,
        texts: Sequence[str],
        as_json: bool = False,
        width: int | None = None,
        ranking: Ranking | None = None,
    ) -> None:
        """Take the texts.

        Args:
            texts: The arguments.
            as_json: Write JSON lines.
            width: Cut the text so that a line stays within so many columns; None leaves it whole.
            ranking: The next labels to write; None for none.
        """
        self._texts = texts
        self._as_json = as_json
        self._width = width
        self._ranking = ranking

    def __iter__(self) -> Iterator[RecordOrError]:
        """Read the texts."""
        for number, text in enumerate(self._texts, 1):
            try:
                # What was typed is UTF-8 even where the locale made Python take its bytes for something else.
                text = os.fsencode(text).decode("utf-8")
            except UnicodeError:
                yield InputError(f"text {number} is not UTF-8")
                continue
            yield Record(number, text) if text.strip() else InputError(f"text {number} is empty")

    def write(self, record: Record, prediction: Prediction) -> str:
        """Give a line of output."""
        if self._as_json:
            return dump({"text": record.text, **fields(prediction, self._ranking)}) + "\n"
        # Control characters would be obeyed by a terminal, and tabs and line ends taken for ours.
        text = record.text
        if not text.isprintable():
            text = text.translate({ord(char): " " for char in set(text) if not char.isprintable()})
        further = self._ranking.cells(prediction, 4) if self._ranking else []
        start = "\t".join([prediction.label, f"{prediction.score:.4f}", *further, prediction.engine, ""])
        if self._width is not None:
            text = text[: max(self._width - len(start.expandtabs()) - 1, 10)]
        return f"{start}{text}\n"


def fields(prediction: Prediction, ranking: Ranking | None) -> dict[str, Any]:
    """Give the fields of JSON that a prediction adds, by name."""
    return {**prediction.as_dict(), **(ranking.field(prediction) if ranking else {})}


def dump(value: dict[str, Any]) -> str:
    """Write JSON with letters as they are, unless that would not be UTF-8 (lone surrogates)."""
    import json  # slow to import, and seldom needed

    content = json.dumps(value, ensure_ascii=False)
    return content if is_utf8(content) else json.dumps(value)


def is_utf8(text: str) -> bool:
    """Tell whether a text can be written; one with bytes that were not UTF-8 holds lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
