"""Texts in a field of JSON or a column of CSV or TSV: other fields are passed through, and predictions are added."""

from __future__ import annotations

import json  # noqa: F401  # `dump` needs it, and a signal can hit a late import

from edgetext.command import Record
from edgetext.command.fields import dump, fields, is_utf8
from edgetext.command.ranking import FIELD
from edgetext.errors import InputError
from edgetext.tables.delimited import write_row
from edgetext.tables.dialect import CSV, JSON, Dialect
from edgetext.tables.encoding import MANY
from edgetext.tables.reader import TableReader, unify_line_ends
from edgetext.tables.records import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from edgetext.command import RecordOrError
    from edgetext.command.ranking import Ranking
    from edgetext.prediction import Prediction
    from edgetext.tables.records import Record as TableRecord
    from edgetext.tables.records import RecordOrFault

# The fields that predictions add, without those of a ranking; CSV gets no `probabilities` and no `known`.
JSON_FIELDS = ("label", "score", "probabilities", "engine", "known")
# So many fields of an object are listed in a message.
MOST_NAMES = 20


class _Table:
    """What both forms share: reading the records, and counting their faults."""

    unread = ""

    def __init__(self, reader: TableReader) -> None:
        self._reader = reader
        self._faults: dict[str, int] = {}
        self.notes = [f"detected {', '.join(reader.notes)}"] if reader.notes else []

    def __iter__(self) -> Iterator[RecordOrError]:
        try:
            for found in self._reader:
                yield self._try(found)
        except InputError as error:  # the rest cannot be read, as of a damaged gzip file
            yield error

    def _try(self, found: RecordOrFault) -> RecordOrError:
        if isinstance(found, Fault):
            self._faults[found.kind] = self._faults.get(found.kind, 0) + found.lines
            return found
        try:
            return self._accept(found)
        except InputError as error:
            return error

    def _accept(self, found: TableRecord) -> Record:
        """Return the record with its text; InputError if it has none."""
        raise NotImplementedError

    def advise(self) -> list[str]:
        """Return what would read the records that could not be read, one line for each kind."""
        notes = self._reader.advise_encoding(self._faults.get("encoding", 0))
        count = self._faults.get("ragged", 0) + self._faults.get("quotes", 0)
        options = self._reader.propose_quoting() if count >= MANY else ""
        if options:
            notes.append(f"{count:,} records have wrong columns or quotes: try {options}")
        return notes


class JSONObjects(_Table):
    """JSON lines, or an array of objects, with the text in a field; other fields are passed through.

    Blank lines are skipped.
    """

    header = ""

    def __init__(
        self,
        stream: BinaryIO,
        field: str,
        given: Dialect | None = None,
        prefix: str = "",
        ranking: Ranking | None = None,
        live: bool = False,
    ) -> None:
        """Read texts in ``field``; ``prefix`` comes before the names of added fields, which no object may have."""
        super().__init__(TableReader(stream, given or Dialect(JSON), live=live))
        self._field = field
        self._ranking = ranking
        self._names = {name: prefix + name for name in (*JSON_FIELDS, *([FIELD] if ranking else []))}
        self._is_found = False  # whether a record had the field
        start = self._reader.first_part().lstrip()
        is_other = bool(start) and start[0] not in "[{"
        if is_other and live:
            self.notes.append("this does not look like JSON: --csv COLUMN reads CSV")
        if not live:
            self._check_start(is_other)

    def _check_start(self, is_other: bool) -> None:
        """Raise InputError if no record of a file's first part has the field, or if none is JSON, nor looks like it."""
        records: list[TableRecord] = []
        fault: Fault | None = None
        for found in self._reader.preview():
            if isinstance(found, Fault):
                if found.kind != "json":
                    return
                fault = fault or found
            elif self._field in found.values:
                return
            elif not records:
                records.append(found)
        if records:
            raise InputError(f"line {records[0].line}: {self._describe(records[0])}")
        if fault and is_other:
            raise InputError(f"{fault}: --csv COLUMN reads CSV")

    def _describe(self, found: TableRecord) -> str:
        """Return what is wrong with a record that has no text."""
        if self._is_found or self._field in found.values:
            return f"no field {self._field!r} with a text"
        listing = ", ".join(map(repr, [*found.values][:MOST_NAMES])) or "none"
        return f"no field {self._field!r} with a text; the fields are {listing}"

    def _accept(self, found: TableRecord) -> Record:
        if taken := found.values.keys() & self._names.values():
            raise InputError(
                f"line {found.line}: has a field {min(taken)!r} already: choose a --prefix for the added ones"
            )
        text = found.values.get(self._field)
        if not isinstance(text, str):
            raise InputError(f"line {found.line}: {self._describe(found)}")
        self._is_found = True
        return Record(found.line, unify_line_ends(text), found.source)

    def write(self, record: Record, prediction: Prediction) -> str:
        """Return the record's JSON as it was read, no number rounded and no key lost, with the new fields added."""
        assert isinstance(record.source, str)
        added = {self._names[name]: value for name, value in fields(prediction, self._ranking).items()}
        return f"{record.source[:-1].rstrip()}, {dump(added)[1:]}\n"


class Table(_Table):
    """CSV or TSV with the text in a column, written in the same dialect, but in UTF-8; blank lines are skipped.

    Columns for label, score, a ranking and engine are added. A byte order mark and line ends are kept.
    """

    def __init__(
        self,
        stream: BinaryIO,
        column: str,
        given: Dialect | None = None,
        prefix: str = "",
        ranking: Ranking | None = None,
        live: bool = False,
    ) -> None:
        """Read the header; ``prefix`` comes before the names of the added columns.

        Raises:
            InputError: If the column is not there, or an added column is there already.
        """
        reader = TableReader(stream, given or Dialect(CSV), columns=[column], live=live)
        super().__init__(reader)
        self._column = _find_column(reader, column)
        is_alone = len(reader.names) == 1 and not reader.header and reader.dialect.format == CSV
        if is_alone and (given is None or given.delimiter is None) and (option := reader.propose_delimiter(2)):
            self.notes.append(f"read as one column: {option} if that separates columns")
        self._ranking = ranking
        if not is_utf8(prefix):
            raise InputError("--prefix is not UTF-8")
        added = [prefix + name for name in ("label", "score", *(ranking.columns if ranking else []), "engine")]
        if taken := set(reader.names).intersection(added):
            raise InputError(f"line 1: has a column {min(taken)!r} already: choose a --prefix for the added ones")
        first = f"{reader.separator_line}{reader.line_end}" if reader.separator_line else ""
        self.header = ("\ufeff" if reader.has_bom else "") + first
        if reader.header:
            self.header += self._line([*reader.header, *added])

    def check_labels(self, labels: Sequence[str]) -> None:
        """Raise InputError if a label has the separator in it, and nothing can enclose it."""
        dialect = self._reader.dialect
        for label in labels if not (dialect.quote or dialect.escape) else ():
            if str(dialect.delimiter) in label:
                fix = "choose an --escape character"
                raise InputError(f"label {label!r} has the separator in it, and there are no quotation marks: {fix}")

    def _accept(self, found: TableRecord) -> Record:
        return Record(found.end, unify_line_ends(found.values[self._column]), found.values)

    def write(self, record: Record, prediction: Prediction) -> str:
        """Return the line of a row; scores have six decimals."""
        assert isinstance(record.source, list)
        further = self._ranking.cells(prediction, 6) if self._ranking else []
        return self._line([*record.source, prediction.label, f"{prediction.score:.6f}", *further, prediction.engine])

    def _line(self, row: list[str]) -> str:
        return write_row(row, self._reader.dialect) + self._reader.line_end


def _find_column(reader: TableReader, column: str) -> int:
    """Return the place of a column, by its name as it was written, or else without white space around it."""
    if not reader.names:
        raise InputError("the input is empty: there is no text to score")
    names = reader.header if column in reader.header else reader.names
    if names.count(column) == 1:
        return names.index(column)
    fix = "; --no-header if this is a row" if reader.header and column not in names else ""
    if not reader.header and column.isdecimal() and (option := reader.propose_delimiter(int(column[:9]))):
        fix = f"; with {option} there are more"
    listing = ", ".join(map(repr, names))
    called = "no column is" if column not in names else f"{names.count(column)} columns are"
    raise InputError(f"line 1: {called} called {column!r}; the columns are {listing}{fix}")
