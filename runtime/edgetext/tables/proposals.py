"""How the first part of a table reads in a dialect, and which quotation marks would read it better."""

from __future__ import annotations

import csv
import re
from typing import NamedTuple

from edgetext.tables.delimited import make_reader
from edgetext.tables.dialect import SEPARATORS, TSV, Dialect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# A proposal must read all but this share of what could not be read.
_LEFT = 0.1


class Tally(NamedTuple):
    """How the first part of a table reads in a dialect."""

    names: tuple[str, ...]  # the fields of the first row
    rows: int  # further ones that have as many fields
    bad: int  # the lines of all others


def tally(text: str, dialect: Dialect, is_whole: bool = True) -> Tally:
    """Read the first part of a table; if it is not all of it, it must end with a line end."""
    reader = make_reader(_split_lines(text), dialect)
    count = sum(1 for _ in _split_lines(text))
    names: tuple[str, ...] = ()
    rows = bad = 0
    for start, end, fields in _read(reader):
        if fields is None:
            # The last record may end in the part that is not known, unless it began long before.
            is_open = end == count and not is_whole and end - start <= count // 10
            bad += 0 if is_open else end - start
        elif not names:
            names = tuple(field.strip() for field in fields)
        elif len(fields) != len(names) or (dialect.format == TSV and _encloses_rows(fields, len(names))):
            bad += end - start
        else:
            rows += 1
    return Tally(names, rows, bad)


def _split_lines(text: str) -> Iterator[str]:
    """Yield lines with their ends, without NUL, which the csv module refuses before Python 3.11."""
    for line in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text):
        yield line.group().replace("\0", "")


def _encloses_rows(fields: list[str], width: int) -> bool:
    """Return whether two marks of the text seem to enclose rows: lines as wide as the header, but no mark."""
    if not any("\n" in field and "\t" in field and '"' not in field for field in fields):
        return False
    return all(line.count("\t") == width - 1 for line in "\t".join(fields).split("\n") if line.strip())


def _read(reader: Any) -> Iterator[tuple[int, int, list[str] | None]]:
    """Yield the number of lines before and after each row, and its fields; None if its quotation marks are wrong."""
    while True:
        start = reader.line_num
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield start, reader.line_num, None
        else:
            if fields:
                yield start, reader.line_num, fields


def propose_delimiter(text: str, dialect: Dialect, least: int) -> str:
    """Return the option with a separator that gives the first row ``least`` columns or more; empty if none does."""
    for mark in SEPARATORS:
        _, _, fields = next(_read(make_reader(_split_lines(text), dialect._replace(delimiter=mark))), (0, 0, None))
        if mark != dialect.delimiter and fields is not None and len(fields) >= least:
            return "--delimiter tab" if mark == "\t" else f"--delimiter {_show(mark)}"
    return ""


def has_mark(text: str, delimiter: str, mark: str) -> bool:
    """Return whether a field begins with a quotation mark."""
    return re.search(f"(?:\\A|[\r\n{re.escape(delimiter)}]){re.escape(mark)}", text) is not None


def propose_quoting(text: str, dialect: Dialect, is_whole: bool = True) -> str:
    """Return the options that read the rows whose quotation marks or columns are wrong; empty if none do."""
    wrong = tally(text, dialect, is_whole).bad
    delimiter = dialect.delimiter or ","
    for quote, escape in (('"', ""), ("'", ""), ('"', "\\"), ("'", "\\"), ("", "")):
        if not wrong or (quote, escape) == (dialect.quote, dialect.escape):
            continue
        if (quote and not has_mark(text, delimiter, quote)) or (escape and escape + quote not in text):
            continue
        if tally(text, dialect._replace(quote=quote, escape=escape), is_whole).bad <= wrong * _LEFT:
            changed = [("--quote", quote)] if quote != dialect.quote else []
            changed += [("--escape", escape)] if escape != dialect.escape else []
            return " ".join(f"{option} {_show(value)}" for option, value in changed)
    return ""


def _show(mark: str) -> str:
    """Return a mark as it is typed in a shell."""
    return "none" if not mark else '"\'"' if mark == "'" else f"'{mark}'"
