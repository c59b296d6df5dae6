"""Calibration: the encoded texts whose activations decide the integer ranges of a static recipe."""

import numpy as np
import numpy.typing as npt

from train.run import Run


def calibration_batches(run: Run) -> list[npt.NDArray[np.int32]]:
    """Return each of the run's calibration texts as a batch of one, int32 of shape (1, max_length)."""
    return [encoded[None] for encoded in run.calibration]
