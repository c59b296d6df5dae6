"""The usable rows of a table: their texts in a temporary file, and a few numbers for each in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from train.dataset import UNLABELLED
from train.tables import splits
from train.tables.report import FIRST, Finding, enumerate_labels
from train.tables.table import Table
from train.temporary import TextStore

SPLITS = ("train", "validation", "test")
_PARTS = (*SPLITS, UNLABELLED)


@dataclass
class TableIndex:
    """The usable rows of a file: 23 bytes each, in addition to the texts in their temporary file."""

    table: Table
    sha256: str  # of the file's bytes
    digests: splits.Digests  # of the rows' words; shape (rows,), like the arrays that follow
    labels: splits.Labels  # the places of the rows' labels in a list that all files share
    lines: npt.NDArray[np.uint32]  # on which the rows begin
    parts: npt.NDArray[np.uint8]  # 0 for a row that is left out, else its split's code
    texts: TextStore
    lost_labels: splits.Labels  # of the rows that cannot be used but have a label; shape (lost,)
    lost_lines: npt.NDArray[np.uint32]  # on which these begin
    dropped: frozenset[str]  # labels of which rows were left out as wished
    findings: list[Finding]
    probabilities: TextStore | None = None  # of each row, in JSON; None if no row has any
    soft: splits.Mask | None = None  # which rows have no label, and that of the highest probability instead
    unlabelled: TableIndex | None = None  # the rows of the file that have no label; None if they are left out

    def find(self, kind: str, rows: splits.Mask, detail: str = "", *, keep: bool = False) -> None:
        """Report those rows of ``rows`` that are not left out yet, and leave them out unless ``keep`` is set."""
        rows = rows & (self.parts > 0)
        if count := int(rows.sum()):
            lines = tuple(self.lines[np.flatnonzero(rows)[:FIRST]].tolist())
            self.findings.append(Finding(kind, self.table.path.name, count, lines, self.table.unit, detail))
        if not keep:
            self.parts[rows] = 0

    def find_repeated(self) -> None:
        """Report the rows that have the words of an earlier row, and those with another label than most of them."""
        used = np.flatnonzero(self.parts)
        digests, labels = self.digests[used], self.labels[used]
        texts = splits.group_texts(digests, labels)
        repeated, conflict = np.zeros((2, len(self.parts)), bool)
        repeated[used] = splits.find_repeated(digests)
        conflict[used] = texts.labels[texts.places(digests)] != labels
        self.find("repeated", repeated, keep=True)
        count = len(np.unique(self.digests[conflict]))
        self.find("conflict", conflict, f"{count:,} text{'s' * (count > 1)}", keep=True)

    def find_labels(self, kind: str, names: Mapping[int, str], *, keep: bool = False) -> None:
        """Report the rows of some labels, as ``find`` does, with the number of rows of each; ``names`` are by place."""
        counts = np.bincount(self.labels[self.parts > 0], minlength=max(names, default=0) + 1)
        rows = np.isin(self.labels, list(names))
        found = {name: int(counts[place]) for place, name in names.items() if counts[place]}
        self.find(kind, rows, enumerate_labels(found) if found else "", keep=keep)

    def find_known(self, other: TableIndex) -> None:
        """Leave out the rows that have the words of a row of another file, unless that row is left out itself."""
        self.find("leak", np.isin(self.digests, other.digests[other.parts > 0]), other.table.path.name)

    def draw(self, total: int, split: str, seed: int) -> None:
        """Move some of the rows to train on to another split."""
        left = self.places("train")
        drawn = splits.draw(self.digests[left], self.labels[left], total, seed)
        self.parts[left[drawn]] = code_of(split)

    def renumber(self, places: splits.Labels) -> None:
        """Replace the place of each label by ``places[place]``."""
        self.labels, self.lost_labels = places[self.labels], places[self.lost_labels]

    def lines_left_out(self, label: int) -> list[int]:
        """Return the lines of the rows of a label that are left out."""
        left_out = self.lines[(self.labels == label) & (self.parts == 0)]
        return sorted([*left_out.tolist(), *self.lost_lines[self.lost_labels == label].tolist()])

    def places(self, split: str) -> npt.NDArray[np.intp]:
        """Return the places of a split's rows."""
        return np.flatnonzero(self.parts == code_of(split))

    def count(self, split: str, labels: int = 0) -> list[int]:
        """Return the number of a split's rows by label, at least ``labels`` numbers."""
        counts: list[int] = np.bincount(self.labels[self.places(split)], minlength=labels).tolist()
        return counts

    def rows(self, split: str) -> Iterator[tuple[int, int, str, str]]:
        """Yield of each row of a split its line, its label's place, its text, and probabilities if it has no label."""
        places = self.places(split)
        for place, text in zip(places, self.texts.read(map(int, places))):
            given = ""
            if self.probabilities is not None and self.soft is not None and self.soft[place]:
                (given,) = self.probabilities.read([int(place)])
            yield int(self.lines[place]), int(self.labels[place]), text, given

    def label_by(self, find_label: Callable[[str], int | None]) -> None:
        """Label the rows that have none by their highest probability; report rows whose own label is another one.

        ``find_label`` returns the place of that label, given the probabilities; None leaves the row out.
        """
        if self.probabilities is None or self.soft is None:
            return
        unsure, other = np.zeros((2, len(self.soft)), bool)
        both = 0
        for place, given in enumerate(self.probabilities.read(range(len(self.soft)))):
            label = find_label(given) if given else None
            if not self.soft[place]:
                other[place] = label is not None and label != self.labels[place]
                both += label is not None
            elif label is None:
                unsure[place] = True
            else:
                self.labels[place] = label
        self.find("unsure", unsure)
        share = other.sum() / max(both, 1)
        self.find("disagree", other, f"{share:.0%} of the rows that have a label and probabilities", keep=True)


def code_of(split: str) -> int:
    """Return the number that stands for a split in ``TableIndex.parts``."""
    return _PARTS.index(split) + 1
