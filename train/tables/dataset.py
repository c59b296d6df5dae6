"""Labelled text of one's own: read, checked, and divided into texts to fit, to validate and to test.

Reading    ``tables`` and what it is made of: ``lines`` (CSV, TSV and the lines of JSON), ``parquet``, ``columns``
Dividing   ``index`` (what is kept of a file's rows), ``splits`` (of rows by their words), ``division`` (of files)
Telling    ``source`` (how it was asked for), ``recorded`` (how a run did it), ``report`` (what was found)

``scan`` here does all of it; ``python -m train.texts`` writes the rows of a split.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from train.dataset import DataError
from train.tables import division
from train.tables.columns import Columns, choose_columns
from train.tables.index import SPLITS, Index, check_columns, gather, read_index, sha256
from train.tables.recorded import Recorded
from train.tables.report import Report, ReportedError
from train.tables.source import Source
from train.tables.table import Table, is_table, stem


class Text(NamedTuple):
    """A labelled text; its id is the name of its file and the line on which it begins, ``tickets.csv:17``."""

    id: str
    label: str
    text: str


@dataclass(frozen=True)
class Texts:
    """Labelled texts in splits, which stay in their files.

    Attributes:
        source: Where they are, and how they were divided.
        columns: The columns that are read; to be shown to people where they were guessed (``columns.guessed``).
        labels: By number if all are whole numbers, else by code points.
        counts: Rows by split (``SPLITS``) and label; ``{}`` for a split that there is not.
        report: What was found.
        files: What is known of the files: that of the split ``"train"``, which other splits may be drawn from, and
            those of splits with a file of their own.
    """

    source: Source
    columns: Columns
    labels: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    report: Report
    files: dict[str, Index]

    @property
    def name(self) -> str:
        """The name of the file to train on, without its endings."""
        return stem(self.source.data)

    def texts(self, split: str) -> Iterator[Text]:
        """Read the texts of a split, in the order of the file; one at a time is in memory.

        Raises:
            DataError: A file cannot be read, or is another than it was.
        """
        if self.counts.get(split):
            found = self.files.get(split) or self.files["train"]
            for row in found.rows(split, self.columns):
                yield Text(f"{found.table.path.name}:{row.line}", row.label, row.text)

    def describe(self) -> dict[str, Any]:
        """Give what a run's ``config.json`` tells of its texts, enough to divide them again; no folder is in it."""
        source = self.source
        return {
            "name": self.name,
            "files": {
                split: {"name": found.table.path.name, "sha256": found.sha256} for split, found in self.files.items()
            },
            "text_columns": list(self.columns.texts),
            "label_column": self.columns.label,
            "validation": _without_folder(source.validation),
            "test": _without_folder(source.test),
            "split_seed": source.split_seed,
            "encoding": source.encoding,
            "delimiter": source.delimiter,
            "rows": self.counts,
            "report": self.report.counts,
        }


def _without_folder(part: str | None) -> str | None:
    return Path(part).name if part is not None and is_table(part) else part


def plan(source: Source) -> tuple[dict[str, Table], dict[str, division.Part], Columns]:
    """Find out how a source is read and divided; of the files, only the names of the columns are read.

    Returns:
        The files by split, the parts that validate and test, and the columns.

    Raises:
        DataError: A file cannot be read, or the settings are not for it.
    """
    parts = {
        "validation": division.parse_part("--validation", source.validation),
        "test": division.parse_part("--test", source.test),
    }
    tables = {"train": Table(source.data, source.encoding, source.delimiter)}
    for split, part in parts.items():
        if isinstance(part, Path):
            tables[split] = tables["train"]._replace(path=part)
    division.check_tables(tables)
    columns = choose_columns(source.data, tables["train"].columns(), source.text_columns, source.label_column)
    for table in tables.values():
        check_columns(table, columns)
    return tables, parts, columns


def scan(source: Source) -> Texts:
    """Read texts once, check them and divide them; what is kept is a few numbers a row.

    Rows that cannot be used are left out, and so are rows to train on that have the words of an earlier row, or of a
    row in the files that validate or test. Rows are drawn in proportion to their labels, those to test first.

    Raises:
        ReportedError: Nothing is left to train on, validate or test; or with ``strict``, something was found.
        DataError: A file cannot be read, or the settings are not for it.
    """
    tables, parts, columns = plan(source)
    names: dict[str, int] = {}
    files = {split: read_index(table, columns, split, names, source.lowercase) for split, table in tables.items()}
    try:
        labels = division.leave_out(files, list(names), columns.label)
        for split in ("test", "validation"):
            division.take(files["train"], parts[split], split, source.split_seed)
    except DataError as error:
        raise ReportedError(str(error), gather(files)) from None
    return _finish(source, columns, names, labels, files)


def _finish(
    source: Source, columns: Columns, names: dict[str, int], labels: tuple[str, ...], files: dict[str, Index]
) -> Texts:
    """Put together what is known of texts, all of which are in their splits.

    Raises:
        ReportedError: The source is strict, and something was found.
    """
    report = gather(files)
    if source.strict and report.findings:
        first, *others = report.lines()
        raise ReportedError(first + (f"; and {len(others)} more" if others else ""), report)
    counts = {split: _count(files, split, names, labels) for split in SPLITS}
    return Texts(source, columns, labels, counts, report, files)


def _count(files: dict[str, Index], split: str, names: dict[str, int], labels: tuple[str, ...]) -> dict[str, int]:
    """Count the rows of a split by label, in the order of the labels."""
    found = files.get(split) or files.get("train")
    counts = found.count(split, len(names)) if found else []
    return {label: counts[names[label]] for label in labels} if any(counts) else {}


def scan_for_run(recorded: Recorded, split: str) -> Texts:
    """Find texts that are new to a run: those that it held out, or, in a file of their own, all that are good.

    Args:
        recorded: What the run tells of its texts, with the file to read as ``recorded.source.data``.
        split: Which of the run's splits is wanted.

    Raises:
        ReportedError: As for ``scan``.
        DataError: A file cannot be read or is another than it was, or the run has no such split.
    """
    data = recorded.source.data
    if sha256(data) != recorded.hashes["train"]:
        if data.name == recorded.files["train"]["name"]:
            raise DataError(
                f"{data}: it is not as it was when the run was trained; rename it if it is a file of its own"
            )
        return _scan_whole(recorded, split)
    if not recorded.rows[split]:
        raise DataError(f"{data}: the run held no rows out for {split}")
    for option in ("validation", "test"):
        part = getattr(recorded.source, option)
        if part is not None and is_table(part) and not Path(part).is_file():
            raise DataError(f"{part}: there is no such file, and the run had it: put it beside the data file")
    texts = scan(recorded.source)
    hashes = {split: found.sha256 for split, found in texts.files.items()}
    if hashes != recorded.hashes:
        raise DataError(f"{data}: the files that the run validated or tested on have changed")
    if texts.counts != recorded.rows:
        raise DataError(f"{data}: the run divided the rows in another way than this version does")
    return texts


def _scan_whole(recorded: Recorded, split: str) -> Texts:
    """Find all good texts of a file."""
    source = recorded.source
    table = Table(source.data, source.encoding, source.delimiter)
    columns = Columns(source.text_columns, source.label_column or "")
    names = {label: place for place, label in enumerate(recorded.labels)}
    found = read_index(table, columns, split, names, source.lowercase)
    found.find("unknown label", found.labels >= len(recorded.labels))
    found.find_repeated(keep=True)
    return _finish(source, columns, names, recorded.labels, {split: found})
