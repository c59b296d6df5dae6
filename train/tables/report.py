"""The problems that were found in labelled text: what, how often, and on which lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from train.dataset import DataError

# The kinds of problems, in the order in which they are reported.
KINDS = {
    "encoding": "left out: text that is not valid {detail} (--encoding names another, such as windows-1252)",
    "quotes": "left out: a quotation mark that is never closed, or in the wrong place",
    "ragged": "left out: more or fewer columns than the header",
    "json": "left out: not a JSON object",
    "text": "left out: the text is not a string",
    "no text": "left out: no word in the text",
    "no label": "left out: no label",
    "label": "left out: a label that is not a string of at most 100 printable characters",
    "unknown label": "left out: a label that training does not have",
    "duplicate": "left out: same words and label as an earlier row",
    "contradiction": "left out: same words as an earlier row with another label",
    "leak": "left out: same words as a row in {detail}",
    "repeated": "kept: same words as an earlier row",
    "seen once": "kept to fit: the only row of a label: {detail}",
}
FIRST = 3  # number of lines that are named


class Finding(NamedTuple):
    """Rows of a file with the same problem."""

    kind: str  # one of KINDS
    file: str
    rows: int
    lines: tuple[int, ...]  # on which the first of them begin
    unit: str = "line"  # or "row", which the numbers count then
    detail: str = ""

    def __str__(self) -> str:
        rows = f"{self.rows:,} row{'s' * (self.rows > 1)}"
        where = f"{self.unit}{'s' * (self.rows > 1)} {enumerate_first(self.lines, self.rows)}"
        return f"{self.file}: {rows} {KINDS[self.kind].format(detail=self.detail)} ({where})"


def enumerate_first(first: Sequence[object], count: int) -> str:
    """Enumerate the first of ``count`` things: ``4, 17, 33 and 9 more``."""
    more = [f"{count - len(first[:FIRST]):,} more"] if count > len(first[:FIRST]) else []
    *named, last = [*map(str, first[:FIRST]), *more]
    return f"{', '.join(named)} and {last}" if named else last


def count_rows(findings: Iterable[Finding]) -> dict[str, dict[str, int]]:
    """Return the number of rows by file and kind of problem."""
    counts: dict[str, dict[str, int]] = {}
    for finding in findings:
        of_file = counts.setdefault(finding.file, {})
        of_file[finding.kind] = of_file.get(finding.kind, 0) + finding.rows
    return counts


class ReportedError(DataError):
    """The texts cannot be used; ``findings`` are the problems that were found in them."""

    def __init__(self, message: str, findings: Sequence[Finding]) -> None:
        super().__init__(message)
        self.findings = findings
