"""The objectives of the preset ``edge``: targets, losses, and what counts as accurate while fitting."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

from train.encoding.encoded import Targets
from train.models.recipe import Recipe


def make_targets(targets: Targets, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Return targets for the recipe's objective.

    Args:
        targets: As in ``Encoded``, shape (texts,).
        recipe: Has the objective.

    Returns:
        For ``"logistic"`` the targets unchanged, shape (texts,); for ``"hinge"`` 1 for the text's label and -1 for the
        others, shape (texts, num_outputs).
    """
    if recipe.choices.objective == "logistic":
        return targets.astype(np.float32)
    labels = np.array([1]) if recipe.num_outputs == 1 else np.arange(recipe.labels)
    return np.where(targets[:, None] == labels, 1.0, -1.0).astype(np.float32)


def squared_hinge(targets: Any, margins: Any) -> Any:
    """Return the squared hinge loss of each text, summed over the outputs; targets are 1 and -1."""
    return ops.sum(ops.square(ops.maximum(1.0 - targets * margins, 0.0)), axis=-1)


def agree(targets: Any, outputs: Any) -> Any:
    """Return whether the more probable label is predicted; the target may be a probability, as a teacher's is."""
    return ops.cast((ops.reshape(targets, ops.shape(outputs)) > 0.5) == (outputs > 0.5), "float32")


def same_side(targets: Any, margins: Any) -> Any:
    """Return whether the margin of the text's label is the largest, or a single margin has the right sign."""
    if margins.shape[-1] == 1:
        return ops.cast(targets * margins > 0, "float32")
    return ops.cast(ops.argmax(targets, axis=-1) == ops.argmax(margins, axis=-1), "float32")
