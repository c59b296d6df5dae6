"""The forms in which texts come in and results go out: here arguments and lines; ``structured`` has those with fields.

Each form is iterated for its records, and writes a record with what was predicted of it as a line. A record that
cannot be read is handed on as an InputError in its place, so that the rest of the stream goes on.
"""

from __future__ import annotations

import os

from edgetext.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, Union

    from edgetext.classifier import Prediction
    from edgetext.ranking import Ranking

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


class Lines:
    """A text a line, UTF-8, ended by LF or CR LF; a byte order mark at the start is skipped.

    The output is tab-separated label, score, what a ranking adds, engine and text, or JSON.
    """

    header = ""

    def __init__(
        self,
        stream: Iterable[bytes],
        as_json: bool = False,
        width: int | None = None,
        ranking: Ranking | None = None,
    ) -> None:
        """Take a stream.

        Args:
            stream: The lines.
            as_json: Write JSON lines.
            width: Cut the text so that a line stays within so many columns; None leaves it whole.
            ranking: The next labels to write; None for none.
        """
        self._stream = stream
        self._as_json = as_json
        self._width = width
        self._ranking = ranking

    def __iter__(self) -> Iterator[RecordOrError]:
        """Read the lines."""
        for number, line in enumerate(self._stream, 1):
            try:
                yield Record(number, decode(line, number).rstrip("\r\n"))
            except InputError as error:
                yield error

    def write(self, record: Record, prediction: Prediction) -> str:
        """Give a line of output."""
        if self._as_json:
            return dump({"text": record.text, **fields(prediction, self._ranking)}) + "\n"
        # Control characters would be obeyed by a terminal, and tabs and line ends taken for ours.
        text = "".join(char if char.isprintable() else " " for char in record.text)
        further = self._ranking.cells(prediction, 4) if self._ranking else []
        start = "\t".join([prediction.label, f"{prediction.score:.4f}", *further, prediction.engine, ""])
        if self._width is not None:
            text = text[: max(self._width - len(start.expandtabs()) - 1, 10)]
        return f"{start}{text}\n"


class Arguments(Lines):
    """Texts given on the command line; one without words is taken for a mistake, such as an unset variable."""

    def __init__(
        self,
        texts: Sequence[str],
        as_json: bool = False,
        width: int | None = None,
        ranking: Ranking | None = None,
    ) -> None:
        """Take the texts; the other arguments are those of Lines."""
        super().__init__((), as_json, width, ranking)
        self._texts = texts

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


def decode(line: bytes, number: int) -> str:
    """Decode a line of input; InputError if it is not UTF-8."""
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise InputError(f"line {number}: not UTF-8 (byte 0x{byte:02x} at {error.start + 1})") from None
