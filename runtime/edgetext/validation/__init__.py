"""What was measured on texts that the model was not fitted on, from which follows when its labels can be trusted.

A bundle holds it in ``validation.json``, which is read only when it is asked for. The exporter makes the file from the
predictions that a training keeps. It is a JSON object:

    format_version   1
    labels           as in the manifest
    texts            the number of texts
    least_known      the smallest share of known words of a text
    curve            over all labels, what is answered at each of ``THRESHOLDS`` and how much of that is right
    answered, right  the same for each label: numbers of texts at each threshold
    scores, known    histograms of the texts by score and by the share of known words, in ``BINS`` equal bins
    files            for each model file, by how much it shifts from that

A text is answered at a threshold if its score is at least that. It counts for the label that is predicted.
"""

from __future__ import annotations

import os

from edgetext.errors import BundleError
from edgetext.strict_json import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from edgetext.bundle import Bundle

VALIDATION = "validation.json"
FORMAT_VERSION = 1
# Fixed ones, and not those that look best, so that what is measured at them holds for other texts.
THRESHOLDS = (*(place / 40 for place in range(40)), 0.99)
BINS = 20


class Validation:
    """The content of ``validation.json``, checked.

    Attributes:
        labels: The labels.
        texts: The number of texts.
        least_known: The smallest share of known words of a text.
        answered: For each label, the number of texts that get it at each of ``THRESHOLDS``.
        right: How many of these are right.
        scores: The number of texts in each of ``BINS`` equal bins of their scores.
        known: The same for the share of known words.
        files: For each model file by name, what the exporter measured of its shift.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        """Check a record.

        Raises:
            ValueError, TypeError, LookupError: If it is not what ``validation.json`` holds.
        """
        if record["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format_version is {record['format_version']!r}, and this version reads {FORMAT_VERSION}")
        self.labels: list[str] = record["labels"]
        self.texts: int = record["texts"]
        self.least_known: float = record["least_known"]
        self.answered: list[list[int]] = record["answered"]
        self.right: list[list[int]] = record["right"]
        self.scores: list[int] = record["scores"]
        self.known: list[int] = record["known"]
        self.files: dict[str, dict[str, Any]] = record["files"]
        if type(self.texts) is not int or self.texts < 1 or not 0 <= self.least_known <= 1:
            raise ValueError("texts or least_known is out of range")
        rows = [*self.answered, *self.right]
        if len(self.answered) != len(self.labels) or any(len(row) != len(THRESHOLDS) for row in rows):
            raise ValueError("its counts do not fit its labels")
        if [len(self.scores), len(self.known)] != [BINS, BINS]:
            raise ValueError(f"its histograms do not have {BINS} bins")
        if not all(type(count) is int and count >= 0 for row in (*rows, self.scores, self.known) for count in row):
            raise ValueError("a count is not a whole number")
        totals = sum(row[0] for row in self.answered), sum(self.scores), sum(self.known)
        if totals != (self.texts,) * 3:
            raise ValueError("its counts do not add up to its texts")
        if len(self.right) != len(self.answered) or any(
            right > answered for pair in zip(self.answered, self.right) for answered, right in zip(*pair)
        ):
            raise ValueError("more texts are right than answered")


def read_validation(bundle: Bundle) -> Validation:
    """Read the ``validation.json`` of a bundle.

    Raises:
        BundleError: If there is none, or it is damaged.
    """
    content = bundle.read_extra(VALIDATION)
    if content is None:
        raise BundleError(
            f"{bundle.folder} has no {VALIDATION}, so it is not known how far its scores can be trusted: train and "
            "export again"
        )
    try:
        validation = Validation(parse_json(content))
        if validation.labels != bundle.labels:
            raise ValueError("its labels are not those of the bundle")
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise BundleError(f"{os.path.join(bundle.folder, VALIDATION)}: {error}: export again") from None
    return validation
