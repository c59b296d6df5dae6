"""What a training reads, wherever it comes from: labelled texts in splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from train import data
from train.rows import split_validation

# To fit, to validate, to test, and without a label.
TRAIN, VALIDATION, TEST, UNLABELLED = "train", "validation", "test", "unlabelled"


class LabelledText(Protocol):
    """A text of a corpus: one of ``train.data.Review`` and ``train.texts.Text``."""

    @property
    def id(self) -> str:
        """What it is called, such as ``tickets.csv:17``."""

    @property
    def label(self) -> str | None:
        """Its class; None in the split of unlabelled texts."""

    @property
    def text(self) -> str:
        """The text."""


class Corpus(Protocol):
    """Labelled texts: ``Reviews`` here, ``train.texts.Texts`` for those of one's own."""

    @property
    def name(self) -> str:
        """What the task is called."""

    @property
    def labels(self) -> Sequence[str]:
        """The classes, in the order of the model's outputs."""

    def rows(self, split: str) -> Iterator[LabelledText]:
        """Read the texts of a split, as often as it is called; none, where there is no such split."""

    def describe(self) -> dict[str, Any]:
        """Give what ``config.json`` is to tell of the texts."""


class Reviews:
    """The movie reviews."""

    name = "imdb"
    labels = data.LABELS

    def __init__(self, source: str | None, validation: int, *, by_movie: bool) -> None:
        """Load the reviews to train on.

        Args:
            source: As for ``data.prepare``.
            validation: How many of them to validate.
            by_movie: As for ``rows.split_validation``.

        Raises:
            data.DataError: They cannot be had.
            ValueError: ``validation`` leaves none to fit.
        """
        self._source = source
        fitted, validated = split_validation(data.load_split("train", source), validation, by_movie=by_movie)
        self._splits = {TRAIN: fitted, VALIDATION: validated}

    def rows(self, split: str) -> Iterator[data.Review]:
        """Give the reviews of a split; see ``Corpus``."""
        if split in self._splits:
            return iter(self._splits[split])
        return iter(data.load_split(data.UNLABELLED if split == UNLABELLED else split, self._source))

    def describe(self) -> dict[str, Any]:
        """Name the data set, and count the reviews to train on."""
        count = sum(map(len, self._splits.values()))
        return {"name": "Large Movie Review Dataset v1.0", "reviews": {"train": count}}
