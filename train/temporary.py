"""Temporary files without a name, which vanish when they are closed."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from typing import IO


def open_temporary() -> IO[bytes]:
    """Open a temporary file in $TMPDIR for writing and reading.

    Raises:
        OSError: If it cannot be made.
    """
    with naming_folder():
        return tempfile.TemporaryFile(buffering=1 << 16)


@contextlib.contextmanager
def naming_folder() -> Iterator[None]:
    """Name the folder of temporary files in errors that name no file, such as those of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from None
        raise
