"""Reading lines of bounded length."""

from __future__ import annotations

from edgetext.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

# The longest line, and the longest CSV record with all its lines, without the last line feed.
MAX_LINE_BYTES = 2**24
TOO_LONG = "longer than 16 MiB: split it"

# The rest of a line that is too long is skipped in pieces of this size.
PIECE_BYTES = 2**16


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream; of a line that is too long only the start, which ``decode_line`` refuses."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        yield line
        if _is_too_long(line):
            while line and not line.endswith(b"\n"):
                line = stream.readline(PIECE_BYTES)


def decode_line(line: bytes, number: int) -> str:
    """Decode a line by its number; a byte order mark at the start of line 1 is removed.

    Raises:
        InputError: If it is too long, or not UTF-8.
    """
    if _is_too_long(line):
        raise InputError(f"line {number}: {TOO_LONG}")
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        byte = line[error.start]
        raise InputError(f"line {number}: not UTF-8 (byte 0x{byte:02x} at {error.start + 1})") from None


def _is_too_long(line: bytes) -> bool:
    return len(line) > MAX_LINE_BYTES and not line.endswith(b"\n")
