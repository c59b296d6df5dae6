"""The run folder: everything that a training leaves behind, and all that export needs.

model.keras      the trained model, without the optimizer's state
vocab.txt        the vocabulary, line n is the token with id n
config.json      preset, labels, preprocessing, settings, where the data came from, versions
history.json     loss and accuracy per epoch, of training and validation
history.png      the same as two plots
metrics.json     loss and accuracy on the validation and test reviews
samples.npz      encoded reviews, so that export needs no data: `calibration_*` from those fitted, to calibrate
quantisation; `heldout_*` from those validated, to compare converted models with Keras
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edgetext.folders import replacing
from edgetext.text import Vocabulary
from train.data import Review
from train.fit import Rows, Targets
from train.plots import plot_history

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Samples:
    """Encoded reviews with their ids: the head of a split."""

    reviews: Sequence[Review]
    rows: Rows
    targets: Targets

    def arrays(self, name: str, count: int) -> dict[str, Any]:
        """Give the first ``count`` as arrays: review ids, token ids (uint16 or uint32) and targets (uint8)."""
        rows = self.rows[:count]
        return {
            f"{name}_reviews": np.array([review.id for review in self.reviews[:count]]),
            f"{name}_ids": rows.astype(np.min_scalar_type(int(rows.max()))),
            f"{name}_targets": self.targets[:count].astype(np.uint8),
        }


# 100 to 500 texts are what TensorFlow Lite's guide recommends to calibrate with. Five hundred to compare make one
# changed label 0.2 points, and keep the file at some hundred kilobytes.
CALIBRATION_COUNT = 100
HELDOUT_COUNT = 500


def write_run(
    out: Path,
    *,
    model: keras.Model,
    vocabulary: Vocabulary,
    config: dict[str, Any],
    history: dict[str, list[float]],
    metrics: dict[str, Any],
    fitted: Samples,
    validated: Samples,
) -> None:
    """Write a run folder, whole or not at all; one that it replaces is kept as ``<out>.previous``.

    Raises:
        OSError: It cannot be written.
    """
    with replacing(out, marker="config.json", keep_previous=True) as new:
        folder = Path(new)
        _without_optimizer(model).save(folder / "model.keras")
        (folder / "vocab.txt").write_bytes(vocabulary.to_bytes())
        for name, content in (("config", config), ("history", history), ("metrics", metrics)):
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            (folder / f"{name}.json").write_text(text, encoding="utf-8")
        plot_history(history, folder / "history.png")
        np.savez_compressed(
            folder / "samples.npz",
            **fitted.arrays("calibration", CALIBRATION_COUNT),
            **validated.arrays("heldout", HELDOUT_COUNT),
        )


def _without_optimizer(model: keras.Model) -> keras.Model:
    """Copy a model without what only fitting needs: the optimizer's moments would triple its file."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy
