"""What accuracy.py shows of the classes: how each fared with Keras and with the first file, and what was confused."""

from __future__ import annotations

from typing import Any

from benchmarks import common

# Of more classes the worst are shown, so many of them.
MANY, WORST = 40, 20
# Of more classes the commonest confusions are shown instead of the matrix, so many of them.
WIDE, CONFUSIONS = 12, 20
# Longer labels are cut where they would push a table's columns apart.
LONGEST = 24

Results = dict[str, Any]


def first_row(results: Results) -> dict[str, Any] | None:
    """Give the row of the first file that works here; None if none does."""
    return next((row for row in results["rows"] if "error" not in row), None)


def name(row: dict[str, Any] | None) -> str:
    """Say what a row is of."""
    return "Keras" if row is None else f"{row['recipe']} ({row['engine']})"


def shorten(label: str) -> str:
    """Give a label as it stands in a table."""
    return label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"


def tables(results: Results) -> str:
    """Lay out what is known of the classes, for people."""
    return "\n\n".join([_scores(results), _confusion(results)])


def _scores(results: Results) -> str:
    """Lay out precision, recall and F1 of the classes, or of the worst of them."""
    labels, first = results["labels"], first_row(results)
    measured = [results["keras"]["classes"], *([first["classes"]] if first else [])]
    chosen = labels
    if len(labels) > MANY:
        # A class of which there is no text comes last, whatever was taken for it.
        scores = measured[-1]
        chosen = sorted(labels, key=lambda label: (scores[label]["support"] == 0, scores[label]["f1"]))[:WORST]
    names = ["Keras", *([name(first)] if first else [])]
    head = ["class", "texts", *["precision", "recall", "F1"] * len(measured)]
    rows = [
        [
            shorten(label),
            str(measured[0][label]["support"]),
            *(f"{one[label][part]:.2%}" for one in measured for part in ("precision", "recall", "f1")),
        ]
        for label in chosen
    ]
    note = f"classes: {' and then '.join(names)}"
    if len(chosen) < len(labels):
        note += f"; of {len(labels)} classes the {len(chosen)} of the least F1"
    return f"{note}\n{common.format_table(head, rows)}"


def _confusion(results: Results) -> str:
    """Lay out the confusion matrix of the first file, or its commonest confusions."""
    labels, first = results["labels"], first_row(results)
    confusion = (first or results["keras"])["confusion"]
    if len(labels) <= WIDE:
        rows = [[shorten(truth), *(str(confusion[truth].get(answer, 0)) for answer in labels)] for truth in labels]
        note = f"confusion, {name(first)}: texts by their class (rows) and the label they were given (columns)"
        return f"{note}\n{common.format_table(['', *map(shorten, labels)], rows)}"
    found = [
        (count, truth, answer)
        for truth, answers in confusion.items()
        for answer, count in answers.items()
        if truth != answer
    ]
    shown = sorted(found, key=lambda one: -one[0])[:CONFUSIONS]
    lines = [f"{truth} taken for {answer}: {count}" for count, truth, answer in shown]
    return "\n".join([f"confusions, {name(first)}: the {len(shown)} commonest of {len(found)}", *lines])
