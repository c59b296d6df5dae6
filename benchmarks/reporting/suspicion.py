"""Training rows whose label is likely wrong, found by confident learning.

Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021, as the library
cleanlab does it, with predictions for each row by a model that was not fitted on it.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.reporting.evaluation import Evaluation

COLUMNS = ("row", "label", "proposed_label", "probability_of_label", "probability_of_proposed_label", "likely_error")


def find_suspects(found: Evaluation, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return a record of each row, the most suspicious first: ``COLUMNS`` and ``text``.

    The order is that of the probability of the row's own label. ``likely_error`` says whether confident learning
    counts the row among those whose label is wrong.
    """
    # Importing cleanlab takes a second.
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    probabilities = found.probabilities / found.probabilities.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels that hardly occur
        is_error = find_label_issues(found.targets, probabilities, n_jobs=1)
        quality = get_label_quality_scores(found.targets, probabilities, method="self_confidence")
    return [
        {
            "row": found.texts[place].id,
            "label": labels[found.targets[place]],
            "proposed_label": labels[found.predicted[place]],
            "probability_of_label": float(quality[place]),
            "probability_of_proposed_label": float(probabilities[place].max()),
            "likely_error": bool(is_error[place]),
            "text": found.texts[place].text,
        }
        for place in quality.argsort(kind="stable").tolist()
    ]


def write_suspects(path: Path, suspects: Sequence[dict[str, Any]]) -> None:
    """Write the records of ``find_suspects`` as CSV.

    Raises:
        OSError: If the file exists or cannot be written.
    """
    with path.open("x", encoding="utf-8-sig", newline="") as file:  # Excel takes UTF-8 without the mark for another
        writer = csv.DictWriter(file, (*COLUMNS, "text"))
        writer.writeheader()
        for suspect in suspects:
            shares = {name: f"{suspect[name]:.4f}" for name in COLUMNS if name.startswith("probability")}
            writer.writerow({**suspect, **shares, "likely_error": "yes" if suspect["likely_error"] else "no"})
