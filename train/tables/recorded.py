"""Texts that are new to an earlier run, read and divided as its ``config.json`` records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from train.dataset import DataError
from train.tables.columns import Columns
from train.tables.dataset import TableDataset, make_dataset, read_table
from train.tables.index import read_index, sha256
from train.tables.options import TableOptions, check_columns
from train.tables.table import Table, is_table


class Recorded(NamedTuple):
    """What a run records about its texts, and how to read and divide them."""

    options: TableOptions
    files: dict[str, dict[str, str]]  # name and SHA-256 of each, by split
    rows: dict[str, dict[str, int]]  # their number by split and label
    labels: tuple[str, ...]


def read_recorded(run: Path, data: Path, given: Mapping[str, Any]) -> Recorded:
    """Read how a run read and divided its texts.

    The run's other files are expected in the folder of ``data``, the table to read. ``given`` has fields of
    ``TableOptions`` that take precedence over the run's: columns, encoding and files.

    Raises:
        DataError: If there is no such run, it was not trained on a table, or ``given`` divides it otherwise.
    """
    parts = [given[split] for split in ("validation", "test") if split in given]
    try:
        config = json.loads((run / "config.json").read_text("utf-8"))
        record, lowercase = config["data"], config["preprocessing"].get("lowercase", TableOptions.lowercase)
        if "files" not in record:
            raise DataError(f"{run}: this run was not trained on a table")
        if {"split_seed", "drop_labels"} & set(given) or any(part is None or not is_table(part) for part in parts):
            raise DataError(
                "the run determines how rows are divided: leave out --split-seed, --drop-label, --validation N and "
                "--test N"
            )
        recorded = {name: record[name] for name in ("label_column", "split_seed", "encoding", "delimiter")}
        for name in ("validation", "test"):
            part = record[name]
            recorded[name] = str(data.parent / part) if part is not None and is_table(part) else part
        recorded |= {"text_columns": tuple(record["text_columns"]), "lowercase": lowercase}
        recorded["drop_labels"] = tuple(record.get("drop_labels", ()))  # which earlier versions do not have
        options = TableOptions(data, **{**recorded, **given})
        return Recorded(options, record["files"], record["rows"], tuple(config["labels"]))
    except OSError as error:
        raise DataError(f"{run}: not a run: config.json: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise DataError(f"{run}: not a run: its config.json is not one that training writes") from None


def read_for_run(recorded: Recorded, split: str) -> TableDataset:
    """Read texts that are new to a run: those that it held out, or all usable rows of a file that it has not seen.

    Raises:
        ReportedError: As for ``read_planned``.
        DataError: If a file cannot be read, has changed since, or the run has no such split.
    """
    data = recorded.options.data
    if sha256(data) != recorded.files["train"]["sha256"]:
        if data.name == recorded.files["train"]["name"]:
            raise DataError(f"{data}: the file has changed since the run was trained; rename it if it is another file")
        return _read_whole(recorded, split)
    if not recorded.rows[split]:
        raise DataError(f"{data}: the run held no rows out for {split}")
    for option in ("validation", "test"):
        part = getattr(recorded.options, option)
        if part is not None and is_table(part) and not Path(part).is_file():
            raise DataError(f"{part}: no such file; the run used it, so put it into the folder of the data file")
    dataset = read_table(recorded.options)
    hashes = {split: file["sha256"] for split, file in recorded.files.items()}
    if {split: found.sha256 for split, found in dataset.files.items()} != hashes:
        raise DataError(f"{data}: the files that the run validated or tested on have changed")
    if dataset.counts != recorded.rows:
        raise DataError(
            f"{data}: this version of edgetext divides the rows differently from the one that trained the run: train "
            "again to know which rows are held out"
        )
    return dataset


def _read_whole(recorded: Recorded, split: str) -> TableDataset:
    """Read all usable rows of a file as one split."""
    options = recorded.options
    table = Table(options.data, options.encoding, options.delimiter)
    columns = Columns(options.text_columns, options.label_column or "")
    check_columns(table, columns)
    known = len(recorded.labels)
    names = {label: place for place, label in enumerate(recorded.labels)}
    found = read_index(table, columns, split, names, options.lowercase, options.drop_labels)
    found.find_labels("unknown label", dict(enumerate(list(names)[known:], known)))
    found.find_repeated()
    return make_dataset(options, columns, recorded.labels, {split: found}, tuple(names))
