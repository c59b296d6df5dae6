"""Temporary files without a name, which vanish when they are closed, and texts in them."""

from __future__ import annotations

import contextlib
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from typing import IO


def open_temporary() -> IO[bytes]:
    """Open a temporary file in $TMPDIR for writing and reading.

    Raises:
        OSError: If it cannot be made.
    """
    with naming_folder():
        return tempfile.TemporaryFile(buffering=1 << 16)


@contextlib.contextmanager
def naming_folder(folder: str | None = None) -> Iterator[None]:
    """Name a folder, that of temporary files if None, in errors that name no file, such as those of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, folder or tempfile.gettempdir()) from None
        raise


class TextStore:
    """Texts by place, in an anonymous file in $TMPDIR: 8 bytes of memory a text, and a table is parsed only once.

    All texts are added before the first is read.
    """

    def __init__(self) -> None:
        self._file = open_temporary()
        self._ends = array("Q", [0])

    def append(self, text: str) -> None:
        """Add a text at the end.

        Raises:
            OSError: If the disk is full.
        """
        content = text.encode("utf-8")
        with naming_folder():
            self._file.write(content)
        self._ends.append(self._ends[-1] + len(content))

    def read(self, places: Iterable[int]) -> Iterator[str]:
        """Yield the texts at these places, one at a time.

        Raises:
            OSError: If the disk is full or damaged.
        """
        for place in places:
            start, end = self._ends[place], self._ends[place + 1]
            with naming_folder():
                self._file.seek(start)
                content = self._file.read(end - start)
            yield content.decode("utf-8")
