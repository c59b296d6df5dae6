"""The rows that are reported while a table is read: which, on what lines, and of which labels."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict

from train.dataset import DataError
from train.tables.columns import MAX_LABEL
from train.tables.report import FIRST, KINDS, LONG_LABEL, WISHED, Finding, enumerate_first, enumerate_labels
from train.tables.table import Row, Table


class Faults:
    """The rows with a fault, and those of other kinds that are reported: 4 bytes each."""

    def __init__(self) -> None:
        self._lines: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        self._labels: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, row: Row, kind: str) -> None:
        """Add a row to a kind; of long labels only the first one's rows."""
        if kind in NAMED_KINDS:
            if kind == LONG_LABEL and row.label not in (self._labels[kind] or [row.label]):
                return
            self._labels[kind][row.label] += 1
        self._lines[kind].append(row.line)

    @property
    def dropped(self) -> frozenset[str]:
        """The labels of rows that were left out as wished."""
        return frozenset(self._labels[WISHED])

    def check_labels(self, table: Table, column: str) -> None:
        """Raise DataError if a label is too long."""
        for label in self._labels[LONG_LABEL]:
            lines = self._lines[LONG_LABEL]
            raise DataError(
                f"{table.path}: a label has {len(label):,} characters, more than {MAX_LABEL}: {label[:40] + '...'!r} "
                f"({table.unit}{'s' * (len(lines) > 1)} {enumerate_first(lines[:FIRST], len(lines))}); is {column!r} "
                "the column of the label?"
            )

    def findings(self, table: Table) -> list[Finding]:
        """Return the findings, in the order of ``KINDS``."""
        return [
            Finding(
                kind,
                table.path.name,
                len(found),
                tuple(found[:FIRST]),
                table.unit,
                enumerate_labels(self._labels[kind]) if kind in NAMED_KINDS else table.explain(kind),
            )
            for kind in KINDS
            if (found := self._lines.get(kind))
        ]


NAMED_KINDS = (LONG_LABEL, WISHED, "spaces")  # whose labels are counted
