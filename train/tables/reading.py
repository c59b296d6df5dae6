"""Reading a table once, into an index of its usable rows."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from edgetext.text import RuleSet
from train.dataset import UNLABELLED, DataError
from train.tables import splits
from train.tables.columns import MAX_LABELS, Columns
from train.tables.faults import Faults
from train.tables.index import TableIndex, code_of
from train.tables.plan import TablePlan
from train.tables.probabilities import GivenProbabilities
from train.tables.report import LONG_LABEL, NO_LABEL, NOTHING_LEFT, WISHED, Finding, ReportedError
from train.tables.table import Row, Table
from train.temporary import TextStore


class _Rows:
    """Usable rows while they are collected."""

    def __init__(self, *, has_probabilities: bool = False) -> None:
        self.digests, self.labels, self.lines, self.soft = array("Q"), array("H"), array("I"), array("B")
        self.texts = TextStore()
        self.probabilities = TextStore() if has_probabilities else None

    def add(self, digest: int, label: int, row: Row, probabilities: str = "") -> None:
        self.digests.append(digest)
        self.labels.append(label)
        self.lines.append(row.line)
        self.texts.append(row.text)
        if self.probabilities is not None:
            self.probabilities.append(probabilities)
            self.soft.append(not row.label)


class _Reader:
    """The rows of a file, sorted into those with a label, those without one, and those that cannot be used."""

    def __init__(
        self,
        names: dict[str, int],
        rules: RuleSet,
        dropped: Collection[str],
        given: GivenProbabilities | None,
        *,
        keeps_unlabelled: bool,
    ) -> None:
        self._names, self._rules, self._dropped, self._given = names, rules, dropped, given
        self._keeps_unlabelled = keeps_unlabelled
        self.faults = Faults()
        self.labelled, self.unlabelled = _Rows(has_probabilities=given is not None), _Rows()
        self.lost_labels, self.lost_lines = array("H"), array("I")

    def read(self, table: Table, columns: Columns) -> None:
        """Read all rows."""
        is_labelled = columns.all != [*columns.texts]  # else it is a file of unlabelled texts
        for row in tqdm(table.rows(columns), table.path.name, unit=" rows", leave=False, disable=None):
            digest = splits.digest(row.text, self._rules)
            probabilities, kind = self._judge(table, row, has_words=digest is not None)
            if is_labelled if kind == UNLABELLED else kind:
                self.faults.add(row, kind)
            elif row.collapsed and row.label:
                self.faults.add(row, "spaces")
            if digest is not None and kind == UNLABELLED:
                self.unlabelled.add(digest, 0, row)
            elif digest is not None and not kind:
                self.labelled.add(digest, self._place(table, columns, row), row, probabilities)
            elif row.label and kind not in (WISHED, LONG_LABEL):
                self.lost_labels.append(self._place(table, columns, row))
                self.lost_lines.append(row.line)

    def _judge(self, table: Table, row: Row, *, has_words: bool) -> tuple[str, str]:
        """Return the probabilities of a row, and the kind of its fault, or ``UNLABELLED``; empty if there is none."""
        if row.label and row.label in self._dropped:
            return "", WISHED
        probabilities, kind = "", row.fault
        if self._given is not None and kind in ("", NO_LABEL):
            probabilities, wrong = self._given.parse(table.path, row.line, row.probabilities)
            if kind == NO_LABEL:
                kind = "" if probabilities else wrong or NO_LABEL
        if kind == NO_LABEL and self._keeps_unlabelled:
            kind = UNLABELLED
        return probabilities, "no text" if not has_words and kind in ("", UNLABELLED) else kind

    def _place(self, table: Table, columns: Columns, row: Row) -> int:
        """Return the place of the label of a row; that of one with probabilities is found later."""
        place = self._names.setdefault(row.label, len(self._names)) if row.label else 0
        if len(self._names) > MAX_LABELS:
            raise DataError(
                f"{table.path}: more than {MAX_LABELS:,} labels: is {columns.label!r} the column of the label?"
            )
        return place

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
            probabilities=rows.probabilities,
            soft=None if rows.probabilities is None else np.array(rows.soft, bool),
        )


def read_index(
    table: Table,
    columns: Columns,
    split: str,
    names: dict[str, int],
    rules: RuleSet,
    dropped: Collection[str] = (),
    given: GivenProbabilities | None = None,
    *,
    keeps_unlabelled: bool = False,
) -> TableIndex:
    """Read a file once, and keep its usable rows, which are all of ``split`` until they are divided.

    ``names`` has the places of the labels so far; new ones are added. The rows of the labels ``dropped`` are left out,
    and so are those without a label, unless they have probabilities, which ``given`` reads, or ``keeps_unlabelled`` is
    set.

    Raises:
        DataError: If the file cannot be read, is changed meanwhile, or has too many or too long labels.
    """
    version = _version(table.path)
    reader = _Reader(names, rules, dropped, given if columns.probabilities else None, keeps_unlabelled=keeps_unlabelled)
    reader.read(table, columns)
    reader.faults.check_labels(table, str(columns.label))
    checksum = sha256(table.path)
    if _version(table.path) != version:
        raise DataError(f"{table.path}: the file was changed while it was being read")
    found = reader.index(table, checksum, reader.labelled, split, reader.faults.findings(table))
    if keeps_unlabelled:
        found.unlabelled = reader.index(table, checksum, reader.unlabelled, UNLABELLED, [])
    return found


def read_unlabelled(files: Mapping[str, TableIndex], plan: TablePlan) -> tuple[TableIndex, ...]:
    """Return the texts without a label: those of the table, if there are any, and those of their own files.

    Raises:
        ReportedError: If no row of such a file can be used.
        DataError: If it cannot be read.
    """
    own = files["train"].unlabelled
    found = [own] if own is not None and len(own.lines) else []
    for table, columns in plan.unlabelled:
        index = read_index(table, columns, UNLABELLED, {}, plan.options.rules, keeps_unlabelled=True)
        assert index.unlabelled is not None
        if not len(index.unlabelled.lines):
            raise ReportedError(f"{table.path}: {NOTHING_LEFT[UNLABELLED]}", index.findings)
        index.unlabelled.findings = index.findings
        found.append(index.unlabelled)
    return tuple(found)


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
