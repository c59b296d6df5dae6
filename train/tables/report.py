"""What was found in labelled text that its owner should know: what, how often, and on which lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from train.dataset import DataError

# The kinds of what can be found, in the order in which they are told.
KINDS = {
    "encoding": "left out: no text in the encoding {detail} (another, such as windows-1252, is named with --encoding)",
    "quotes": "left out: a quotation mark that is never closed, or in the wrong place",
    "ragged": "left out: more or fewer columns than the header has",
    "json": "left out: no JSON object",
    "text": "left out: the text is no string",
    "no text": "left out: no word in the text",
    "no label": "left out: no label",
    "label": "left out: not a label, which is at most 100 printable characters",
    "unknown label": "left out: a label that training has not",
    "duplicate": "left out: the words and the label of an earlier row",
    "contradiction": "left out: the words of an earlier row with another label",
    "leak": "left out: the words of a row in {detail}",
    "repeated": "kept: the words of an earlier row",
    "seen once": "kept to fit: the only row of a label: {detail}",
}
# So many lines are named.
FIRST = 3


class Finding(NamedTuple):
    """Rows of a file with the same fault.

    Attributes:
        kind: One of ``KINDS``.
        file: The file's name.
        rows: How many rows there are.
        lines: Where the first of them begin.
        unit: What ``lines`` counts: ``"line"`` or ``"row"``.
        detail: What else there is to say.
    """

    kind: str
    file: str
    rows: int
    lines: tuple[int, ...]
    unit: str = "line"
    detail: str = ""

    def __str__(self) -> str:
        rows = f"{self.rows:,} row{'s' * (self.rows > 1)}"
        return f"{self.file}: {rows} {KINDS[self.kind].format(detail=self.detail)} ({self._where()})"

    def _where(self) -> str:
        """Name lines: ``lines 4, 17, 33 and 9 more``."""
        return f"{self.unit}{'s' * (self.rows > 1)} {enumerate_first(self.lines, self.rows)}"


def enumerate_first(first: Sequence[object], count: int) -> str:
    """Name the first of ``count`` things: ``4, 17, 33 and 9 more``."""
    more = [f"{count - len(first[:FIRST]):,} more"] if count > len(first[:FIRST]) else []
    *named, last = [*map(str, first[:FIRST]), *more]
    return f"{', '.join(named)} and {last}" if named else last


class Report(NamedTuple):
    """All that was found.

    Attributes:
        findings: In the order of the files, and of ``KINDS``.
    """

    findings: tuple[Finding, ...] = ()

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Rows by file and kind."""
        counts: dict[str, dict[str, int]] = {}
        for finding in self.findings:
            of_file = counts.setdefault(finding.file, {})
            of_file[finding.kind] = of_file.get(finding.kind, 0) + finding.rows
        return counts

    def lines(self) -> list[str]:
        """Give a line for people for each finding."""
        return [str(finding) for finding in self.findings]


class ReportedError(DataError):
    """The texts cannot be used; what was found in them is told by ``report``."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report
