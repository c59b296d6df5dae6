"""Your own labelled text as a dataset: a table read once, checked, and divided into splits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from train.dataset import TRAIN, UNLABELLED, VALIDATION, DataError
from train.tables.columns import Columns
from train.tables.division import divide, leave_out_copies, order_labels
from train.tables.index import SPLITS, TableIndex
from train.tables.options import TableOptions
from train.tables.plan import TablePlan, make_plan
from train.tables.probabilities import GivenProbabilities
from train.tables.reading import read_index, read_unlabelled
from train.tables.report import NO_PROBLEMS, Finding, ReportedError, count_rows
from train.tables.table import is_table, stem


class Text(NamedTuple):
    """A text; its id is the name of its file and the line on which it begins, ``tickets.csv:17``."""

    id: str
    label: str | None  # None in the split of unlabelled texts; the most probable one if there are probabilities
    text: str
    probabilities: tuple[float, ...] | None = None  # of each label, given in place of a label; they add up to 1


@dataclass(frozen=True)
class TableDataset:
    """Labelled texts in splits, and unlabelled ones, as a ``train.dataset.Dataset``."""

    options: TableOptions
    columns: Columns
    labels: tuple[str, ...]  # by number if all are whole numbers, else by code points
    counts: dict[str, dict[str, int]]  # rows by split (SPLITS) and label; {} for a split that does not exist
    findings: tuple[Finding, ...]  # in the order of the files and of report.KINDS
    files: dict[str, TableIndex]  # by split: "train", from which splits without a file are drawn, and the others
    names: tuple[str, ...]  # all labels by the place that the files refer to
    unlabelled: tuple[TableIndex, ...] = ()  # the texts without a label of each file that has any
    given: GivenProbabilities | None = None  # reads the probabilities that rows have in place of labels
    vocabulary_splits: tuple[str, ...] = (TRAIN, VALIDATION)
    may_be_copied: bool = True

    @property
    def name(self) -> str:
        """The name of the file to train on, without its endings."""
        return stem(self.options.data)

    def texts(self, split: str) -> Iterator[Text]:
        """Yield the texts of a split, in the order of the file; one at a time is in memory."""
        if split == UNLABELLED:
            for found in self.unlabelled:
                for line, _, text, _ in found.rows(split):
                    yield Text(f"{found.table.path.name}:{line}", None, text)
        if self.counts.get(split):
            found = self.files.get(split) or self.files["train"]
            file = found.table.path.name
            places = {name: place for place, name in enumerate(self.names)}
            for line, label, text, given in found.rows(split):
                yield Text(f"{file}:{line}", self.names[label], text, self._spread(given, places))

    def _spread(self, given: str, places: Mapping[str, int]) -> tuple[float, ...] | None:
        """Return the probabilities of the labels to train on; None if none are given."""
        values = self.given.spread(given, places) if self.given is not None and given else None
        if values is None:
            return None
        values = values[[places[label] for label in self.labels]]
        return tuple((values / values.sum()).tolist())

    def notes(self) -> list[str]:
        """Return what a user should see: guessed columns, and the problems that were found."""
        # The rows without a label of the table are in both.
        tables = dict.fromkeys(found.table for found in (*self.files.values(), *self.unlabelled))
        detected = [f"{table.path.name}: detected {', '.join(table.notes)}" for table in tables if table.notes]
        columns = [str(self.columns)] if self.columns.guessed else []
        if self.given is not None:
            columns.append(self.given.describe())
        counted = [f"unlabelled texts: {self.count_unlabelled():,}"] if self.unlabelled else []
        return [*detected, *columns, *map(str, self.findings), *counted]

    def count_unlabelled(self) -> int:
        """Return the number of texts without a label."""
        return sum(sum(found.count(UNLABELLED)) for found in self.unlabelled)

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
            "probabilities": list(options.probabilities),
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
            "unlabelled": [
                {"name": found.table.path.name, "sha256": found.sha256, "rows": sum(found.count(UNLABELLED))}
                for found in self.unlabelled
            ],
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
    keeps = plan.options.unlabelled is not None
    given = GivenProbabilities(plan.columns) if plan.columns.probabilities else None
    files = {
        split: read_index(
            table,
            plan.columns_of[split],
            split,
            names,
            rules,
            dropped,
            given,
            keeps_unlabelled=keeps and split == "train",
        )
        for split, table in plan.tables.items()
    }
    sorted_names = order_labels(files, names, given, plan.options)
    if unknown := sorted(set(dropped) - files["train"].dropped - {*sorted_names}):
        raise DataError(f"--drop-label {unknown[0]!r}: {plan.options.data} has no such label")
    try:
        labels = divide(files, sorted_names, plan)
    except DataError as error:
        raise ReportedError(str(error), _gather(files.values())) from None
    unlabelled = read_unlabelled(files, plan)
    leave_out_copies(unlabelled, files)
    return make_dataset(plan.options, plan.columns, labels, files, sorted_names, unlabelled, given)


def make_dataset(
    options: TableOptions,
    columns: Columns,
    labels: tuple[str, ...],
    files: dict[str, TableIndex],
    names: tuple[str, ...],
    unlabelled: tuple[TableIndex, ...] = (),
    given: GivenProbabilities | None = None,
) -> TableDataset:
    """Make a dataset of divided files; see ``TableDataset``.

    Raises:
        ReportedError: If ``options.strict`` is set and a problem was found.
    """
    findings = _gather([*files.values(), *unlabelled])
    problems = [finding for finding in findings if finding.kind not in NO_PROBLEMS]
    if options.strict and problems:
        more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise ReportedError(f"{problems[0]}{more}", findings)
    counts = {split: _count(files, split, labels, names) for split in SPLITS}
    return TableDataset(options, columns, labels, counts, findings, files, names, unlabelled, given)


def _count(files: dict[str, TableIndex], split: str, labels: tuple[str, ...], names: tuple[str, ...]) -> dict[str, int]:
    """Count the rows of a split by label, in the order of the labels."""
    found = files.get(split) or files.get("train")
    counts = dict(zip(names, found.count(split, len(names)))) if found else {}
    return {label: counts[label] for label in labels} if any(counts.values()) else {}


def _gather(files: Iterable[TableIndex]) -> tuple[Finding, ...]:
    return tuple(finding for found in files for finding in found.findings)


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
