"""Checking rows against each other, and dividing them into splits."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from train.dataset import TRAIN, UNLABELLED, DataError
from train.tables.columns import INVISIBLE, ordered
from train.tables.index import SPLITS, TableIndex
from train.tables.options import MAX_VALIDATION, TableOptions
from train.tables.plan import Part, TablePlan
from train.tables.probabilities import GivenProbabilities
from train.tables.report import FIRST, NOTHING_LEFT, WISHED, enumerate_first
from train.tables.splits import count_texts, find_repeated

# What programs write for a missing value, folded.
MISSING = frozenset(
    ("nan", "-nan", "null", "(null)", "nil", "none", "n/a", "na", "<na>", "#n/a", "#na", "undefined", "\\n")
)
SELECTORS = "\ufe0e\ufe0f"  # choose between a plain and an emoji shape of the character before
# With the default fractions a split of fewer rows than this, or than there are labels, is not held out.
FEWEST_HELD_OUT = 10
# Pairs of splits: rows of the first are left out if the second has their words.
LEAKS = (("train", "test"), ("train", "validation"), ("validation", "test"))


def divide(files: dict[str, TableIndex], names: Sequence[str], plan: TablePlan) -> tuple[str, ...]:
    """Leave out the rows that cannot be used together with the others, and draw the splits that have no file.

    The test rows are drawn first, so that they do not depend on the validation. ``files`` is changed in place;
    ``names`` are the labels by place, in the order of ``ordered``, so that the order of the rows does not matter.

    Returns:
        The labels to train on, in the order of ``names``.

    Raises:
        DataError: If fewer than two labels are left to train on, no row of a label is left, no label occurs twice, or a
            split that was asked for would be empty.
    """
    labels = _leave_out(files, names, plan)
    for split, part in (("test", plan.test), ("validation", plan.validation)):
        is_default = getattr(plan.options, split) == getattr(TableOptions, split)
        fewest = min(len(labels), FEWEST_HELD_OUT) if is_default else 0
        _draw(files["train"], part, split, plan.options.split_seed, fewest)
    return labels


def _leave_out(files: dict[str, TableIndex], names: Sequence[str], plan: TablePlan) -> tuple[str, ...]:
    """Leave out rows with the words of others, and rows to validate or test on whose label no training row has."""
    train = files["train"]
    counts = np.array(train.count("train", len(names)))
    if counts.sum() > 1 and counts.max() == 1:
        raise DataError(
            f"{train.table.path}: no label occurs twice: is {plan.columns.label!r} the column of the label?"
        )
    _leave_out_unknown(files, counts, names)
    for split, other in LEAKS:
        if split in files and other in files:
            files[split].find_known(files[other])
    counts = np.array(train.count("train", len(names)))
    _check_labels(train, counts, names, plan.options.drop_labels)
    _leave_out_unknown(files, counts, names)
    for split, found in files.items():
        if not found.parts.any():
            raise DataError(f"{found.table.path}: {NOTHING_LEFT[split]}")
        found.find_repeated()
    _find_doubtful(train, names)
    return tuple(name for name, count in zip(names, counts) if count)


def order_labels(
    files: Mapping[str, TableIndex], names: dict[str, int], given: GivenProbabilities | None, options: TableOptions
) -> tuple[str, ...]:
    """Return all labels in their order; ``names`` are those found in the rows, with the places that the files have.

    Those that only have probabilities are added, and the rows with probabilities get their most probable label; they
    are left out if it is to be dropped.

    Raises:
        DataError: If no row has probabilities, or it is not clear of which labels they are.
    """
    if given is not None and not given.has_any:
        raise DataError(f"{options.data}: --probabilities: no row has any")
    for label in given.name_labels(options.data, [*names], options.drop_labels) if given is not None else ():
        names.setdefault(label, len(names))
    sorted_names = ordered(names)
    order = {name: place for place, name in enumerate(sorted_names)}
    for found in files.values():
        found.renumber(np.array([order[name] for name in names], np.uint16))
        if given is not None:
            found.label_by(partial(given.find_label, places=order))
            found.find_labels(WISHED, {order[label]: label for label in options.drop_labels if label in order})
    return sorted_names


def leave_out_copies(unlabelled: Iterable[TableIndex], files: Mapping[str, TableIndex]) -> None:
    """Leave out the unlabelled texts with the words of a divided row or of an earlier one.

    What is measured on test rows must not have been learned from, and the others teach nothing.
    """
    rows = {split: [found.digests[found.places(split)] for found in files.values()] for split in SPLITS}
    tested, labelled = np.concatenate(rows["test"]), np.concatenate([*rows["train"], *rows["validation"]])
    earlier = np.zeros(0, np.uint64)
    for found in unlabelled:
        found.find("test copy", np.isin(found.digests, tested))
        found.find("copy", np.isin(found.digests, labelled))
        found.find("copy again", find_repeated(found.digests) | np.isin(found.digests, earlier))
        earlier = np.concatenate([earlier, found.digests[found.places(UNLABELLED)]])


def _check_labels(
    train: TableIndex, counts: npt.NDArray[np.int64], names: Sequence[str], dropped: Collection[str]
) -> None:
    """Raise DataError if fewer than two labels are left to train on, or no row of a label that is not dropped is."""
    left = [name for name, count in zip(names, counts) if count]
    if not left:
        has_texts = train.unlabelled is not None and len(train.unlabelled.lines)
        problem = "no row has a label: label some rows of each of two labels" if has_texts else NOTHING_LEFT[TRAIN]
        raise DataError(f"{train.table.path}: {problem}")
    empty = [place for place in np.flatnonzero(counts == 0).tolist() if names[place] not in dropped]
    if lost := {names[place]: lines for place in empty if (lines := train.lines_left_out(place))}:
        label, lines = next(iter(lost.items()))
        where = f"{train.table.unit}{'s' * (len(lines) > 1)} {enumerate_first(lines[:FIRST], len(lines))}"
        others = f", nor of {enumerate_first([*map(repr, lost)][1:], len(lost) - 1)}" if len(lost) > 1 else ""
        raise DataError(
            f"{train.table.path}: no row of label {label!r} can be used ({where}){others}: correct the rows, or train "
            "without the label with --drop-label NAME"
        )
    if len(left) < 2:
        raise DataError(f"{train.table.path}: only one label is left, {left[0]!r}; training needs two")


def _find_doubtful(train: TableIndex, names: Sequence[str]) -> None:
    """Report labels that may stand for missing ones, that may be the same, or that have only one text."""
    used = train.parts > 0
    texts = count_texts(train.digests[used], train.labels[used])
    alike: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for place, name in enumerate(names):
        if place < len(texts) and texts[place]:
            alike[fold(name)][place] = name
    missing = [found for name, found in alike.items() if name in MISSING]
    train.find_labels("missing", {place: name for found in missing for place, name in found.items()}, keep=True)
    for name, found in alike.items():
        if len(found) > 1 and name not in MISSING:
            train.find_labels("alike", found, keep=True)
    train.find_labels("seen once", {place: names[place] for place in np.flatnonzero(texts == 1).tolist()}, keep=True)


def _leave_out_unknown(files: Mapping[str, TableIndex], counts: npt.NDArray[np.int64], names: Sequence[str]) -> None:
    """Leave out rows to validate or test on whose label has no training row; ``counts`` has those of each label."""
    unknown = {place: names[place] for place in np.flatnonzero(counts == 0).tolist()}
    for split, found in files.items():
        if split != "train":
            found.find_labels("unknown label", unknown)


def fold(label: str) -> str:
    """Return what is equal for labels that differ only in case, white space, characters without a shape, or ``.0``."""
    folded = re.sub(r"^(-?[0-9]+)\.0+$", r"\1", unicodedata.normalize("NFKC", label).casefold())
    return "".join(char for char in folded if unicodedata.category(char) not in INVISIBLE and char not in SELECTORS)


def _draw(train: TableIndex, part: Part, split: str, seed: int, fewest: int) -> None:
    """Draw a split from the rows to train on, unless it has its own file, is not wanted or would have too few rows.

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
    if wanted < fewest:
        return
    if not 0 < wanted <= most:
        why = "would leave no row of a label to fit" if wanted else "is no row"
        raise DataError(
            f"{train.table.path}: --{split} {part} of {sum(rows):,} rows {why}; at most {most:,} can be taken"
        )
    train.draw(wanted, split, seed)
    if not train.count(split):
        none = ", --test none" if split == "test" else ""
        raise DataError(
            f"{train.table.path}: --{split} {part} of {sum(rows):,} rows is no text: rows with the same words stay "
            f"together, and of each label a text is left to fit; use more rows{none}, or a file"
        )
