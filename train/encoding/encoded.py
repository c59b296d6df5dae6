"""Encoded texts: token ids in a temporary file, padded when they are asked for."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetext.encoder import Encoder
from train.dataset import LabelledText

Rows = npt.NDArray[np.int32]
Targets = npt.NDArray[Any]


def digest(text: str) -> bytes:
    """Give the SHA-256 of a name, by which texts are drawn."""
    return hashlib.sha256(text.encode()).digest()


class Encoded:
    """Encoded texts, which lie on disk one behind the other; only those that are asked for come as padded rows.

    A million texts of a kilobyte are 0.4 GB there, where an array of padded rows would take 2 GB of memory.

    Attributes:
        targets: What is right of each text, shape (texts,): the index of its label, int64; or float32, the probability
            of the second of two labels.
        lengths: Ids of each text, padding not counted, shape (texts,).
        max_length: Ids in a row.
    """

    def __init__(
        self,
        ids: npt.NDArray[Any],
        lengths: npt.NDArray[np.int64],
        targets: Targets,
        max_length: int,
        starts: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Take the ids of all texts, one behind the other, and the length of each, or also where each begins."""
        self._ids = ids
        self._starts = np.cumsum(lengths) - lengths if starts is None else starts
        self.lengths = lengths
        self.targets = targets
        self.max_length = max_length

    def __len__(self) -> int:
        """Count the texts."""
        return len(self.lengths)

    def take(self, chosen: npt.NDArray[Any] | slice = slice(None)) -> Rows:
        """Give the padded rows of some texts, or of all: ids, shape (chosen, max_length)."""
        lengths, starts = self.lengths[chosen], self._starts[chosen]
        rows = np.zeros((len(lengths), self.max_length), np.int32)
        offsets = np.arange(self.max_length)
        inside = offsets < lengths[:, None]
        rows[inside] = self._ids[(starts[:, None] + offsets)[inside]]
        return rows

    def chunks(self, size: int = 4096) -> Iterator[tuple[Rows, Targets]]:
        """Give all rows and targets, so many at once."""
        for start in range(0, len(self), size):
            chosen = slice(start, start + size)
            yield self.take(chosen), self.targets[chosen]

    def joined(self, other: Encoded) -> Encoded:
        """Put the texts of another behind these, in memory."""
        ids, lengths, targets, starts = (
            np.concatenate(pair)
            for pair in (
                (self._ids, other._ids),
                (self.lengths, other.lengths),
                (self.targets, other.targets),
                (self._starts, other._starts + len(self._ids)),
            )
        )
        return Encoded(ids, lengths, targets, self.max_length, starts)

    def head(self, count: int) -> Encoded:
        """Give the first texts."""
        return Encoded(self._ids, self.lengths[:count], self.targets[:count], self.max_length, self._starts[:count])

    def first_words(self, count: int = 10) -> Encoded:
        """Cut each text to its first ids: the start mark and ``count`` words.

        Rows of long texts cut at their front have no start mark; they are cut to ``count + 1`` ids like the others.
        """
        lengths = np.minimum(self.lengths, count + 1)
        return Encoded(self._ids, lengths, self.targets, self.max_length, self._starts)

    def labelled(self, targets: Targets) -> Encoded:
        """Give the same texts with other targets."""
        return Encoded(self._ids, self.lengths, targets, self.max_length, self._starts)


def encode(texts: Iterable[LabelledText], encoder: Encoder, labels: Sequence[str]) -> Encoded:
    """Encode texts for the network.

    Args:
        texts: The texts, read once; one at a time is in memory.
        encoder: Text to ids.
        labels: The classes.

    Returns:
        The rows, in a file without a name (in $TMPDIR) that vanishes with them. A text without a label has the target
        0, of which there is nothing to learn.

    Raises:
        OSError: There is no room for the file.
    """
    index = {label: place for place, label in enumerate(labels)}
    lengths, targets = array("l"), array("l")
    with _naming(tempfile.gettempdir()), tempfile.TemporaryFile() as file:
        for text in texts:
            row = encoder.truncate(text.text)
            file.write(array("H", row).tobytes())
            lengths.append(len(row))
            targets.append(0 if text.label is None else index[text.label])
        file.flush()
        # An empty file cannot be mapped.
        ids: npt.NDArray[Any] = np.memmap(file, np.uint16, "r") if lengths else np.zeros(0, np.uint16)
    return Encoded(ids, np.array(lengths, np.int64), np.array(targets, np.int64), encoder.preprocessing.max_length)


@contextlib.contextmanager
def _naming(folder: str) -> Iterator[None]:
    """Name the folder in errors that name no file, as those of a file without a name do."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, folder) from None
        raise
