"""The usable rows of a table: their texts in a temporary file, and a few numbers for each in memory."""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from train.dataset import DataError
from train.tables import splits
from train.tables.columns import Columns
from train.tables.report import FIRST, KINDS, Finding
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
    findings: list[Finding] = field(default_factory=list)

    def find(self, kind: str, rows: splits.Mask, detail: str = "", *, keep: bool = False) -> None:
        """Report those rows of ``rows`` that are not left out yet, and leave them out unless ``keep`` is set."""
        rows = rows & (self.parts > 0)
        if count := int(rows.sum()):
            lines = tuple(self.lines[np.flatnonzero(rows)[:FIRST]].tolist())
            self.findings.append(Finding(kind, self.table.path.name, count, lines, self.table.unit, detail))
        if not keep:
            self.parts[rows] = 0

    def find_repeated(self, *, keep: bool) -> None:
        """Report the rows that have the words of an earlier row."""
        duplicate, contradiction = splits.find_repeated(self.digests, self.labels)
        if keep:
            self.find("repeated", duplicate | contradiction, keep=True)
        else:
            self.find("duplicate", duplicate)
            self.find("contradiction", contradiction)

    def find_known(self, other: TableIndex) -> None:
        """Leave out the rows that have the words of a row of another file, unless that row is left out itself."""
        self.find("leak", np.isin(self.digests, other.digests[other.parts > 0]), other.table.path.name)

    def draw(self, total: int, split: str, seed: int) -> None:
        """Move some of the rows to train on to another split."""
        left = self.places("train")
        drawn = splits.draw(self.digests[left], self.labels[left], total, seed)
        self.parts[left[drawn]] = _code(split)

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


def read_index(table: Table, columns: Columns, split: str, names: dict[str, int], lowercase: str) -> TableIndex:
    """Read a file once, and keep its usable rows, which are all of ``split`` until they are divided.

    ``names`` has the places of the labels so far; new ones are added.

    Raises:
        DataError: If the file cannot be read, is changed meanwhile, or has too many labels.
    """
    version = _version(table.path)
    digests, labels, lines = array("Q"), array("H"), array("I")
    texts = TextStore()
    faults: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
    for row in tqdm(table.rows(columns), table.path.name, unit=" rows", leave=False, disable=None):
        digest = None if row.fault else splits.digest(row.text, lowercase)
        if digest is None:
            faults[row.fault or "no text"].append(row.line)
            continue
        digests.append(digest)
        labels.append(names.setdefault(row.label, len(names)))
        lines.append(row.line)
        texts.append(row.text)
        if len(names) > MAX_LABELS:
            raise DataError(
                f"{table.path}: more than {MAX_LABELS:,} labels: is {columns.label!r} the column of the label?"
            )
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
        [
            Finding(kind, table.path.name, len(found), tuple(found[:FIRST]), table.unit, table.encoding)
            for kind in KINDS
            if (found := faults.get(kind))
        ],
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
