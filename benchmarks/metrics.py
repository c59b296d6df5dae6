"""What labels tell of a classifier: the confusion matrix, and each class's precision, recall and F1.

As scikit-learn defines them (``precision_recall_fscore_support`` and ``f1_score(average="macro", zero_division=0)``):
what would be 0 / 0 is 0, and the macro F1 is the plain mean over the classes that are somewhere in the truth or among
the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.int64]

# Numbers in results files have so many digits.
DIGITS = 6


def confusion_matrix(truth: Sequence[str], answers: Sequence[str], labels: Sequence[str]) -> Matrix:
    """Count the texts of each class by the class that they were given; shape (labels, labels), the truth in rows."""
    places = {label: place for place, label in enumerate(labels)}
    rows, columns = ([places[label] for label in given] for given in (truth, answers))
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(matrix, (rows, columns), 1)
    return matrix


def score_classes(matrix: Matrix) -> dict[str, npt.NDArray[Any]]:
    """Give each class's ``precision``, ``recall``, ``f1``, 0 to 1, and ``support``, its texts; shape (labels,) each."""
    right, support, answers = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return {
        "precision": _divide(right, answers),
        "recall": _divide(right, support),
        "f1": _divide(2 * right, support + answers),  # the harmonic mean of the two above
        "support": support,
    }


def _divide(numerators: Matrix, denominators: Matrix) -> npt.NDArray[np.float64]:
    return numerators / np.maximum(denominators, 1)  # where a denominator is 0, so is its numerator


def macro_f1(matrix: Matrix) -> float:
    """Give the mean of the F1 of the classes that occur in the truth or among the answers, to ``DIGITS`` digits."""
    occurs = matrix.sum(axis=0) + matrix.sum(axis=1) > 0
    return round(float(score_classes(matrix)["f1"][occurs].mean()), DIGITS)


def describe(truth: Sequence[str], answers: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Say in a results file how the classes fared.

    Returns:
        ``macro_f1``; ``classes``, by label the class's scores; and ``confusion``, by label of the truth how many texts
        were given which label, without those of which there are none.
    """
    matrix = confusion_matrix(truth, answers, labels)
    scores = score_classes(matrix)
    return {
        "macro_f1": macro_f1(matrix),
        "classes": {
            label: {name: round(values[place].item(), DIGITS) for name, values in scores.items()}
            for place, label in enumerate(labels)
        },
        "confusion": {
            label: {labels[column]: int(row[column]) for column in np.flatnonzero(row).tolist()}
            for label, row in zip(labels, matrix)
        },
    }
