"""The plot of a training: loss and accuracy over the epochs.

python -m train.fitting.plots runs/tickets        # draws a run's history.png again, from its history.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NOT_COMPARABLE = (
    "Training fits crops, a teacher's labels or weighted classes, so its figures do not compare with those of "
    "validation:\neach is shown where it is meaningful. Validation loss is left out; it precedes calibration."
)


def is_comparable(config: dict[str, Any]) -> bool:
    """Return whether a run's training and validation figures measure the same, given its ``config.json``.

    They do not if features are dropped, a teacher's labels are fitted or classes are weighted, which concerns training
    only.
    """
    return not (config.get("choices", {}).get("objective") == "logistic" or config.get("class_weights"))


def plot_history(history: dict[str, list[float]], path: Path, *, comparable: bool = True) -> None:
    """Draw the history of a fitting.

    Args:
        history: A value per epoch of ``loss``, ``accuracy`` and, if texts were validated on, both with the prefix
            ``val_``.
        path: The PNG file to write.
        comparable: Whether training (dots) and validation (line) are drawn together, as the tutorial does; else only
            the training loss and the validation accuracy are, with a note that says why.
    """
    from matplotlib.figure import Figure  # which only training has installed
    from matplotlib.ticker import MaxNLocator

    epochs = range(1, len(history["loss"]) + 1)
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy")):
        if comparable or name == "loss":
            axes.plot(epochs, history[name], "o", color="C0", markersize=4, label="training")
        if f"val_{name}" in history and (comparable or name == "accuracy"):
            # A single epoch would be a line without length.
            axes.plot(epochs, history[f"val_{name}"], "-" if len(epochs) > 1 else "_", color="C1", label="validation")
        shown = "Training and validation" if comparable else "Training" if name == "loss" else "Validation"
        axes.set(title=f"{shown} {name}", xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if comparable:
            axes.legend()
    if not comparable:
        figure.supxlabel(NOT_COMPARABLE, fontsize=8)
    figure.savefig(path, dpi=80, metadata={"Software": None})


def main(argv: list[str] | None = None) -> int:
    """Draw the ``history.png`` of run folders again."""
    for name in sys.argv[1:] if argv is None else argv:
        folder = Path(name)
        history, config = (json.loads((folder / f"{part}.json").read_text("utf-8")) for part in ("history", "config"))
        plot_history(history, folder / "history.png", comparable=is_comparable(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
