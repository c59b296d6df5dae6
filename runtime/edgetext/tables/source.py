"""The bytes of a table: decompressed, and with the first part read ahead."""

from __future__ import annotations

import io
import re
import zlib

from edgetext.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

GZIP_MARK = b"\x1f\x8b"
# The first part of a file, from which its dialect is detected.
HEAD_BYTES = 2**20
# Bytes before a match that are sampled with it, to begin with a whole line.
_BEFORE = 2**16
# Files that are not text, by how they begin, and what makes text of them.
_SAVE, _UNPACK = "save the table as CSV", "decompress it first"
OTHER_FILES = (
    (b"PAR1", "a Parquet file", "label it with --parquet COLUMN; to train on it, call it .parquet"),
    (b"PK\x03\x04", "a workbook, such as .xlsx, or a ZIP archive", _SAVE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls) or another Office document", _SAVE),
    (b"%PDF-", "a PDF document", "save its text"),
    *((b"BZh%d1AY&SY" % level, "a file compressed with bzip2", _UNPACK) for level in range(1, 10)),
    (b"\xfd7zXZ\0", "a file compressed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a file compressed with Zstandard", _UNPACK),
)
TAR_MARK = (257, b"ustar")  # comes behind the name of the first member


class Source:
    """A stream that was begun to be read.

    Attributes:
        stream: All of its bytes, decompressed.
        head: The first of them.
        is_whole: Whether ``head`` is all there is.
    """

    def __init__(self, stream: BinaryIO, live: bool = False, lines: int = 2) -> None:
        """Read the first megabyte, or from a live pipe only until ``lines`` lines have arrived.

        Raises:
            InputError: If a compressed stream is damaged, or it is not text.
        """
        head, whole = _read_head(stream, live, lines)
        if head.startswith(GZIP_MARK):
            import gzip

            stream = io.BufferedReader(_Unpacked(gzip.GzipFile(fileobj=_chain(head, stream))))
            head, whole = _read_head(stream, live, lines)
        for mark, name, fix in OTHER_FILES:
            if head.startswith(mark):
                raise InputError(f"this is {name}: {fix}")
        if head[TAR_MARK[0] :].startswith(TAR_MARK[1]):
            raise InputError("this is a tar archive: unpack it first")
        self.stream = _chain(head, stream)
        self.head = head
        self.is_whole = whole
        self._file = stream

    def sample_later(self, pattern: bytes) -> bytes:
        """Return the first line and a later part that begins before the first match of a pattern of two bytes.

        Empty if there is none behind the head, or the stream cannot be read twice.
        """
        file = self._file
        if self.is_whole or b"\0" in self.head[:1000] or not file.seekable():  # NUL: each character is several bytes
            return b""
        start = place = file.tell()
        try:
            while len(block := file.read(HEAD_BYTES)) > 1:
                if found := re.search(pattern, block):
                    file.seek(max(start, place + found.start() - _BEFORE))
                    later = file.read(HEAD_BYTES)
                    return self.head[: _end_of_line(self.head)] + later[_end_of_line(later) :]
                place += len(block) - 1
                file.seek(place)
            return b""
        finally:
            file.seek(start)


def _end_of_line(part: bytes) -> int:
    """Return where the first line of a part ends; 0 if it does not."""
    found = re.match(rb"[^\r\n]*[\r\n]+", part)
    return found.end() if found else 0


def _read_head(stream: BinaryIO, live: bool, lines: int) -> tuple[bytes, bool]:
    head = bytearray()
    while len(head) < HEAD_BYTES:
        try:
            piece = stream.read1(HEAD_BYTES - len(head))  # type: ignore[attr-defined]
        except InputError:
            if not head:
                raise
            return bytes(head), False  # what precedes the damage is read, and then the error comes again
        head += piece
        if not piece:
            return bytes(head), True
        # In UTF-16 and UTF-32 more line ends may be found than there are.
        if live and len(head.splitlines()) >= lines + (head[-1] not in b"\r\n\0"):
            break
    return bytes(head), False


def _chain(head: bytes, stream: BinaryIO) -> BinaryIO:
    return io.BufferedReader(_Chained(head, stream), 2**16)


class _Chained(io.RawIOBase):
    """What was read of a stream, and then the rest of it; reads what has arrived. It does not close the stream."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = memoryview(head)
        self._stream: Any = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._head:
            count: int = self._stream.readinto1(buffer)
            return count
        piece, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


class _Unpacked(io.RawIOBase):
    """The content of a gzip file; damage is an InputError."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._error: InputError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._error is not None:
            raise self._error
        try:
            count: int = self._file.readinto1(buffer)
            return count
        except (EOFError, zlib.error, OSError) as error:
            # BadGzipFile is an OSError without a number; one with a number is that of the file below.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            self._error = InputError(f"not a complete gzip file ({error})")
        raise self._error
