"""Drawing a confusion matrix, of two classes or of some hundred."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import classes, plot

# Of more classes the cells hold no numbers.
NUMBERED = 20
# The width of a cell in inches, of few classes and of many; labels as high as the latter can just be read.
CELL, LEAST_CELL = 0.6, 0.11
# A darker cell than this has a white number.
DARK = 0.55


def draw(results: dict[str, Any], out: Path) -> None:
    """Draw the confusion matrix of the first file that works here, or of Keras, into a PNG file.

    Raises:
        OSError: It cannot be written.
    """
    import numpy as np
    from matplotlib.figure import Figure

    labels, first = results["labels"], classes.first_row(results)
    confusion = (first or results["keras"])["confusion"]
    counts = np.array([[confusion[truth].get(answer, 0) for answer in labels] for truth in labels])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # of the texts of a class, (truth, answers)
    cell = max(LEAST_CELL, CELL * min(1.0, NUMBERED / len(labels)))
    side = max(3.0, cell * len(labels))
    figure = Figure(figsize=(side + 2.2, side + 1.6), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(labels) <= NUMBERED:
        for row, column in np.ndindex(counts.shape):
            colour = "white" if shares[row, column] > DARK else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=8)
    names = [classes.shorten(label) for label in labels]
    size = min(9.0, 72 * 0.8 * side / len(labels))
    axes.set_xticks(range(len(labels)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(labels)), names, fontsize=size)
    axes.set_xlabel("label given")
    axes.set_ylabel("class")
    texts = results["texts"]
    axes.set_title(
        f"{results['bundle']['name']}, {classes.name(first)}\n{texts['reviews']:,} {texts['source']}", fontsize=9
    )
    figure.colorbar(image, label="share of the class", shrink=min(1.0, 4 / side), format="{x:.0%}")
    plot.save(figure, out, colours=256)
