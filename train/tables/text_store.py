"""Texts in a temporary file: a million of them need no memory, and a table is parsed only once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from train.temporary import naming_folder, open_temporary


class TextStore:
    """Texts by place, in an anonymous file in $TMPDIR that vanishes with the object; 8 bytes of memory a text.

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
