"""What training needs of its input: labelled texts in splits, from the movie reviews or from a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from edgetext.errors import EdgetextError

TRAIN, VALIDATION, TEST, UNLABELLED = "train", "validation", "test", "unlabelled"
SENTENCES, TYPOS = "sentences", "typos"


class DataError(EdgetextError):
    """The texts cannot be read or used; the message is one line that says why and how to fix it."""


class LabelledText(Protocol):
    """One text: a ``train.reviews.dataset.Review`` or a ``train.tables.dataset.Text``."""

    @property
    def id(self) -> str:
        """Its name, such as ``tickets.csv:17``."""

    @property
    def label(self) -> str | None:
        """Its label; None in the split of unlabelled texts."""

    @property
    def text(self) -> str:
        """The text."""

    @property
    def probabilities(self) -> tuple[float, ...] | None:
        """Those of the dataset's labels, where they are known in place of the label, which is the most probable one."""


class Dataset(Protocol):
    """Labelled texts in splits: ``train.reviews.dataset.Reviews`` or ``train.tables.dataset.TableDataset``."""

    @property
    def name(self) -> str:
        """Name of the task."""

    @property
    def labels(self) -> Sequence[str]:
        """The labels, in the order of the model's outputs."""

    @property
    def vocabulary_splits(self) -> Sequence[str]:
        """The splits that the vocabulary is made from."""

    @property
    def may_be_copied(self) -> bool:
        """Whether a run folder may hold some of the texts."""

    def texts(self, split: str) -> Iterator[LabelledText]:
        """Yield the texts of a split; none if there is no such split. May be called repeatedly."""

    def describe(self) -> dict[str, Any]:
        """Return the dataset's part of ``config.json``."""
