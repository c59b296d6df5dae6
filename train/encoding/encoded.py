"""Encoded texts: token ids in a temporary file, padded when they are asked for."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgetext.encoder import Encoder
from edgetext.text import UNKNOWN_ID
from train.dataset import SENTENCES, TEST, TRAIN, UNLABELLED, VALIDATION, Dataset, LabelledText
from train.temporary import naming_folder, open_temporary

Ids = npt.NDArray[np.int32]
Targets = npt.NDArray[Any]


class Encoded:
    """Encoded texts, one behind the other in a file; those that are asked for are padded to arrays.

    A million texts of a kilobyte are 0.4 GB in the file, where a padded array would take 2 GB of memory.

    Attributes:
        targets: The target of each text, shape (texts,): the index of its label, int64; or the probability of the
            second of two labels, float32.
        lengths: The number of ids of each text, without padding, shape (texts,).
        max_length: The number of ids of a padded text.
    """

    def __init__(
        self,
        ids: npt.NDArray[Any],
        lengths: npt.NDArray[np.int64],
        targets: Targets,
        max_length: int,
        starts: npt.NDArray[np.int64] | None = None,
        vocabulary_size: int | None = None,
    ) -> None:
        """Take the ids of all texts, one behind the other, the length of each, and where each begins if that differs.

        Ids from ``vocabulary_size`` on, if it is given, count as unknown words.
        """
        self._ids = ids
        self._starts = np.cumsum(lengths) - lengths if starts is None else starts
        self._vocabulary_size = vocabulary_size
        self.lengths = lengths
        self.targets = targets
        self.max_length = max_length

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.lengths)

    def take(self, chosen: npt.NDArray[Any] | slice = slice(None)) -> Ids:
        """Return some texts, or all, as padded ids, shape (chosen, max_length)."""
        lengths, starts = self.lengths[chosen], self._starts[chosen]
        padded = np.zeros((len(lengths), self.max_length), np.int32)
        offsets = np.arange(self.max_length)
        inside = offsets < lengths[:, None]
        padded[inside] = self._ids[(starts[:, None] + offsets)[inside]]
        if self._vocabulary_size is not None:
            padded[padded >= self._vocabulary_size] = UNKNOWN_ID
        return padded

    def chunks(self, size: int = 4096) -> Iterator[tuple[Ids, Targets]]:
        """Yield padded ids and targets, ``size`` texts at a time."""
        for start in range(0, len(self), size):
            chosen = slice(start, start + size)
            yield self.take(chosen), self.targets[chosen]

    def joined(self, other: Encoded) -> Encoded:
        """Return these texts followed by others of the same vocabulary, in memory."""
        ids, lengths, targets, starts = (
            np.concatenate(pair)
            for pair in (
                (self._ids, other._ids),
                (self.lengths, other.lengths),
                (self.targets, other.targets),
                (self._starts, other._starts + len(self._ids)),
            )
        )
        return Encoded(ids, lengths, targets, self.max_length, starts, self._vocabulary_size)

    def head(self, count: int) -> Encoded:
        """Return the first ``count`` texts."""
        return self._changed(self.lengths[:count], self.targets[:count], self._starts[:count])

    def first_words(self, count: int = 10) -> Encoded:
        """Return the first ids of each text: the start mark and ``count`` words.

        Long texts truncated at their front have no start mark; they keep ``count + 1`` ids like the others.
        """
        return self._changed(np.minimum(self.lengths, count + 1), self.targets, self._starts)

    def with_targets(self, targets: Targets) -> Encoded:
        """Return the same texts with other targets."""
        return self._changed(self.lengths, targets, self._starts)

    def limited(self, vocabulary_size: int) -> Encoded:
        """Return the texts as encoded with the first ``vocabulary_size`` ids: all others become unknown words."""
        return Encoded(self._ids, self.lengths, self.targets, self.max_length, self._starts, vocabulary_size)

    def _changed(self, lengths: npt.NDArray[np.int64], targets: Targets, starts: npt.NDArray[np.int64]) -> Encoded:
        return Encoded(self._ids, lengths, targets, self.max_length, starts, self._vocabulary_size)


class Splits(NamedTuple):
    """The encoded texts of a dataset.

    Attributes:
        train: Texts to fit.
        validation: Texts to validate on.
        test: Texts to test on; may be empty, like those that follow.
        unlabelled: Texts without a label.
        sentences: Sentences of the validation texts.
    """

    train: Encoded
    validation: Encoded
    test: Encoded
    unlabelled: Encoded
    sentences: Encoded

    def limited(self, vocabulary_size: int) -> Splits:
        """Return all texts as encoded with a smaller vocabulary; see ``Encoded.limited``."""
        return Splits(*(split.limited(vocabulary_size) for split in self))


def encode_dataset(dataset: Dataset, encoder: Encoder, *, test: bool) -> Splits:
    """Encode the texts of a dataset, reading each once; with ``test`` unset the test texts are not read.

    Raises:
        OSError: If the disk is full.
    """
    names = (TRAIN, VALIDATION, TEST, UNLABELLED, SENTENCES)
    texts = (dataset.texts(name) if test or name != TEST else () for name in names)
    return Splits(*(encode(split, encoder, dataset.labels) for split in texts))


def encode(texts: Iterable[LabelledText], encoder: Encoder, labels: Sequence[str]) -> Encoded:
    """Encode texts; one at a time is in memory.

    Args:
        texts: The texts.
        encoder: Turns a text into ids.
        labels: The labels.

    Returns:
        The encoded texts, in an anonymous file in $TMPDIR that vanishes with them. The target of a text without a
        label is 0.

    Raises:
        OSError: If the disk is full.
    """
    index = {label: place for place, label in enumerate(labels)}
    lengths, targets = array("l"), array("l")
    with naming_folder(), open_temporary() as file:
        for text in texts:
            ids = encoder.truncate(text.text)
            file.write(array("H", ids).tobytes())
            lengths.append(len(ids))
            targets.append(0 if text.label is None else index[text.label])
        file.flush()
        # An empty file cannot be mapped.
        mapped: npt.NDArray[Any] = np.memmap(file, np.uint16, "r") if lengths else np.zeros(0, np.uint16)
    return Encoded(mapped, np.array(lengths, np.int64), np.array(targets, np.int64), encoder.preprocessing.max_length)
