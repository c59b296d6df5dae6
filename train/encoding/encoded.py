"""Encoded texts: token ids in a temporary file, padded when they are asked for."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgetext.encoder import Encoder, Preprocessing
from edgetext.ngrams import Characters
from train.dataset import SENTENCES, TEST, TRAIN, TYPOS, UNLABELLED, VALIDATION, Dataset, LabelledText
from train.encoding.soft import ProbabilityFile, join_probabilities
from train.temporary import naming_folder, open_temporary

Ids = npt.NDArray[np.int32]
Targets = npt.NDArray[Any]

_IDS_AT_ONCE = 2**20


@dataclass(frozen=True)
class Encoded:
    """Encoded texts, one behind the other in a file; those that are asked for are padded to arrays.

    A million texts of a kilobyte are 0.4 GB in the file, where a padded array would take 2 GB of memory.

    """

    ids: npt.NDArray[Any]  # of all texts, and perhaps of others
    lengths: npt.NDArray[np.int64]  # number of ids of each text, without padding, shape (texts,)
    targets: Targets  # shape (texts,): the label's index, int64; or the second of two labels' probability, float32
    max_length: int  # number of ids of a padded text
    starts: Any = None  # where each text begins in ids, shape (texts,); None if one follows the other
    words: Any = None  # number of ids of each text that come before those of n-grams; None if there are none of these
    # The first id of n-grams, and the number of their buckets, which may be lower than when they were encoded.
    ngrams: tuple[int, int] | None = None
    # The probability of each label, shape (texts, labels), float32; 1 for the label of a text that has one. None if all
    # texts have labels.
    probabilities: Any = None
    is_soft: Any = None  # which texts have probabilities in place of a label, shape (texts,); None with these

    def __post_init__(self) -> None:
        if self.starts is None:
            object.__setattr__(self, "starts", np.cumsum(self.lengths) - self.lengths)
        if self.words is None:
            object.__setattr__(self, "words", self.lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, chosen: npt.NDArray[Any] | slice = slice(None)) -> Ids:
        """Return some texts, or all, as padded ids, shape (chosen, max_length)."""
        lengths, starts = self.lengths[chosen], self.starts[chosen]
        padded = np.zeros((len(lengths), self.max_length), np.int32)
        offsets = np.arange(self.max_length)
        inside = offsets < lengths[:, None]
        padded[inside] = self.ids[(starts[:, None] + offsets)[inside]]
        if self.ngrams is not None:
            first, buckets = self.ngrams
            is_ngram = padded >= first
            padded[is_ngram] = first + (padded[is_ngram] - first) % buckets
        return padded

    def chunks(self, size: int = 0) -> Iterator[tuple[Ids, Targets]]:
        """Yield padded ids and targets, ``size`` texts at a time; by default as many as take some megabytes."""
        # A multiple of 512, by which texts are predicted: other batches would round differently.
        size = size or min(max(_IDS_AT_ONCE // self.max_length // 512, 1), 8) * 512
        for start in range(0, len(self), size):
            chosen = slice(start, start + size)
            yield self.take(chosen), self.targets[chosen]

    def subset(self, chosen: npt.NDArray[Any] | slice) -> Encoded:
        """Return some of these texts, chosen by place or by a mask."""
        names = ["lengths", "targets", "starts", "words"]
        names += ["probabilities", "is_soft"] if self.probabilities is not None else []
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def joined(self, other: Encoded) -> Encoded:
        """Return these texts followed by others of the same vocabulary; ids are copied unless both share a file."""
        is_shared = self.ids is other.ids
        return replace(
            self,
            ids=self.ids if is_shared else np.concatenate([self.ids, other.ids]),
            lengths=np.concatenate([self.lengths, other.lengths]),
            targets=np.concatenate([self.targets, other.targets]),
            starts=np.concatenate([self.starts, other.starts + (0 if is_shared else len(self.ids))]),
            words=np.concatenate([self.words, other.words]),
            **join_probabilities(self, other),
        )

    def first_words(self, count: int = 10) -> Encoded:
        """Return the first ids of each text: the start mark and ``count`` words.

        Long texts truncated at their front have no start mark; they keep ``count + 1`` ids like the others.
        """
        return replace(self, lengths=np.minimum(self.words, count + 1))

    def limit_ngrams(self, max_length: int, characters: Characters | None) -> Encoded:
        """Return the texts as encoded with other characters, which may have fewer buckets and n-grams of a text."""
        if characters is None:
            return replace(self, lengths=self.words, max_length=max_length, ngrams=None)
        assert self.ngrams is not None
        return replace(
            self,
            lengths=np.minimum(self.lengths, self.words + characters.most),
            max_length=max_length + characters.most,
            ngrams=(self.ngrams[0], characters.buckets),
        )


class Splits(NamedTuple):
    """The encoded texts of a dataset; all but the first two may be empty."""

    train: Encoded
    validation: Encoded
    test: Encoded
    unlabelled: Encoded
    sentences: Encoded  # those of the validation texts
    typos: Encoded  # the sentences with typing errors

    @property
    def reference(self) -> Encoded:
        """The texts on which the margins of two fits are compared: those to validate; without any, those to fit."""
        return self.validation if len(self.validation) else self.train

    @property
    def learned(self) -> Encoded:
        """The texts to fit and those without labels, all without probabilities."""
        if not len(self.unlabelled):
            return self.train
        parts = [replace(part, probabilities=None, is_soft=None) for part in (self.train, self.unlabelled)]
        return parts[0].joined(parts[1])

    def limit_ngrams(self, preprocessing: Preprocessing) -> Splits:
        """Return all texts as encoded with other characters; see ``Encoded.limit_ngrams``."""
        return Splits(*(split.limit_ngrams(preprocessing.max_length, preprocessing.characters) for split in self))


def encode_dataset(dataset: Dataset, encoder: Encoder, *, test: bool) -> Splits:
    """Encode the texts of a dataset, reading each once; with ``test`` unset the test texts are not read.

    Raises:
        OSError: If the disk is full.
    """
    names = (TRAIN, VALIDATION, TEST, UNLABELLED, SENTENCES, TYPOS)
    texts = (dataset.texts(name) if test or name != TEST else () for name in names)
    return Splits(*_encode_parts(texts, encoder, dataset.labels))


def encode(texts: Iterable[LabelledText], encoder: Encoder, labels: Sequence[str]) -> Encoded:
    """Encode texts, one at a time, into an anonymous file in $TMPDIR that vanishes with them.

    The target of a text without a label is 0.

    Raises:
        OSError: If the disk is full.
    """
    return _encode_parts([texts], encoder, labels)[0]


def _encode_parts(parts: Iterable[Iterable[LabelledText]], encoder: Encoder, labels: Sequence[str]) -> list[Encoded]:
    """Encode several parts as ``encode`` does, all into one file, so that joining them copies no ids."""
    index = {label: place for place, label in enumerate(labels)}
    characters, first = encoder.preprocessing.characters, len(encoder.vocabulary)
    kind = "H" if characters is None else "I"  # at most 65,535 words
    written = []
    with naming_folder(), open_temporary() as file:
        for texts in parts:
            start = file.tell() // array(kind).itemsize
            written.append((start, *_write(texts, encoder, index, kind, file)))
        file.flush()
        # An empty file cannot be mapped.
        mapped: npt.NDArray[Any] = np.memmap(file, np.dtype(kind), "r") if file.tell() else np.zeros(0, np.dtype(kind))
    return [
        Encoded(
            mapped,
            lengths,
            targets,
            encoder.preprocessing.width,
            starts=start + np.cumsum(lengths) - lengths,
            words=words,
            ngrams=None if characters is None else (first, characters.buckets),
            **probabilities.read(),
        )
        for start, lengths, targets, words, probabilities in written
    ]


def _write(
    texts: Iterable[LabelledText], encoder: Encoder, index: Mapping[str, int], kind: str, file: IO[bytes]
) -> tuple[npt.NDArray[np.int64], Targets, npt.NDArray[np.int64], ProbabilityFile]:
    """Write the ids of texts; return their lengths, targets, numbers of words, and probabilities."""
    lengths, targets, words = array("l"), array("l"), array("l")
    probabilities = ProbabilityFile(len(index))
    for text in texts:
        ids = encoder.truncate(text.text)
        file.write(array(kind, ids).tobytes())
        lengths.append(len(ids))
        words.append(encoder.count_words(ids))
        targets.append(0 if text.label is None else index[text.label])
        probabilities.append(targets[-1], text.probabilities)
    return np.array(lengths, np.int64), np.array(targets, np.int64), np.array(words, np.int64), probabilities
