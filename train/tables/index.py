"""What is kept of a file of texts while it is checked and divided: a few numbers a row."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from train.dataset import DataError
from train.tables import splits
from train.tables.columns import Columns
from train.tables.report import FIRST, KINDS, Finding, Report
from train.tables.table import Row, Table

SPLITS = ("train", "validation", "test")
MAX_LABELS = 1_000


@dataclass
class Index:
    """The usable rows of a file, 15 bytes each.

    Attributes:
        table: The file.
        sha256: Of the file's bytes.
        version: Its size and the time of its last change, when it was read.
        digests: Of the rows' words; shape (rows,), as all that follow.
        labels: The places of the labels in a list that all files share.
        lines: Where the rows begin.
        parts: 0 for a row that is left out, else 1 and its split's place in ``SPLITS``.
        findings: What was found in the file.
    """

    table: Table
    sha256: str
    version: tuple[int, int]
    digests: splits.Digests
    labels: splits.Labels
    lines: npt.NDArray[np.uint32]
    parts: npt.NDArray[np.uint8]
    findings: list[Finding] = field(default_factory=list)

    def find(self, kind: str, rows: splits.Mask, detail: str = "", *, keep: bool = False) -> None:
        """Report those of some rows that are not left out yet, and leave them out unless they are to be kept."""
        rows = rows & (self.parts > 0)
        if count := int(rows.sum()):
            lines = tuple(self.lines[np.flatnonzero(rows)[:FIRST]].tolist())
            self.findings.append(Finding(kind, self.table.path.name, count, lines, self.table.unit, detail))
        if not keep:
            self.parts[rows] = 0

    def find_repeated(self, *, keep: bool) -> None:
        """Report rows whose words an earlier row has."""
        duplicate, contradiction = splits.find_repeated(self.digests, self.labels)
        if keep:
            self.find("repeated", duplicate | contradiction, keep=True)
        else:
            self.find("duplicate", duplicate)
            self.find("contradiction", contradiction)

    def find_known(self, other: Index) -> None:
        """Leave out rows whose words a row of another file has that is not left out itself."""
        self.find("leak", np.isin(self.digests, other.digests[other.parts > 0]), other.table.path.name)

    def draw(self, total: int, split: str, seed: int) -> None:
        """Put some of the rows to train on into another split."""
        left = np.flatnonzero(self.parts == _code("train"))
        drawn = splits.draw(self.digests[left], self.labels[left], total, seed)
        self.parts[left[drawn]] = _code(split)

    def count(self, split: str, labels: int = 0) -> list[int]:
        """Count the rows of a split by label."""
        counts: list[int] = np.bincount(self.labels[self.parts == _code(split)], minlength=labels).tolist()
        return counts

    def rows(self, split: str, columns: Columns) -> Iterator[Row]:
        """Read the rows of a split again.

        Raises:
            DataError: The file cannot be read, or was changed since it was read first.
        """
        if _version(self.table.path) != self.version:
            raise DataError(f"{self.table.path}: the file was changed while it was in use")
        lines = self.lines[self.parts == _code(split)]
        wanted = iter(memoryview(lines))
        line = next(wanted, 0)
        for row in self.table.rows(columns):
            if row.line == line:
                yield row
                line = next(wanted, 0)
            if not line:
                return


def _version(path: Path) -> tuple[int, int]:
    """Give what tells that a file was changed.

    Raises:
        DataError: The file is not there any more.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None
    return status.st_size, status.st_mtime_ns


def _code(split: str) -> int:
    return SPLITS.index(split) + 1


def check_columns(table: Table, columns: Columns) -> None:
    """Refuse a file that lacks columns.

    Raises:
        DataError: It does, or cannot be read.
    """
    present = table.columns()
    if lacking := [name for name in [*columns.texts, columns.label] if name not in present]:
        raise DataError(
            f"{table.path}: no column is called {lacking[0]!r}; the columns are {', '.join(map(repr, present))}"
        )


def read_index(table: Table, columns: Columns, split: str, names: dict[str, int], lowercase: str) -> Index:
    """Read a file, and keep what is needed of each of its usable rows.

    Args:
        table: The file.
        columns: Where text and label are.
        split: The split that its rows belong to, as long as nothing else is decided.
        names: The labels so far and their places; new ones are added.
        lowercase: As for ``edgetext.text.tokenize``.

    Raises:
        DataError: The file cannot be read, has not these columns, or too many labels.
    """
    check_columns(table, columns)
    version = _version(table.path)
    digests, labels, lines = array("Q"), array("H"), array("I")
    faults: dict[str, int] = {}
    first: dict[str, list[int]] = {}
    for row in tqdm(table.rows(columns), table.path.name, unit=" rows", leave=False, disable=None):
        digest = None if row.fault else splits.digest(row.text, lowercase)
        if digest is None:
            fault = row.fault or "no text"
            faults[fault] = faults.get(fault, 0) + 1
            if len(noted := first.setdefault(fault, [])) < FIRST:
                noted.append(row.line)
            continue
        digests.append(digest)
        labels.append(names.setdefault(row.label, len(names)))
        lines.append(row.line)
        if len(names) > MAX_LABELS:
            raise DataError(
                f"{table.path}: more than {MAX_LABELS:,} labels: is {columns.label!r} the column of the label?"
            )
    return Index(
        table,
        sha256(table.path),
        version,
        np.array(digests, np.uint64),
        np.array(labels, np.uint16),
        np.array(lines, np.uint32),
        np.full(len(lines), _code(split), np.uint8),
        [
            Finding(kind, table.path.name, faults[kind], tuple(first[kind]), table.unit, table.encoding)
            for kind in KINDS
            if kind in faults
        ],
    )


def gather(files: Mapping[str, Index]) -> Report:
    """Put together what was found in files."""
    return Report(tuple(finding for found in files.values() for finding in found.findings))


def sha256(path: Path) -> str:
    """Give the SHA-256 of a file.

    Raises:
        DataError: It cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    return digest.hexdigest()
