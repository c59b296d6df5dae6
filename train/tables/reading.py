"""Reading a table once, into an index of its usable rows."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection
from pathlib import Path

import numpy as np
from tqdm import tqdm

from edgetext.text import RuleSet
from train.dataset import UNLABELLED, DataError
from train.tables import splits
from train.tables.columns import Columns
from train.tables.faults import Faults
from train.tables.index import TableIndex, code_of
from train.tables.report import LONG_LABEL, NO_LABEL, WISHED, Finding
from train.tables.table import Table
from train.temporary import TextStore

MAX_LABELS = 1_000


class _Rows:
    """Usable rows while they are collected."""

    def __init__(self) -> None:
        self.digests, self.labels, self.lines = array("Q"), array("H"), array("I")
        self.texts = TextStore()

    def add(self, digest: int, label: int, line: int, text: str) -> None:
        self.digests.append(digest)
        self.labels.append(label)
        self.lines.append(line)
        self.texts.append(text)


class _Reader:
    """The rows of a file, sorted into those with a label, those without one, and those that cannot be used."""

    def __init__(self, names: dict[str, int], rules: RuleSet, dropped: Collection[str], keeps_unlabelled: bool) -> None:
        self._names, self._rules, self._dropped = names, rules, dropped
        self._keeps_unlabelled = keeps_unlabelled
        self.faults = Faults()
        self.labelled, self.unlabelled = _Rows(), _Rows()
        self.lost_labels, self.lost_lines = array("H"), array("I")

    def read(self, table: Table, columns: Columns) -> None:
        """Read all rows."""
        for row in tqdm(table.rows(columns), table.path.name, unit=" rows", leave=False, disable=None):
            digest = splits.digest(row.text, self._rules)
            fault = WISHED if row.label and row.label in self._dropped else row.fault
            if digest is None and fault in ("", NO_LABEL) and (row.label or self._keeps_unlabelled):
                fault = "no text"
            if fault == NO_LABEL and digest is not None and self._keeps_unlabelled:
                if columns.label is not None:
                    self.faults.add(row, UNLABELLED)
                self.unlabelled.add(digest, 0, row.line, row.text)
                continue
            if fault or row.collapsed:
                self.faults.add(row, fault or "spaces")
            if fault in (WISHED, LONG_LABEL) or not row.label:
                continue
            place = self._names.setdefault(row.label, len(self._names))
            if len(self._names) > MAX_LABELS:
                raise DataError(
                    f"{table.path}: more than {MAX_LABELS:,} labels: is {columns.label!r} the column of the label?"
                )
            if fault or digest is None:
                self.lost_labels.append(place)
                self.lost_lines.append(row.line)
            else:
                self.labelled.add(digest, place, row.line, row.text)

    def index(self, table: Table, checksum: str, rows: _Rows, split: str, findings: list[Finding]) -> TableIndex:
        """Return an index of some rows, all of one split."""
        return TableIndex(
            table,
            checksum,
            np.array(rows.digests, np.uint64),
            np.array(rows.labels, np.uint16),
            np.array(rows.lines, np.uint32),
            np.full(len(rows.lines), code_of(split), np.uint8),
            rows.texts,
            np.array(self.lost_labels, np.uint16),
            np.array(self.lost_lines, np.uint32),
            self.faults.dropped,
            findings,
        )


def read_index(
    table: Table,
    columns: Columns,
    split: str,
    names: dict[str, int],
    rules: RuleSet,
    dropped: Collection[str] = (),
    *,
    keeps_unlabelled: bool = False,
) -> TableIndex:
    """Read a file once, and keep its usable rows, which are all of ``split`` until they are divided.

    ``names`` has the places of the labels so far; new ones are added. The rows of the labels ``dropped`` are left out,
    and so are those without a label unless ``keeps_unlabelled`` is set.

    Raises:
        DataError: If the file cannot be read, is changed meanwhile, or has too many or too long labels.
    """
    version = _version(table.path)
    reader = _Reader(names, rules, dropped, keeps_unlabelled)
    reader.read(table, columns)
    reader.faults.check_labels(table, str(columns.label))
    checksum = sha256(table.path)
    if _version(table.path) != version:
        raise DataError(f"{table.path}: the file was changed while it was being read")
    found = reader.index(table, checksum, reader.labelled, split, reader.faults.findings(table))
    if keeps_unlabelled:
        found.unlabelled = reader.index(table, checksum, reader.unlabelled, UNLABELLED, [])
    return found


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
