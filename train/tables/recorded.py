"""Texts that are new to an earlier run, read and divided as its ``config.json`` records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from edgetext.encoder import Preprocessing
from edgetext.tables.dialect import TSV, Dialect
from train.dataset import DataError
from train.tables.columns import Columns, choose_columns, split_probabilities
from train.tables.dataset import TableDataset, make_dataset, read_table
from train.tables.options import TableOptions
from train.tables.plan import check_columns
from train.tables.probabilities import GivenProbabilities
from train.tables.reading import read_index, sha256
from train.tables.table import Table, is_table
from train.tables.text_file import check_file

# The options that choose columns, by the field that they set.
_COLUMNS = {"text_columns": "--text-column", "label_column": "--label-column", "probabilities": "--probabilities"}


class Recorded(NamedTuple):
    """What a run records about its texts, and how to read and divide them."""

    options: TableOptions
    files: dict[str, dict[str, str]]  # name and SHA-256 of each, by split
    rows: dict[str, dict[str, int]]  # their number by split and label
    labels: tuple[str, ...]
    replaced: tuple[str, ...]  # the options that replace the run's columns by others


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
        record, rules = config["data"], Preprocessing.from_json(config["preprocessing"]).rules
        if "files" not in record:
            raise DataError(f"{run}: this run was not trained on a table")
        if {"split_seed", "drop_labels"} & set(given) or any(part is None or not is_table(part) for part in parts):
            raise DataError(
                "the run determines how rows are divided: leave out --split-seed, --drop-label, --validation N and "
                "--test N"
            )
        recorded = {name: record[name] for name in ("label_column", "split_seed", "encoding", "delimiter")}
        recorded |= {name: record.get(name) for name in ("quote", "escape", "header")}
        recorded["dialects"] = {} if set(given) & set(Dialect._fields) else _read_dialects(record)
        for name in ("validation", "test"):
            recorded[name] = str(data.parent / record[name]) if name in record["files"] else record[name]
        recorded |= {"text_columns": tuple(record["text_columns"]), "rules": rules}
        recorded["probabilities"] = tuple(record.get("probabilities", ()))
        recorded["drop_labels"] = tuple(record.get("drop_labels", ()))  # which earlier versions do not have
        options = TableOptions(data, **{**recorded, **given})
        replaced = (option for name, option in _COLUMNS.items() if getattr(options, name) != recorded[name])
        return Recorded(options, record["files"], record["rows"], tuple(config["labels"]), tuple(replaced))
    except OSError as error:
        raise DataError(f"{run}: not a run: config.json: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise DataError(f"{run}: not a run: its config.json is not one that training writes") from None


def _read_dialects(record: Mapping[str, Any]) -> dict[str, Dialect]:
    """Return how the files of a run are written, by split; earlier versions did not record what they assumed."""
    if "dialects" in record:
        found = {split: Dialect(**dialect) for split, dialect in record["dialects"].items()}
        for dialect in found.values():
            dialect.check()
        return found
    given = Dialect(None, record["encoding"], record["delimiter"] or ",", '"', "", True)
    tables = {split: Table(Path(file["name"])).written_as(given) for split, file in record["files"].items()}
    return {
        split: table.dialect._replace(delimiter="\t", quote="") if table.format == TSV else table.dialect
        for split, table in tables.items()
    }


def read_for_run(recorded: Recorded, split: str) -> TableDataset:
    """Read texts that are new to a run: those that it held out, or all usable rows of a file that it has not seen.

    Raises:
        ReportedError: As for ``read_planned``.
        DataError: If a file cannot be read, has changed since or is to be read by other columns, or the run has no
            such split.
    """
    data = recorded.options.data
    check_file(data)
    if sha256(data) != recorded.files["train"]["sha256"]:
        if data.name == recorded.files["train"]["name"]:
            raise DataError(f"{data}: the file has changed since the run was trained; rename it if it is another file")
        return _read_whole(recorded, split)
    if recorded.replaced:
        raise DataError(f"{data}: the run read other columns of this table: leave out {', '.join(recorded.replaced)}")
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
    inspected = (
        Table(options.data)
        .written_as(options.given)
        .inspect([*options.text_columns, *filter(None, [options.label_column] if not options.probabilities else [])])
    )
    columns = _find_columns(options, inspected.names)
    check_columns(inspected, columns, split)
    known = len(recorded.labels)
    names = {label: place for place, label in enumerate(recorded.labels)}
    given = GivenProbabilities(columns) if columns.probabilities else None
    found = read_index(inspected.table, columns, split, names, options.rules, options.drop_labels, given)
    if given is not None:
        for label in given.name_labels(options.data, [*names], options.drop_labels):
            names.setdefault(label, len(names))
        found.label_by(partial(given.find_label, places=names))
    found.find_labels("unknown label", dict(enumerate(list(names)[known:], known)))
    found.find_repeated()
    return make_dataset(options, columns, recorded.labels, {split: found}, tuple(names), given=given)


def _find_columns(options: TableOptions, names: Sequence[str]) -> Columns:
    """Return the columns of a file that a run has not seen; it may have labels where the run had probabilities."""
    probabilities, has_answers = split_probabilities(options.probabilities, names)
    label = options.label_column
    if label is None and not set(probabilities) & set(names):
        return choose_columns(options.data, names, options.text_columns, None)
    return Columns(options.text_columns, label, False, probabilities, has_answers).of(names)
