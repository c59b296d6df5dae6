"""One reader of tables, for training, benchmarks and scoring."""

from __future__ import annotations

import io

from edgetext.tables.delimited import Rows
from edgetext.tables.detection import detect
from edgetext.tables.dialect import ARRAY, CSV, FASTTEXT, TSV, Dialect
from edgetext.tables.encoding import advise_encoding, not_readable, propose_encoding, show_encoding
from edgetext.tables.fasttext import NAMES, read_fasttext
from edgetext.tables.objects import read_json_array, read_json_lines
from edgetext.tables.proposals import has_mark, propose_delimiter, propose_quoting
from edgetext.tables.records import Fault, Record
from edgetext.tables.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import BinaryIO

    from edgetext.errors import InputError
    from edgetext.tables.delimited import Fields, FieldsOrFault
    from edgetext.tables.detection import Found
    from edgetext.tables.records import RecordOrFault


class TableReader:
    """A table, read record by record; memory does not depend on its length.

    Attributes:
        dialect: How it is written.
        notes: What of that was detected, unless it is the usual.
        names: The names of the columns, without white space around them; numbers from 1 if there is no header, and
            empty for JSON, whose objects have their own.
        header: The header as it was read; empty if there is none.
        has_bom: Whether it begins with a byte order mark.
        separator_line: Excel's first line, such as ``sep=;``; empty if there is none.
        line_end: The end of its first line, LF or CR LF.
    """

    def __init__(
        self,
        stream: BinaryIO,
        given: Dialect,
        *,
        columns: Collection[str] = (),
        is_labelled: bool = False,
        live: bool = False,
        replay: bool = False,
    ) -> None:
        """Detect what ``given`` leaves open, and read the header.

        Args:
            stream: The bytes, compressed or not.
            given: What is known of the dialect, at least the format.
            columns: Columns that the table must have.
            is_labelled: Whether it must have two columns.
            live: Whether to detect from what arrives first, because answers are expected meanwhile.
            replay: Whether to continue behind a record whose quotation marks are wrong on the line after its first.

        Raises:
            InputError: If the table cannot be read.
        """
        given.check()
        is_delimited = given.format in (CSV, TSV)
        source = Source(stream, live, 2 if is_delimited and given.header is not False else 1)
        self._head, self._is_whole = source.head, source.is_whole
        found = detect(source.head, given, source.is_whole, columns, is_labelled, live)
        if is_delimited and given.quote is None and not live:
            found = self._look_later(source, found)
        self.dialect, self.notes = found.dialect, found.notes
        self.has_bom, self.separator_line, self.line_end = found.has_bom, found.separator_line, found.line_end
        self.names: list[str] = []
        self.header: list[str] = []
        if is_delimited:
            self._records = self._read_rows(source.stream, replay)
        else:
            readers = {ARRAY: read_json_array, FASTTEXT: read_fasttext}
            self.names = NAMES if given.format == FASTTEXT else []
            self._records = readers.get(self.dialect.format or "", read_json_lines)(source.stream, self.encoding)

    def _look_later(self, source: Source, found: Found) -> Found:
        """Decide again about the quotation marks of TSV if the first of them comes late."""
        if found.dialect.quote or has_mark(found.text, "\t", '"') or not (later := source.sample_later(b'[\t\r\n]"')):
            return found
        self._head = later
        more = detect(later, found.dialect._replace(quote=None), False)
        return found._replace(dialect=more.dialect, notes=tuple(dict.fromkeys((*found.notes, *more.notes))))

    @property
    def encoding(self) -> str:
        """The encoding of the dialect."""
        return self.dialect.encoding or "utf-8"

    def __iter__(self) -> Iterator[RecordOrFault]:
        """Yield the records, or in the place of one that cannot be read its fault; blank lines are skipped.

        Raises:
            InputError: If the rest cannot be read: a compressed file is damaged, or the encoding allows no repair.
        """
        try:
            yield from self._records
        except UnicodeError as error:
            raise not_readable(self.encoding, error) from None

    def propose_encoding(self) -> str:
        """Return an encoding, another than the one in use, that may read the table."""
        return propose_encoding(self._head, self.encoding)

    def advise_encoding(self, count: int) -> list[str]:
        """Return the note for ``count`` records that are not in the encoding in use; none for few."""
        return advise_encoding(count, self._head, self.encoding)

    def propose_quoting(self) -> str:
        """Return the options that read rows whose quotation marks or columns are wrong; empty if none do."""
        if self.dialect.format not in (CSV, TSV):
            return ""
        return propose_quoting(self.first_part(), self.dialect, self._is_whole)

    def propose_delimiter(self, least: int) -> str:
        """Return the option with a separator that gives the first row ``least`` columns or more; empty if none does."""
        return propose_delimiter(self.first_part(), self.dialect, least)

    def first_part(self) -> str:
        """Return the first part of the table, in whole lines unless it is all there is."""
        return detect(self._head, self.dialect, self._is_whole).text

    def preview(self) -> Iterator[RecordOrFault]:
        """Return the records of the first part, the last of which may be cut; they are yielded again later."""
        return iter(TableReader(io.BytesIO(self._head), self.dialect))

    def _read_rows(self, stream: BinaryIO, replay: bool) -> Iterator[RecordOrFault]:
        """Read the header and return the records that follow."""
        reader = Rows(stream, self.dialect, replay)
        if self.separator_line:
            reader.skip_line()
        rows = iter(reader)
        first = next(rows, None)
        if isinstance(first, Fault):
            raise self._refuse_header(first)
        if first is None:
            return iter(())
        fields = first[2]
        if any("\0" in field for field in fields):
            raise self._refuse_header(Fault("encoding", 1, f"line 1: not {show_encoding(self.encoding)}"))
        if self.dialect.header:
            self.header, self.names = fields, [field.strip() for field in fields]
            return self._check_rows(rows)
        self.names = [str(number) for number in range(1, len(fields) + 1)]
        return self._check_rows(_chain(first, rows))

    def _refuse_header(self, fault: Fault) -> InputError:
        if fault.kind == "encoding":
            fix = f"name the encoding with --encoding, such as {self.propose_encoding()}"
            return Fault("encoding", fault.line, f"{str(fault).partition(' (')[0]}: {fix}")
        return fault

    def _check_rows(self, rows: Iterator[FieldsOrFault]) -> Iterator[RecordOrFault]:
        """Yield rows as records; one that is wider or narrower than the header is a fault."""
        width = len(self.names)
        what = "header" if self.dialect.header else "first row"
        for row in rows:
            if isinstance(row, Fault):
                yield row
                continue
            start, end, fields = row
            if len(fields) == width:
                yield Record(start, end, fields)
            else:
                yield Fault("ragged", start, f"line {end}: {len(fields)} columns, and the {what} has {width}")


def _chain(first: Fields, rows: Iterator[FieldsOrFault]) -> Iterator[FieldsOrFault]:
    yield first
    yield from rows


def unify_line_ends(text: str) -> str:
    r"""Return a text whose lines end with ``\n``, as they do where they are not within quotation marks."""
    return text.replace("\r\n", "\n") if "\r" in text else text
