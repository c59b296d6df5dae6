"""Lines of bounded length, in any encoding."""

from __future__ import annotations

import io

from edgetext.tables.encoding import KEEP_BYTES, show_encoding
from edgetext.tables.records import Fault, is_unicode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

# The longest record, with all its lines and without the last line feed, in UTF-8.
MAX_LINE_BYTES = 2**24
TOO_LONG = "longer than 16 MiB: split it"

# The rest of a line that is too long is skipped in pieces of this size.
PIECE_BYTES = 2**16


class Lines:
    r"""The lines of a stream, with their ends; a byte order mark is left out.

    Attributes:
        number: The number of the last line read, from 1.
    """

    def __init__(self, stream: BinaryIO, encoding: str = "utf-8", newline: str = "\n") -> None:
        r"""Read lines that end with ``\n``, or with ``newline=""`` also with ``\r`` and ``\r\n``."""
        self._file = io.TextIOWrapper(stream, encoding, KEEP_BYTES, newline=newline)
        self._ends = newline or "\r\n"
        self._skipped_cr = False
        self.number = 0

    def read(self, size: int = 0) -> str:
        """Return the next line, or no more of it than proves that it is too long; an empty string at the end.

        ``size`` is the size of the lines before it that belong to the same record.
        """
        is_first = self.number == 0  # perhaps with a byte order mark, which does not count
        line = self._file.readline(max(MAX_LINE_BYTES - size, 0) + 1 + is_first)
        if self._skipped_cr and line == "\n":  # the second half of a skipped line's CR LF
            line = self._file.readline(MAX_LINE_BYTES + 1)
        self._skipped_cr = False
        self.number += bool(line)
        return line.removeprefix("\ufeff") if self.number == 1 else line

    def read_piece(self) -> str:
        """Return the next line or a piece of it; lines are not counted then."""
        piece = self._file.readline(PIECE_BYTES)
        self.number += 1
        return piece.removeprefix("\ufeff") if self.number == 1 else piece

    def skip(self, line: str, quote: str = "", quotes: int = 0) -> None:
        """Skip the rest of a record that is too long: to the first line end outside quotes, or the end of the file.

        Args:
            line: What was read of its present line.
            quote: The quotation mark; empty if there is none.
            quotes: The number of marks in its lines before.
        """
        quotes += line.count(quote) if quote else 0
        while line and (line[-1] not in self._ends or quotes % 2):
            ended = line[-1]
            line = self._file.readline(PIECE_BYTES)
            # A line end of two characters can be split over two pieces.
            self.number += bool(line) and ended in self._ends and (ended, line) != ("\r", "\n")
            quotes += line.count(quote) if quote else 0
        self._skipped_cr = self._ends == "\r\n" and line.endswith("\r")


def measure(line: str) -> int:
    """Return the size of a line in bytes of UTF-8; an invalid byte counts as one."""
    return len(line) if line.isascii() else len(line.encode("utf-8", "replace"))


def is_too_long(line: str, size: int = 0) -> bool:
    """Return whether a record is too long with this line; ``size`` is that of its lines before."""
    return size + len(line) * 4 > MAX_LINE_BYTES and size + measure(line) - line.endswith("\n") > MAX_LINE_BYTES


def read_line(lines: Lines, encoding: str) -> str | Fault:
    """Return the next line, or its fault; an empty string at the end."""
    line = lines.read()
    if is_too_long(line):
        number = lines.number
        lines.skip(line)
        return Fault("long", number, f"line {number}: {TOO_LONG}")
    return line if is_unicode(line) else not_decoded(line, lines.number, encoding)


def not_decoded(line: str, number: int, encoding: str) -> Fault:
    """Return the fault of a line with invalid bytes; in UTF-8 the first of them is named."""
    message = f"line {number}: not {show_encoding(encoding)}"
    if encoding == "utf-8":
        place = next(place for place, char in enumerate(line) if "\ud800" <= char <= "\udfff")
        message += f" (byte 0x{ord(line[place]) & 255:02x} at {len(line[:place].encode()) + 1})"
    return Fault("encoding", number, message, values=line)
