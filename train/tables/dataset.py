"""Your own labelled text as a dataset: a table read once, checked, and divided into splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from train.dataset import TRAIN, VALIDATION, DataError
from train.tables.columns import Columns
from train.tables.division import divide, ordered
from train.tables.index import SPLITS, TableIndex, read_index
from train.tables.options import TableOptions, TablePlan, make_plan
from train.tables.report import WISHED, Finding, ReportedError, count_rows
from train.tables.table import is_table, stem


class Text(NamedTuple):
    """A labelled text; its id is the name of its file and the line on which it begins, ``tickets.csv:17``."""

    id: str
    label: str
    text: str


@dataclass(frozen=True)
class TableDataset:
    """Labelled texts in splits, as a ``train.dataset.Dataset``."""

    options: TableOptions
    columns: Columns
    labels: tuple[str, ...]  # by number if all are whole numbers, else by code points
    counts: dict[str, dict[str, int]]  # rows by split (SPLITS) and label; {} for a split that does not exist
    findings: tuple[Finding, ...]  # in the order of the files and of report.KINDS
    files: dict[str, TableIndex]  # by split: "train", from which splits without a file are drawn, and the others
    names: tuple[str, ...]  # all labels by the place that the files refer to
    vocabulary_splits: tuple[str, ...] = (TRAIN, VALIDATION)
    may_be_copied: bool = True

    @property
    def name(self) -> str:
        """The name of the file to train on, without its endings."""
        return stem(self.options.data)

    def texts(self, split: str) -> Iterator[Text]:
        """Yield the texts of a split, in the order of the file; one at a time is in memory."""
        if self.counts.get(split):
            found = self.files.get(split) or self.files["train"]
            file = found.table.path.name
            for line, label, text in found.rows(split):
                yield Text(f"{file}:{line}", self.names[label], text)

    def notes(self) -> list[str]:
        """Return what a user should see: guessed columns, and the problems that were found."""
        tables = [found.table for found in self.files.values()]
        detected = [f"{table.path.name}: detected {', '.join(table.notes)}" for table in tables if table.notes]
        return [*detected, *([str(self.columns)] if self.columns.guessed else []), *map(str, self.findings)]

    def describe(self) -> dict[str, Any]:
        """Return the dataset's part of ``config.json``, which suffices to divide it again; it names no folder."""
        options = self.options
        return {
            "name": self.name,
            "files": {
                split: {"name": found.table.path.name, "sha256": found.sha256} for split, found in self.files.items()
            },
            "text_columns": list(self.columns.texts),
            "label_column": self.columns.label,
            "validation": _without_folder(options.validation),
            "test": _without_folder(options.test),
            "split_seed": options.split_seed,
            "drop_labels": list(options.drop_labels),
            "encoding": options.encoding,
            "delimiter": options.delimiter,
            "quote": options.quote,
            "escape": options.escape,
            "header": options.header,
            "dialects": {split: found.table.dialect._asdict() for split, found in self.files.items()},
            "rows": self.counts,
            "report": count_rows(self.findings),
        }


def _without_folder(part: str | None) -> str | None:
    return Path(part).name if part is not None and is_table(part) else part


def read_table(options: TableOptions) -> TableDataset:
    """Read, check and divide a table; see ``read_planned``."""
    return read_planned(make_plan(options))


def read_planned(plan: TablePlan) -> TableDataset:
    """Read, check and divide a table once; a few numbers for each row stay in memory.

    Rows that cannot be used are left out, and so are training rows that have the words of a row in the files to
    validate and test on. Rows that repeat others stay. Splits are drawn by distinct text, in proportion to the labels.

    Raises:
        ReportedError: If nothing is left to train, validate or test on; or if ``strict`` is set and there is a problem.
        DataError: If a file cannot be read.
    """
    names: dict[str, int] = {}
    rules = plan.options.rules
    dropped = plan.options.drop_labels
    files = {
        split: read_index(table, plan.columns, split, names, rules, dropped) for split, table in plan.tables.items()
    }
    if unknown := sorted(set(dropped) - files["train"].dropped):
        raise DataError(f"--drop-label {unknown[0]!r}: {plan.options.data} has no such label")
    sorted_names = ordered(names)
    places = np.array([sorted_names.index(name) for name in names], np.uint16)
    for found in files.values():
        found.renumber(places)
    try:
        labels = divide(files, sorted_names, plan)
    except DataError as error:
        raise ReportedError(str(error), _gather(files)) from None
    return make_dataset(plan.options, plan.columns, labels, files, sorted_names)


def make_dataset(
    options: TableOptions,
    columns: Columns,
    labels: tuple[str, ...],
    files: dict[str, TableIndex],
    names: tuple[str, ...],
) -> TableDataset:
    """Make a dataset of divided files; see ``TableDataset``.

    Raises:
        ReportedError: If ``options.strict`` is set and a problem was found.
    """
    findings = _gather(files)
    problems = [finding for finding in findings if finding.kind != WISHED]
    if options.strict and problems:
        more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise ReportedError(f"{problems[0]}{more}", findings)
    counts = {split: _count(files, split, labels, names) for split in SPLITS}
    return TableDataset(options, columns, labels, counts, findings, files, names)


def _count(files: dict[str, TableIndex], split: str, labels: tuple[str, ...], names: tuple[str, ...]) -> dict[str, int]:
    """Count the rows of a split by label, in the order of the labels."""
    found = files.get(split) or files.get("train")
    counts = dict(zip(names, found.count(split, len(names)))) if found else {}
    return {label: counts[label] for label in labels} if any(counts.values()) else {}


def _gather(files: dict[str, TableIndex]) -> tuple[Finding, ...]:
    return tuple(finding for found in files.values() for finding in found.findings)


def read_and_report(plan: TablePlan) -> TableDataset:
    """Read, check and divide a table, and print what a user should see; see ``read_planned``."""
    try:
        dataset = read_planned(plan)
    except ReportedError as error:
        for finding in error.findings:
            print(finding, flush=True)
        raise
    for line in dataset.notes():
        print(line, flush=True)
    return dataset
