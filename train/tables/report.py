"""The problems that were found in labelled text: what, how often, and on which lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from train.dataset import TEST, TRAIN, UNLABELLED, VALIDATION, DataError

# The kinds of problems, in the order in which they are reported.
KINDS = {
    "encoding": "left out: text that is not valid {detail}",
    "nul": "left out: a NUL character in the text or the label",
    "quotes": "left out: a quotation mark that is never closed, or in the wrong place{detail}",
    "long": "left out: longer than 16 MiB",
    "ragged": "left out: more or fewer columns than the header{detail}",
    "header": "left out: the header again",
    "json": "left out: not a JSON object",
    "text": "left out: the text is not a string",
    "no text": "left out: no word in the text",
    "no label": "left out: no label",
    "label": "left out: the label is not a string",
    "labels": "left out: a list of labels; several labels per text are not supported",
    "control": "left out: a control character in the label",
    "dropped": "left out, as --drop-label says: {detail}",
    "unlabelled": "kept as unlabelled text: no label",
    "probabilities": "left out: probabilities that are missing, negative or no numbers, or do not add up to 1",
    "unsure": "left out: an answer with less than an even share of the probability",
    "spaces": "kept: white space in the label became one space: {detail}",
    "unknown label": "left out: a label that training does not have: {detail}",
    "leak": "left out: same words as a row in {detail}",
    "test copy": "left out: same words as a row to test on",
    "copy": "left out: same words as a row with a label",
    "copy again": "left out: same words as an earlier row without a label",
    "repeated": "kept: same words as an earlier row",
    "conflict": "kept: another label than most rows with the same words, in {detail}",
    "disagree": "kept: another label than the most probable one, {detail}",
    "missing": "kept: a label that may stand for a missing one: {detail}; --drop-label leaves out the rows of a label",
    "alike": "kept: labels that differ only in case, white space, invisible characters or '.0': {detail}",
    "seen once": "kept to fit: the only text of a label: {detail}",
}
# What to do about a file of which no row can be used, by split.
NOTHING_LEFT = {
    TRAIN: "no row is left: add rows that have text and a label",
    VALIDATION: "no row is left for the validation: add rows, or leave out --validation",
    TEST: "no row is left for the test: add rows, or leave out --test",
    UNLABELLED: "no row is left: add texts, or leave the file out",
}
NO_LABEL = "no label"
WISHED = "dropped"
# The kinds that are no problem: what was asked for, what another model thinks, and texts that would teach nothing.
NO_PROBLEMS = (WISHED, "disagree", "test copy", "copy", "copy again")
LONG_LABEL = "long label"  # a kind of fault that is always an error
FIRST = 3  # number of lines that are named
MOST_NAMED = 10  # number of labels that are named


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


def enumerate_first(first: Sequence[object], count: int, most: int = FIRST) -> str:
    """Enumerate the first of ``count`` things: ``4, 17, 33 and 9 more``."""
    more = [f"{count - len(first[:most]):,} more"] if count > len(first[:most]) else []
    *named, last = [*map(str, first[:most]), *more]
    return f"{', '.join(named)} and {last}" if named else last


def enumerate_labels(counts: Mapping[str, int]) -> str:
    """Enumerate labels with the number of rows of each: ``'a' (3) and 'b' (1)``."""
    return enumerate_first([f"{label!r} ({count:,})" for label, count in counts.items()], len(counts), MOST_NAMED)


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
