"""The usable rows of a table: their texts in a temporary file, and a few numbers for each in memory."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edgetext.text import RuleSet
from train.dataset import DataError
from train.tables import splits
from train.tables.columns import Columns
from train.tables.faults import Faults
from train.tables.report import FIRST, LONG_LABEL, WISHED, Finding, enumerate_labels
from train.tables.table import Table
from train.temporary import TextStore

SPLITS = ("train", "validation", "test")
MAX_LABELS = 1_000


@dataclass
class TableIndex:
    """The usable rows of a file: 23 bytes each, in addition to the texts in their temporary file."""

    table: Table
    sha256: str  # of the file's bytes
    digests: splits.Digests  # of the rows' words; shape (rows,), like the arrays that follow
    labels: splits.Labels  # the places of the rows' labels in a list that all files share
    lines: npt.NDArray[np.uint32]  # on which the rows begin
    parts: npt.NDArray[np.uint8]  # 0 for a row that is left out, else 1 and its split's place in SPLITS
    texts: TextStore
    lost_labels: splits.Labels  # of the rows that cannot be used but have a label; shape (lost,)
    lost_lines: npt.NDArray[np.uint32]  # on which these begin
    dropped: frozenset[str]  # labels of which rows were left out as wished
    findings: list[Finding]

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
        self.parts[left[drawn]] = _code(split)

    def renumber(self, places: splits.Labels) -> None:
        """Replace the place of each label by ``places[place]``."""
        self.labels, self.lost_labels = places[self.labels], places[self.lost_labels]

    def lines_left_out(self, label: int) -> list[int]:
        """Return the lines of the rows of a label that are left out."""
        left_out = self.lines[(self.labels == label) & (self.parts == 0)]
        return sorted([*left_out.tolist(), *self.lost_lines[self.lost_labels == label].tolist()])

    def places(self, split: str) -> npt.NDArray[np.intp]:
        """Return the places of a split's rows."""
        return np.flatnonzero(self.parts == _code(split))

    def count(self, split: str, labels: int = 0) -> list[int]:
        """Return the number of a split's rows by label, at least ``labels`` numbers."""
        counts: list[int] = np.bincount(self.labels[self.places(split)], minlength=labels).tolist()
        return counts

    def rows(self, split: str) -> Iterator[tuple[int, int, str]]:
        """Yield line, place of the label, and text of each of a split's rows."""
        places = self.places(split)
        for place, text in zip(places, self.texts.read(map(int, places))):
            yield int(self.lines[place]), int(self.labels[place]), text


def _code(split: str) -> int:
    return SPLITS.index(split) + 1


def read_index(
    table: Table,
    columns: Columns,
    split: str,
    names: dict[str, int],
    rules: RuleSet,
    dropped: Collection[str] = (),
) -> TableIndex:
    """Read a file once, and keep its usable rows, which are all of ``split`` until they are divided.

    ``names`` has the places of the labels so far; new ones are added. The rows of the labels ``dropped`` are left out.

    Raises:
        DataError: If the file cannot be read, is changed meanwhile, or has too many or too long labels.
    """
    version = _version(table.path)
    digests, labels, lines = array("Q"), array("H"), array("I")
    lost_labels, lost_lines = array("H"), array("I")
    texts, faults = TextStore(), Faults()
    for row in tqdm(table.rows(columns), table.path.name, unit=" rows", leave=False, disable=None):
        digest = splits.digest(row.text, rules)
        fault = WISHED if row.label and row.label in dropped else row.fault or ("no text" if digest is None else "")
        if fault or row.collapsed:
            faults.add(row, fault or "spaces")
        if fault in (WISHED, LONG_LABEL) or not row.label:
            continue
        place = names.setdefault(row.label, len(names))
        if len(names) > MAX_LABELS:
            raise DataError(
                f"{table.path}: more than {MAX_LABELS:,} labels: is {columns.label!r} the column of the label?"
            )
        if fault or digest is None:
            lost_labels.append(place)
            lost_lines.append(row.line)
            continue
        digests.append(digest)
        labels.append(place)
        lines.append(row.line)
        texts.append(row.text)
    faults.check_labels(table, columns.label)
    checksum = sha256(table.path)
    if _version(table.path) != version:
        raise DataError(f"{table.path}: the file was changed while it was being read")
    return TableIndex(
        table,
        checksum,
        np.array(digests, np.uint64),
        np.array(labels, np.uint16),
        np.array(lines, np.uint32),
        np.full(len(lines), _code(split), np.uint8),
        texts,
        np.array(lost_labels, np.uint16),
        np.array(lost_lines, np.uint32),
        faults.dropped,
        faults.findings(table),
    )


def _version(path: Path) -> tuple[int, int]:
    """Return the size and the time of the last change."""
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    return status.st_size, status.st_mtime_ns


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        DataError: If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    return digest.hexdigest()
