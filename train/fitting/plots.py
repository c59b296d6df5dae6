"""Pictures of a training."""

from __future__ import annotations

from pathlib import Path


def plot_history(history: dict[str, list[float]], path: Path) -> None:
    """Draw the tutorial's two plots, loss and accuracy over the epochs: training as dots, validation as a line.

    Args:
        history: A value per epoch of ``loss``, ``accuracy`` and both with ``val_`` in front.
        path: The PNG file to write.
    """
    from matplotlib.figure import Figure  # which only training has

    epochs = range(1, len(history["loss"]) + 1)
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy")):
        axes.plot(epochs, history[name], "o", markersize=4, label="training")
        # A single epoch would make a line without length.
        axes.plot(epochs, history[f"val_{name}"], "-" if len(epochs) > 1 else "_", label="validation")
        axes.set(title=f"Training and validation {name}", xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=80, metadata={"Software": None})
