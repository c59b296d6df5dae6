"""Plain text: one text per line."""

from __future__ import annotations

import re

from edgetext.command import Arguments, Record
from edgetext.errors import InputError
from edgetext.tables.dialect import CSV, ENDINGS, TSV, ending
from edgetext.tables.encoding import advise_encoding, decode, find_encoding, is_utf8_by_mistake, not_readable
from edgetext.tables.fasttext import is_fasttext, split_line
from edgetext.tables.lines import Lines, read_line
from edgetext.tables.records import Fault
from edgetext.tables.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from edgetext.command import RecordOrError
    from edgetext.command.ranking import Ranking


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
        self._zeros = 0  # lines with NUL
        self._is_one_with_cr = False  # whether a single line has CR in it
        self._encoding, _ = find_encoding(source.head, encoding)
        self._with_labels = is_fasttext(source.head, encoding)
        self.notes = ["fastText's lines: the labels are left out of the texts"] if self._with_labels else []
        if is_utf8_by_mistake(source.head, self._encoding):
            self.notes.append(f"read as {encoding}, but it is valid UTF-8")
        if option := _find_table(str(getattr(stream, "name", "")), decode(source.head[:1000], self._encoding, True)):
            self.notes.append(f"each line is scored as it is: {option} would read a table")

    def __iter__(self) -> Iterator[RecordOrError]:
        lines = Lines(self._stream, self._encoding)
        try:
            while line := read_line(lines, self._encoding):
                if isinstance(line, Fault):
                    self._faults += line.kind == "encoding"
                    yield line
                else:
                    text = line.rstrip("\r\n")
                    self._zeros += "\0" in text
                    self._is_one_with_cr = lines.number == 1 and "\r" in text
                    yield Record(lines.number, self._text(text))
        except InputError as error:  # the rest cannot be read, as of a damaged gzip file
            yield error
        except UnicodeError as error:
            yield not_readable(self._encoding, error)

    def _text(self, line: str) -> str:
        return split_line(line)[1] if self._with_labels else line

    def advise(self) -> list[str]:
        """Return what may have been meant, if lines look as if they were read wrongly."""
        notes = advise_encoding(self._faults, self._head, self._encoding)
        if self._zeros:
            subject = "1 line has" if self._zeros == 1 else f"{self._zeros:,} lines have"
            notes.append(f"{subject} NUL characters: if this is UTF-16, name it with --encoding utf-16-le")
        if self._is_one_with_cr:
            notes.append("read as one line, with carriage returns in it: if these end lines, use tr '\\r' '\\n'")
        return notes


def _find_table(name: str, text: str) -> str:
    """Return the option that reads a file as the table that it seems to be; empty if it seems to be none."""
    if re.match(r'\s*(?:\[\s*)?\{\s*"(?:[^"\\]|\\.)*"\s*:', text):
        return "--jsonl FIELD"
    found = ENDINGS.get(ending(name))
    return f"--{found} COLUMN" if found in (CSV, TSV) else ""
