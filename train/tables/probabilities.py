"""Probabilities of the labels that a table gives for its rows, such as those of another model.

There are four forms; ``--probabilities`` names the columns:

- ``p_good p_bad``: a column for each label, whose name is the label, or ends with it after a character that is neither
  a letter nor a digit;
- ``p``: a column of JSON objects, ``{"good": 0.9, "bad": 0.1}``;
- ``p_bad``: for two labels the probability of the one that the name ends with, else of the second;
- ``answer,confidence``: a column of labels and one of their probabilities; the rest is shared evenly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from train.dataset import DataError
from train.tables.columns import MAX_LABELS, Columns, as_label, ordered
from train.tables.report import enumerate_first

TOLERANCE = 0.02  # how far from 1 a sum may be, which is divided by it
FAULT, PERCENT = "probabilities", "percent"  # kinds of faults

_Numbers = list[float]


class GivenProbabilities:
    """Reads the probabilities of rows, and keeps what they are called until all labels are known."""

    def __init__(self, columns: Columns) -> None:
        self._columns, self._has_answers = columns.probabilities, columns.has_answers
        self._has_objects: bool | None = None  # of a single column; None until a row has a value
        self._labels: list[str] = []  # of the columns, once all labels are known
        self.found: set[str] = set()  # the labels of answers and objects
        self.has_any = False  # whether any row has probabilities

    def parse(self, path: object, line: int, values: Sequence[Any]) -> tuple[str, str]:
        """Return a row's probabilities in JSON, empty if it has none, and the kind of fault, empty if there is none.

        Raises:
            DataError: If they are in percent, or there are too many labels.
        """
        parsed, fault = self._parse(values)
        if fault == PERCENT:
            raise DataError(f"{path}: probabilities are from 0 to 1, not percent (line {line}): divide them by 100")
        if len(self.found) > MAX_LABELS:
            raise DataError(f"{path}: --probabilities: more than {MAX_LABELS:,} labels")
        self.has_any = self.has_any or bool(parsed)
        return parsed, fault

    def _parse(self, values: Sequence[Any]) -> tuple[str, str]:
        if not values:
            return "", ""
        if self._has_answers:
            return self._parse_answer(*values)
        if len(values) > 1:
            return _check([_number(value) for value in values])
        value = values[0].strip() if isinstance(values[0], str) else values[0]
        if value is None or value == "" or value != value:  # NaN
            return "", ""
        is_object = isinstance(value, dict) or (isinstance(value, str) and value.startswith("{"))
        if self._has_objects is None:
            self._has_objects = is_object
        if is_object != self._has_objects:
            return "", FAULT
        if is_object:
            return self._parse_object(value)
        number = _number(value)
        if number is not None and 1 < number <= 100:
            return "", PERCENT
        return _check([] if number is None else [1 - number, number])

    def _parse_answer(self, answer: Any, confidence: Any) -> tuple[str, str]:
        label, fault = as_label(answer)
        if fault:
            return "", "" if fault == "no label" else FAULT
        number = _number(confidence)
        if number is None or not 0 < number <= 100:
            return "", FAULT
        if number > 1:
            return "", PERCENT
        self.found.add(label)
        return json.dumps({label: number}), ""

    def _parse_object(self, value: Any) -> tuple[str, str]:
        try:
            found = json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            return "", FAULT
        numbers = {label: _number(number) for label, number in found.items()}
        numbers = {label: number for label, number in numbers.items() if number is not None}
        labels = as_labels([*numbers])
        if "" in labels or len(set(labels)) < len(labels):
            return "", FAULT
        parsed, fault = _check([*numbers.values()], labels)
        self.found.update(labels if parsed else ())
        return parsed, fault

    def name_labels(self, path: object, known: Collection[str], dropped: Collection[str] = ()) -> list[str]:
        """Find out which labels have probabilities, and return them.

        ``known`` are the labels of the rows that have one; those ``dropped`` are not used.

        Raises:
            DataError: If it is not clear.
        """
        if self._has_answers or self._has_objects:
            labels = sorted(self.found)
        elif len(self._columns) > 1:
            labels = self._labels = _name_columns(self._columns, known)
        else:
            labels = self._labels = [] if self._has_objects is None else _name_two(path, self._columns[0], known)
        more, fewer = set(labels) - {*known, *dropped}, set(known) - set(labels)
        if known and more and fewer:
            raise DataError(
                f"{path}: --probabilities: only probabilities have {_enumerate(more)}, and only labels "
                f"{_enumerate(fewer)}: use the same names for both"
            )
        return labels

    def describe(self) -> str:
        """Return which labels the columns stand for."""
        if self._has_answers:
            return "probabilities: {1!r} is that of the label in {0!r}".format(*self._columns)
        if not self._labels:
            return f"probabilities: an object of labels in {self._columns[0]!r}"
        if len(self._columns) == 1:
            return f"probabilities: {self._columns[0]!r} is that of {self._labels[1]!r}, not {self._labels[0]!r}"
        named = (f"{column!r} is that of {label!r}" for column, label in zip(self._columns, self._labels))
        return f"probabilities: {', '.join(named)}"

    def spread(self, parsed: str, places: Mapping[str, int]) -> npt.NDArray[np.float64] | None:
        """Return the probability of each label by its place; None if an answer is less probable than another label."""
        found, values = np.zeros(len(places)), json.loads(parsed)
        named = values if isinstance(values, dict) else dict(zip(self._labels, values))
        if self._has_answers:
            ((answer, confidence),) = named.items()
            found[:] = (1 - confidence) / max(len(places) - 1, 1)
            found[places[answer]] = confidence
            return None if found.max() > confidence else found / found.sum()
        for label, value in named.items():
            found[places[label]] = value
        return found / found.sum()

    def find_label(self, parsed: str, places: Mapping[str, int]) -> int | None:
        """Return the place of the most probable label, the first of equal ones; None as ``spread``."""
        found = self.spread(parsed, places)
        return None if found is None else int(found.argmax())


def _number(value: Any) -> float | None:
    """Return a number; None for a missing value, and -1, which no probability is, for anything else."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        return -1.0
    return None if math.isnan(number) else number


def _check(numbers: Sequence[float | None], names: Sequence[str] = ()) -> tuple[str, str]:
    """Return numbers in JSON, and the kind of fault; ``names`` are those of an object."""
    values = [number for number in numbers if number is not None]
    if not values:
        return "", ""
    if len(values) < len(numbers) or not all(0 <= value < math.inf for value in values):
        return "", FAULT
    if abs(sum(values) - 1) <= TOLERANCE:
        return json.dumps(dict(zip(names, values)) if names else values), ""
    is_percent = abs(sum(values) - 100) <= 100 * TOLERANCE or (len(numbers) == 1 and 1 < values[0] <= 100)
    return "", PERCENT if is_percent else FAULT


def _name_two(path: object, column: str, known: Collection[str]) -> list[str]:
    """Return two labels, the second of which is that of a single column of numbers."""
    if len(known) != 2:
        raise DataError(
            f"{path}: --probabilities {column}: one column of numbers is the probability of one of two labels; the "
            f"table has {len(known)}: name a column for each label"
        )
    first, second = ordered(known)
    ends = [label for label in (first, second) if _ends_with(column, label)]
    return [second, first] if ends == [first] else [first, second]


def _name_columns(columns: Sequence[str], known: Collection[str]) -> list[str]:
    """Return the label of each column: its name, or what follows a beginning that all of them have.

    It is the beginning with which the most columns have a known label; of equally good ones the longest.
    """
    start = _common_start(columns)
    breaks = [place for place in range(len(start) + 1) if place == 0 or not start[place - 1].isalnum()]
    found = [as_labels([name[place:] for name in columns]) for place in breaks]
    named = [labels for labels in found if len({*labels} - {""}) == len(columns)]
    return max(reversed(named), key=lambda labels: len(set(labels) & set(known)), default=[*columns])


def _enumerate(labels: Collection[str]) -> str:
    return enumerate_first([*map(repr, sorted(labels))], len(labels))


def as_labels(names: Sequence[str]) -> list[str]:
    """Return names as labels, empty where one is none."""
    return ["" if fault else label for label, fault in map(as_label, names)]


def _common_start(names: Sequence[str]) -> str:
    shortest = min(names, key=len)
    count = next((place for place in range(len(shortest)) if len({name[place] for name in names}) > 1), len(shortest))
    return shortest[:count]


def _ends_with(column: str, label: str) -> bool:
    start = column.removesuffix(label)
    return start != column and not start[-1:].isalnum()
