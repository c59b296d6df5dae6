"""Find out how a table is written, from its first part; what the user says is taken as it is."""

from __future__ import annotations

import re
from typing import NamedTuple

from edgetext.tables.dialect import ARRAY, CSV, FASTTEXT, JSON, SEPARATORS, TSV, Dialect
from edgetext.tables.encoding import decode, find_encoding, is_utf8_by_mistake
from edgetext.tables.proposals import Tally, has_mark, tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

# Rows that must agree where nothing else speaks for a separator.
_ENOUGH = 5
_FIRST_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


class Found(NamedTuple):
    """How a table is written, and what of it was not said."""

    dialect: Dialect  # complete
    notes: tuple[str, ...] = ()  # what was detected, unless it is the usual
    text: str = ""  # the first part, in whole lines unless it is all there is
    has_bom: bool = False  # whether it begins with a byte order mark
    separator_line: str = ""  # Excel's first line, such as "sep=;"
    line_end: str = "\n"  # of the first line


def detect(
    head: bytes,
    given: Dialect,
    is_whole: bool = True,
    columns: Collection[str] = (),
    is_labelled: bool = False,
    live: bool = False,
) -> Found:
    """Complete a dialect.

    Args:
        head: The first part of the table.
        given: What the user says; None of its fields is to be detected.
        is_whole: Whether ``head`` is all of the table.
        columns: Columns that the table must have.
        is_labelled: Whether it must have two columns.
        live: Whether chance decides how many rows ``head`` has.

    Raises:
        InputError: If it is not of the given encoding.
    """
    encoding, has_bom = find_encoding(head, given.encoding)
    text = decode(head, encoding, is_whole)
    found = Found(given._replace(encoding=encoding), (), text, has_bom, "", _find_line_end(text))
    if has_bom and encoding != "utf-8" and given.encoding is None:
        found = found._replace(notes=(f"encoding {encoding}",))
    if is_utf8_by_mistake(head, encoding):
        found = found._replace(notes=(f"valid UTF-8, read as {encoding}",))
    if given.format in (CSV, TSV):
        if live and given.header is False:  # only rows could tell, and there may be one
            found = found._replace(text=_FIRST_LINE.match(text)[0])  # type: ignore[index]
        return _find_columns(found, is_whole, columns, is_labelled)
    if given.format == FASTTEXT:
        return found._replace(notes=(*found.notes, "lines of fastText"))
    if given.format == JSON and re.match(r"\s*\[\s*[{\]]", text):
        found = found._replace(notes=(*found.notes, "a JSON array"))
        return found._replace(dialect=found.dialect._replace(format=ARRAY))
    return found


def _find_line_end(text: str) -> str:
    return "\r\n" if text[: text.find("\n") + 1].endswith("\r\n") else "\n"


def _find_columns(found: Found, is_whole: bool, columns: Collection[str], is_labelled: bool) -> Found:
    """Complete the dialect of CSV or TSV."""
    dialect, notes, text = found.dialect, list(found.notes), found.text
    line = ""
    if matched := re.match(r'"?sep=([^\r\n])"?(?:\r\n|\r|\n)', text):
        if dialect.delimiter in (None, matched[1]):
            line, text = matched[0].rstrip("\r\n"), text[matched.end() :]
            dialect = dialect._replace(delimiter=matched[1])
            notes.append(f"separator {SEPARATORS.get(matched[1], repr(matched[1]))}")
    dialect = dialect._replace(header=dialect.header is not False, escape=dialect.escape or "")
    if dialect.delimiter is None:
        usual = "\t" if dialect.format == TSV else ","
        quoted = dialect._replace(quote='"' if dialect.quote is None else dialect.quote)
        delimiter = usual if dialect.format == TSV else find_delimiter(text, quoted, is_whole, columns, is_labelled)
        dialect = dialect._replace(delimiter=delimiter)
        if delimiter != usual:
            notes.append(f"separator {SEPARATORS[delimiter]}")
    if dialect.quote is None:
        quote, note = _find_quote(text, dialect, is_whole)
        dialect = dialect._replace(quote=quote)
        notes += [note] if note else []
    return found._replace(dialect=dialect, notes=tuple(notes), text=text, separator_line=line)


def find_delimiter(
    text: str, dialect: Dialect, is_whole: bool, columns: Collection[str] = (), is_labelled: bool = False
) -> str:
    """Return the separator of CSV: a comma, unless the header and the rows say otherwise."""
    tallies = {mark: tally(text, dialect._replace(delimiter=mark), is_whole) for mark in SEPARATORS}

    def best(marks: Collection[str]) -> str:
        return min(marks, key=lambda mark: (tallies[mark].bad, -len(tallies[mark].names)))

    if dialect.header:
        named = [mark for mark, found in tallies.items() if columns and set(columns) <= set(found.names)]
        if named:
            return "," if "," in named else best(named)
    comma = tallies[","]
    others = [mark for mark, found in tallies.items() if mark != "," and len(found.names) > 1]
    fitting = [mark for mark in others if not tallies[mark].bad and tallies[mark].rows]
    if len(comma.names) > 1 or not dialect.header:
        # Only rows speak against the comma, and few of them could agree by chance.
        strong = [mark for mark in fitting if tallies[mark].rows >= _ENOUGH]
        return best(strong) if strong and not _fits(comma) else ","
    if is_labelled and others:
        return best(others)
    return best(fitting) if fitting else ","


def _fits(found: Tally) -> bool:
    return len(found.names) > 1 and not found.bad


def _find_quote(text: str, dialect: Dialect, is_whole: bool) -> tuple[str, str]:
    """Return the quotation mark, and a note if it was decided.

    CSV has quotation marks. Of TSV, where a field begins with one there are two kinds of files; it is the kind that
    leaves fewer lines unread, unless the whole header is in marks.
    """
    if dialect.delimiter != "\t" or not has_mark(text, "\t", '"'):
        return ("" if dialect.format == TSV else '"'), ""
    quoted, plain = (tally(text, dialect._replace(quote=quote), is_whole).bad for quote in ('"', ""))
    is_header_quoted = dialect.header and re.match(r'"[^"\r\n]*"(?:\t"[^"\r\n]*")*[\r\n]', text)
    if is_header_quoted or not quoted or quoted < plain or (quoted == plain and dialect.format == CSV):
        return '"', "fields in quotation marks" if dialect.format == TSV else ""
    return "", "quotation marks as text"
