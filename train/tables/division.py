"""Leaving out rows that repeat others, and dividing the rest into splits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from train.dataset import DataError
from train.tables.index import TableIndex
from train.tables.options import MAX_VALIDATION, Part, TablePlan
from train.tables.report import enumerate_first

# Pairs of splits: rows of the first are left out if the second has their words.
LEAKS = (("train", "test"), ("train", "validation"), ("validation", "test"))


def divide(files: dict[str, TableIndex], names: Sequence[str], plan: TablePlan) -> tuple[str, ...]:
    """Leave out the rows that cannot be used together with the others, and draw the splits that have no file.

    The test rows are drawn first, so that they do not depend on the validation. ``files`` is changed in place.

    Returns:
        The labels to train on: by number if all are whole numbers, else by code points.

    Raises:
        DataError: If fewer than two labels are left to train on, no label occurs twice, or a split would be empty.
    """
    labels = _leave_out(files, names, plan.columns.label)
    for split, part in (("test", plan.test), ("validation", plan.validation)):
        _draw(files["train"], part, split, plan.options.split_seed)
    return labels


def _leave_out(files: dict[str, TableIndex], names: Sequence[str], column: str) -> tuple[str, ...]:
    """Leave out rows with the words of others, and rows to validate or test on whose label no training row has."""
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
        problem = f"only one label is left, {labels[0]!r}; training needs two" if labels else "no row is left"
        raise DataError(f"{train.table.path}: {problem}")
    _leave_out_unknown(files, counts)
    for split, found in files.items():
        if not found.parts.any():
            raise DataError(f"{found.table.path}: no row is left for the {split}")
    alone = ordered(name for name, count in zip(names, counts) if count == 1)
    detail = enumerate_first([*map(repr, alone)], len(alone)) if alone else ""
    train.find("seen once", counts[train.labels] == 1, detail, keep=True)
    return labels


def _leave_out_unknown(files: Mapping[str, TableIndex], counts: npt.NDArray[np.int64]) -> None:
    """Leave out rows to validate or test on whose label has no training row; ``counts`` has those of each label."""
    for split, found in files.items():
        if split != "train":
            found.find("unknown label", counts[found.labels] == 0)


def ordered(labels: Iterable[str]) -> tuple[str, ...]:
    """Sort labels: by number if all are whole numbers, else by code points."""
    found = sorted(labels)
    are_numbers = all(re.fullmatch("-?[0-9]+", label) for label in found)
    return tuple(sorted(found, key=int) if are_numbers else found)


def _draw(train: TableIndex, part: Part, split: str, seed: int) -> None:
    """Draw a split from the rows to train on, unless it has its own file or is not wanted.

    Raises:
        DataError: If it would be empty, or leave a label without a row to fit.
    """
    if part is None or isinstance(part, Path):
        return
    rows = train.count("train")
    most = sum(count - 1 for count in rows if count)
    wanted = part if isinstance(part, int) else min(round(part * sum(rows)), most)
    if split == "validation" and isinstance(part, float):
        wanted = min(wanted, MAX_VALIDATION)
    if not 0 < wanted <= most:
        why = "would leave no row of a label to fit" if wanted else "is no row"
        raise DataError(
            f"{train.table.path}: --{split} {part} of {sum(rows):,} rows {why}; at most {most:,} can be taken"
        )
    train.draw(wanted, split, seed)
