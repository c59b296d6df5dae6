"""Checking texts across files and dividing them, on what is kept of their rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from train.dataset import DataError
from train.tables.index import Index
from train.tables.report import enumerate_first
from train.tables.source import MAX_VALIDATION
from train.tables.table import ENDINGS, Table, is_table

Part = Path | float | int | None
# Pairs of splits: rows of the first are left out if the second has their words.
LEAKS = (("train", "test"), ("train", "validation"), ("validation", "test"))


def parse_part(option: str, value: str | None) -> Part:
    """Read what ``--validation`` or ``--test`` says: a file, a count of rows, a fraction of them, or nothing.

    Raises:
        DataError: It is none of them.
    """
    if value is None or is_table(value):
        return None if value is None else Path(value)
    if value.isascii() and value.isdigit() and int(value):
        return int(value)
    try:
        fraction = float(value)
    except ValueError:
        fraction = 0
    if 0 < fraction < 1:
        return fraction
    nothing = ", or none" if option == "--test" else ""
    raise DataError(
        f"{option} {value}: give a file ({ENDINGS}), a fraction between 0 and 1, or a count of rows{nothing}"
    )


def check_tables(tables: dict[str, Table]) -> None:
    """Refuse files of the same name, by which rows could not be told apart, and options that no file is for.

    Raises:
        DataError: There are such.
    """
    delimiter, names = tables["train"].delimiter, [table.path.name for table in tables.values()]
    if len(set(names)) < len(names):
        raise DataError(f"the files to train, validate and test on must have different names, not {', '.join(names)}")
    if delimiter is not None and not any(table.is_csv for table in tables.values()):
        raise DataError(f"--delimiter is for .csv files, and not for {names[0]}")


def leave_out(files: dict[str, Index], names: Sequence[str], column: str) -> tuple[str, ...]:
    """Leave out rows that have the words of others, and rows to validate or test whose label no row trains.

    Args:
        files: The files by split.
        names: The labels, at the places by which the files refer to them.
        column: The name of their column, for messages.

    Returns:
        The labels that rows to train on have: by number if all are whole numbers, else by code points.

    Raises:
        DataError: There are not two labels to train on, none of them occurs twice, or nothing is left of a file.
    """
    train = files["train"]
    for split, found in files.items():
        found.find_repeated(keep=split != "train")
    counts = np.array(train.count("train", len(names)))
    if counts.sum() > 1 and counts.max() == 1:
        raise DataError(f"{train.table.path}: no label occurs twice: is {column!r} the column of the label?")
    _leave_out_unknown(files, counts)
    for split, other in LEAKS:
        if split in files and other in files:
            files[split].find_known(files[other])
    counts = np.array(train.count("train", len(names)))
    labels = ordered(name for name, count in zip(names, counts) if count)
    if len(labels) < 2:
        only = f"only one label is left, {labels[0]!r}: there is nothing to tell apart" if labels else "no row is left"
        raise DataError(f"{train.table.path}: {only}")
    _leave_out_unknown(files, counts)
    for split, found in files.items():
        if not found.parts.any():
            raise DataError(f"{found.table.path}: no row is left for the {split}")
    alone = ordered(name for name, count in zip(names, counts) if count == 1)
    train.find(
        "seen once",
        counts[train.labels] == 1,
        enumerate_first([*map(repr, alone)], len(alone)) if alone else "",
        keep=True,
    )
    return labels


def _leave_out_unknown(files: Mapping[str, Index], counts: npt.NDArray[np.int64]) -> None:
    """Leave out rows to validate or test whose label has no row to train on; ``counts`` are those of the labels."""
    for split, found in files.items():
        if split != "train":
            found.find("unknown label", counts[found.labels] == 0)


def ordered(labels: Iterable[str]) -> tuple[str, ...]:
    """Sort labels: by number if all are whole numbers, else by code points."""
    found = sorted(labels)
    are_numbers = all(re.fullmatch("-?[0-9]+", label) for label in found)
    return tuple(sorted(found, key=int) if are_numbers else found)


def take(train: Index, part: Part, split: str, seed: int) -> None:
    """Draw a split from the rows to train on, if it has no file of its own.

    Raises:
        DataError: It would be empty, or leave a label without a row to fit.
    """
    if part is None or isinstance(part, Path):
        return
    rows = train.count("train")
    most = sum(count - 1 for count in rows if count)
    wanted = part if isinstance(part, int) else min(round(part * sum(rows)), most)
    if split == "validation" and isinstance(part, float):
        wanted = min(wanted, MAX_VALIDATION)
    if not 0 < wanted <= most:
        why = "would leave nothing of a label to fit" if wanted else "is none"
        raise DataError(
            f"{train.table.path}: --{split} {part} of {sum(rows):,} rows {why}; at most {most:,} can be taken"
        )
    train.draw(wanted, split, seed)
