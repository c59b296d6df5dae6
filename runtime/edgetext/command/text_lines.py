"""Plain text: one text per line."""

from __future__ import annotations

from edgetext.command.records import Arguments, Record
from edgetext.errors import InputError
from edgetext.tables.encoding import advise_encoding, find_encoding, is_utf8_by_mistake, not_readable
from edgetext.tables.fasttext import is_fasttext, split_line
from edgetext.tables.lines import Lines, read_line
from edgetext.tables.records import Fault
from edgetext.tables.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from edgetext.command.ranking import Ranking
    from edgetext.command.records import RecordOrError


class TextLines(Arguments):
    """One text per line, ended by LF or CR LF; a byte order mark at the start is skipped.

    Of fastText's lines the labels are left out.
    """

    def __init__(
        self,
        stream: BinaryIO,
        as_json: bool = False,
        width: int | None = None,
        ranking: Ranking | None = None,
        *,
        label_only: bool = False,
        encoding: str | None = None,
        live: bool = False,
    ) -> None:
        super().__init__((), as_json, width, ranking, label_only=label_only)
        source = Source(stream, live, lines=1)
        self._stream = source.stream
        self._head = source.head
        self._faults = 0  # lines that are not in the encoding
        self._encoding, _ = find_encoding(source.head, encoding)
        self._with_labels = is_fasttext(source.head)
        self.notes = ["fastText's lines: the labels are left out of the texts"] if self._with_labels else []
        if is_utf8_by_mistake(source.head, self._encoding):
            self.notes.append(f"read as {encoding}, but it is valid UTF-8")

    def __iter__(self) -> Iterator[RecordOrError]:
        lines = Lines(self._stream, self._encoding)
        try:
            while line := read_line(lines, self._encoding):
                if isinstance(line, Fault):
                    self._faults += line.kind == "encoding"
                    yield line
                else:
                    yield Record(lines.number, self._text(line.rstrip("\r\n")))
        except InputError as error:  # the rest cannot be read, as of a damaged gzip file
            yield error
        except UnicodeError as error:
            yield not_readable(self._encoding, error)

    def _text(self, line: str) -> str:
        return split_line(line)[1] if self._with_labels else line

    def advise(self) -> list[str]:
        """Return which encoding may be meant, if many lines are not in the one in use."""
        return advise_encoding(self._faults, self._head, self._encoding)
