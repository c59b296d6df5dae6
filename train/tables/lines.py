"""The lines of a text file in any encoding, plain or compressed."""

from __future__ import annotations

import codecs
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from train.dataset import DataError

MAX_CHARACTERS = 1 << 24  # in a line or a quoted field
BAD = "\udcff"  # replaces invalid bytes and NUL: a lone surrogate, which no decoder returns
# How files begin in some encodings. UTF-32 comes before UTF-16, whose mark is its beginning.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GZIP_MARK = b"\x1f\x8b"


def read_lines(path: Path, encoding: str) -> Iterator[str]:
    r"""Yield lines with their ends, which are ``\n``, ``\r\n`` or ``\r``; a byte order mark is left out.

    Invalid bytes and NUL are replaced by ``BAD``.

    Raises:
        DataError: If the file cannot be read, is not of the given encoding, is compressed but not named so, or has a
            line longer than ``MAX_CHARACTERS``.
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
        raise DataError(f"{path}: not a complete gzip file ({error})") from None
    except UnicodeError as error:
        raise DataError(f"{path}: not {encoding} ({error}): name another with --encoding") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except (LookupError, ValueError) as error:
        raise DataError(f"--encoding {encoding}: {error}") from None


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Return the replacement of invalid bytes; those of Python's own error handlers could be in the file too."""
    assert isinstance(error, UnicodeDecodeError)  # this module only decodes
    return BAD, error.end


def _check_start(path: Path, encoding: str, start: bytes) -> None:
    """Check that the first bytes of a file fit the given encoding.

    Raises:
        DataError: If they do not.
        LookupError: If there is no such encoding.
    """
    if start.startswith(GZIP_MARK):
        raise DataError(f"{path}: this is a gzip file, whose name must end in .gz")
    given = codecs.lookup(encoding).name
    found = next((name for mark, name in MARKS if start.startswith(mark)), given)
    if not given.startswith(found):
        raise DataError(f"{path}: this is {found}, not {encoding}: pass --encoding {found}")
