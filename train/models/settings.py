"""How long a network is fitted, and in what order, as checked values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How to fit; ``train.models.presets`` has the defaults of each preset.

    Attributes:
        epochs: The most passes over the training texts.
        batch_size: Number of texts in a step.
        seed: Seed of the initial weights, the order of the batches, and everything else that is random.
        validation: Number of training texts set aside to validate on.
        patience: Stop after this many epochs without a lower validation loss, and restore the best weights; None runs
            all epochs and keeps the last weights, as the tutorial does.
    """

    epochs: int
    batch_size: int
    seed: int
    validation: int
    patience: int | None = None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: If a value is out of range.
        """
        for name, low in (("epochs", 1), ("batch_size", 1), ("seed", 0), ("patience", 1), ("validation", 1)):
            value = getattr(self, name)
            if value is not None and value < low:
                raise ValueError(f"{name.replace('_', '-')} must be at least {low}, not {value}")
        if self.seed >= 2**32:
            raise ValueError("seed must be below 2**32")
