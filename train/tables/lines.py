"""The lines of a text file in any encoding, plain or compressed, and the records of CSV and TSV that they make up."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.dataset import DataError

# The longest line, or quoted field, that is read.
MAX_CHARACTERS = 1 << 24
# Stands for bytes that are not in the encoding, and for NUL: a lone surrogate, which no decoder gives.
BAD = "\udcff"
# How files begin in some encodings. UTF-32 is before UTF-16, which begins alike.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GZIP_MARK = b"\x1f\x8b"

# A record: the line on which it begins, and its fields; None if its quotation marks are wrong.
Record = tuple[int, "list[str] | None"]


def read_lines(path: Path, encoding: str) -> Iterator[str]:
    r"""Read lines with their ends, which are ``\n``, ``\r\n`` or ``\r``; a byte order mark is left out.

    Returns:
        The lines, with ``BAD`` in place of bytes that are not in the encoding, and of NUL.

    Raises:
        DataError: The file cannot be read, is of another kind or encoding than it is said to be, or has a line longer
            than ``MAX_CHARACTERS``.
    """
    codecs.register_error("edgetext.bad", _mark)
    try:
        with path.open("rb") as raw:
            binary: Any = gzip.GzipFile(fileobj=raw) if path.name.lower().endswith(".gz") else raw
            _check_start(path, encoding, binary.peek(4))
            with io.TextIOWrapper(binary, encoding, "edgetext.bad", newline="") as file:
                for number in itertools.count(1):
                    line = file.readline(MAX_CHARACTERS)
                    if len(line) == MAX_CHARACTERS:
                        raise DataError(f"{path}: line {number} has more than {MAX_CHARACTERS:,} characters")
                    if not line:
                        return
                    yield (line.removeprefix("\ufeff") if number == 1 else line).replace("\0", BAD)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: not a whole gzip file ({error})") from None
    except UnicodeError as error:
        raise DataError(f"{path}: not {encoding} ({error}): name another with --encoding") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except (LookupError, ValueError) as error:
        raise DataError(f"--encoding {encoding}: {error}") from None


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Give what stands for bytes that are not in the encoding; Python's own ways give what a file could hold."""
    assert isinstance(error, UnicodeDecodeError)  # nothing is encoded
    return BAD, error.end


def _check_start(path: Path, encoding: str, start: bytes) -> None:
    """Compare the first bytes of a file with what it is said to be.

    Raises:
        DataError: It is something else.
        LookupError: There is no such encoding.
    """
    if start.startswith(GZIP_MARK):
        raise DataError(f"{path}: this is a gzip file, and its name must end in .gz")
    given = codecs.lookup(encoding).name
    found = next((name for mark, name in MARKS if start.startswith(mark)), given)
    if not given.startswith(found):
        raise DataError(f"{path}: this is {found}, and not {encoding}: say so with --encoding {found}")


class _Replay:
    """Lines, of which those of the present record can be taken back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.record: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.record.append(line)
        return line

    def keep_first(self) -> None:
        """Take back all lines of the record but its first."""
        self._again.extendleft(reversed(self.record[1:]))
        del self.record[1:]


def csv_records(path: Path, encoding: str, delimiter: str) -> Iterator[Record]:
    """Read CSV as RFC 4180 has it; blank lines are skipped.

    After a record whose quotation marks are wrong, the line after its first begins another: a mark that is never closed
    costs a line, and not the rest of the file.

    Raises:
        DataError: As for ``read_lines``, or the delimiter is not one character.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise DataError(f"--delimiter is one character, or 'tab', and not {delimiter!r}")
    csv.field_size_limit(MAX_CHARACTERS)  # the default is 128 kB
    lines = _Replay(read_lines(path, encoding))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 1
    while True:
        lines.record.clear()
        fields: list[str] | None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            fields = None
            lines.keep_first()
        if fields != []:
            yield number, fields
        number += len(lines.record)


def tsv_records(path: Path, encoding: str) -> Iterator[Record]:
    """Read TSV as IANA's text/tab-separated-values has it: nothing is quoted. Blank lines are skipped.

    Raises:
        DataError: As for ``read_lines``.
    """
    for number, line in enumerate(read_lines(path, encoding), 1):
        if content := line.rstrip("\r\n"):
            yield number, content.split("\t")
