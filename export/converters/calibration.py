"""Calibration: the encoded texts whose activations decide the integer ranges of a static recipe."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from train.run import Run


def calibration_batches(run: Run) -> Iterator[npt.NDArray[np.int32]]:
    """Yield each of the run's calibration texts as a batch of one, int32 of shape (1, max_length)."""
    for encoded in run.calibration:
        yield encoded[None]
