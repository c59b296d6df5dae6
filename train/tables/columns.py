"""Which columns of a table hold the text and the label, and which values are valid."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from edgetext.tables.names import LABEL_NAMES, TEXT_NAMES
from edgetext.tables.reader import unify_line_ends
from edgetext.tables.records import is_unicode
from train.dataset import DataError

MAX_LABELS = 1_000  # different ones
MAX_LABEL = 100  # characters
MOST_WORDS = 4  # in the name of a column
INVISIBLE = ("Cf", "Zs")  # categories of characters: format, space


class Columns(NamedTuple):
    """The columns to read, and whether any of them was guessed by its name."""

    texts: tuple[str, ...]
    label: str | None  # None for a file of unlabelled texts
    guessed: bool = False
    probabilities: tuple[str, ...] = ()  # the columns of the labels' probabilities
    has_answers: bool = False  # whether these are two: of a label, and of its probability

    @property
    def all(self) -> list[str]:
        """All columns, in the order in which a file must not lack them."""
        return [*self.texts, *([] if self.label is None else [self.label]), *self.probabilities]

    def of(self, names: Collection[str]) -> Columns:
        """Return the columns as far as a file to validate or test on needs them: labels, probabilities, or both."""
        found = self
        if self.probabilities and not set(self.probabilities) & set(names):
            found = found._replace(probabilities=())
        if found.probabilities and self.label not in names:
            found = found._replace(label=None)
        return found

    def __str__(self) -> str:
        texts = f"text from column{'s' * (len(self.texts) > 1)} {' and '.join(map(repr, self.texts))}"
        return texts if self.label is None else f"{texts}, label from column {self.label!r}"


def choose_columns(
    path: object,
    names: Sequence[str],
    texts: Sequence[str],
    label: str | None,
    probabilities: Sequence[str] = (),
    *,
    with_header: bool = False,
    is_headless: bool = False,
) -> Columns:
    """Return the columns to read of those that are in ``names``: what is given, else what can be guessed.

    ``with_header`` says that the names are those of a header, and ``is_headless`` that it seems to be a row.

    Raises:
        DataError: If a column is missing, or there is not exactly one candidate.
    """
    listing = ", ".join(map(repr, names))
    given, has_answers = split_probabilities(probabilities, names)
    named = [*(("--text-column", text) for text in texts), ("--label-column", label)]
    for option, column in [*named, *(("--probabilities", name) for name in given)]:
        if column is not None and column not in names:
            fix = "; --no-header if the first line is a row" if with_header and column.isdigit() else ""
            raise DataError(f"{path}: no column is called {column!r} ({option}); the columns are {listing}{fix}")
    if len({*texts, label, *given}) < len([*texts, label, *given]):
        options = "--text-column, --label-column and --probabilities" if given else "--text-column and --label-column"
        raise DataError(f"{path}: {options} name the same column twice")
    all_names, names = names, [name for name in names if name not in given]
    guessed = not texts or label is None
    is_sure = bool(texts) or label is not None  # of the header: the user knows a column of it
    if not texts:
        texts = _only(name for name in names if name.lower() in TEXT_NAMES and name != label)
    if label is None:
        label = next(iter(_only(name for name in names if name.lower() in LABEL_NAMES and name not in texts)), None)
    others = [name for name in names if name != label and name not in texts]
    if given and label is None:
        others = []  # there need not be labels
    if len(others) == 1 and bool(texts) != (label is not None) and (is_sure or not (is_headless or _is_text(*others))):
        texts, label = texts or others, label if label is not None else others[0]
    if not texts or (label is None and not given):
        wanted = [(not texts, "text", "--text-column"), (label is None and not given, "label", "--label-column")]
        missing = [(what, option) for lacking, what, option in wanted if lacking]
        what, options = (" and ".join(words) for words in zip(*missing))
        fix = f"; {_propose_no_header(all_names)}" if with_header else ""
        raise DataError(f"{path}: which columns hold {what}? Name them with {options}; the columns are {listing}{fix}")
    return Columns(tuple(texts), label, guessed, given, has_answers)


def split_probabilities(given: Sequence[str], names: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Return the columns that ``--probabilities`` names, and whether they are of answers and how sure these are."""
    has_answers = len(given) == 1 and given[0] not in names and given[0].count(",") == 1
    return tuple(given[0].split(",") if has_answers else given), has_answers


def choose_text_columns(path: object, names: Sequence[str], texts: Sequence[str], *, is_headless: bool) -> Columns:
    """Return the columns of a file of unlabelled texts: those of the table, else the only one that can be guessed.

    Args:
        path: The file, for the error message.
        names: The names of its columns.
        texts: The columns of the table's texts.
        is_headless: Whether the header seems to be a row.

    Raises:
        DataError: If there is not exactly one candidate.
    """
    if set(texts) <= set(names):
        return Columns(tuple(texts), None)
    guessed = _only(name for name in names if name.lower() in TEXT_NAMES)
    if not guessed and len(names) == 1 and not (is_headless or _is_text(*names)):
        guessed = list(names)
    if not guessed:
        wanted = " and ".join(map(repr, texts))
        listing = ", ".join(map(repr, names))
        raise DataError(f"{path}: which column holds the text? Rename it to {wanted}; the columns are {listing}")
    return Columns(tuple(guessed), None, guessed=True)


def _is_text(name: str) -> bool:
    """Return whether the name of a column seems to be a text."""
    return len(name.split()) > MOST_WORDS


def _propose_no_header(names: Sequence[str]) -> str:
    """Return the options that read a table whose first line is a row."""
    text = max(range(len(names)), key=lambda place: len(names[place])) + 1
    label = str(3 - text) if len(names) == 2 else "N"
    return f"if the first line is a row: --no-header --text-column {text} --label-column {label}"


def _only(found: Any) -> list[str]:
    """Return the only item, or an empty list if there is not exactly one."""
    names = list(found)
    return names if len(names) == 1 else []


def as_text(values: Sequence[Any]) -> tuple[str, str]:
    """Join the values of the text columns, and return the kind of fault, which is empty for a text.

    Missing values count as empty. That a text has no word is found by the tokenisation.
    """
    parts = [value for value in values if value is not None]
    if not all(isinstance(value, str) for value in parts):
        return "", "text"
    text = unify_line_ends(" ".join(part for part in parts if part))
    fault = _find_fault(text)
    return ("", fault) if fault else (text, "")


def as_label(value: Any) -> tuple[str, str]:
    """Return a value as a label, and the kind of fault, which is empty for a label.

    White space at the ends is left out; inside, any of it counts as one space. What else can be written is part of the
    label, also characters without a shape of their own, such as joiners and marks of direction.
    """
    if isinstance(value, bool):
        value = "true" if value else "false"  # as JSON writes it
    if isinstance(value, float):
        # A column of integers with gaps is often stored as floats, and the gaps as NaN.
        value = None if not math.isfinite(value) else int(value) if value.is_integer() else value
    if isinstance(value, (int, float)):
        value = str(value)
    if value is None:
        return "", "no label"
    if not isinstance(value, str):
        return "", "labels" if isinstance(value, list) else "label"
    if fault := _find_fault(value):
        shown = "".join("\ufffd" if char == "\0" or "\ud800" <= char < "\ue000" else char for char in value)
        return join_words(shown)[:MAX_LABEL], fault
    label = join_words(value)
    kinds = set() if label.isprintable() else {unicodedata.category(char) for char in label}
    if not label or (kinds and kinds <= set(INVISIBLE)):
        return "", "no label"
    if "Cc" in kinds:
        return label, "control"
    return label, "long label" if len(label) > MAX_LABEL else ""


def join_words(label: str) -> str:
    """Return a label without white space at its ends, and with one space for all other white space."""
    return " ".join(label.split())


def ordered(labels: Iterable[str]) -> tuple[str, ...]:
    """Sort labels: by number if all are whole numbers, else by code points."""
    found = sorted(labels)
    are_numbers = all(re.fullmatch("-?[0-9]+", label) for label in found)
    return tuple(sorted(found, key=int) if are_numbers else found)


def _find_fault(text: str) -> str:
    """Return the kind of fault of a string with NUL, or with half of a surrogate pair, which no encoding can write."""
    if "\0" in text:
        return "nul"
    return "" if is_unicode(text) else "encoding"
