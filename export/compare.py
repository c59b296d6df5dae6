"""Comparing a converted model, in its real runtime, with the Keras model it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetext import engines
from edgetext.text import PAD_ID, START_ID, UNKNOWN_ID, Encoder, Vocabulary
from export.recipes import Recipe
from train.run import Run

BATCH_SIZE = 32
# A review cut to so many ids, the start mark included, stands for a short text: errors that a long text averages
# away show there.
SHORT_LENGTH = 11


def compare(run: Run, recipe: Recipe, content: bytes) -> dict[str, Any]:
    """Load a converted model with the engine that will run it, and score the held-back reviews with both.

    Returns:
        What the manifest records: ``reviews``, ``max_difference`` and ``mean_difference`` of the probabilities,
        ``labels_changed`` (a count), the same three with ``short_`` in front for ten words of each review alone,
        ``accuracy`` of the file and ``keras_accuracy``, and the ``runtime``.

    Raises:
        edgetext.EdgetextError: The engine is not installed, or refuses the model.
    """
    engine = engines.create(recipe.engine, content, max_length=run.preprocessing.max_length)
    rows = run.heldout
    short = np.where(np.arange(rows.shape[1]) < SHORT_LENGTH, rows, PAD_ID)
    ours, theirs = _score_both(engine, run, rows)
    ours_short, theirs_short = _score_both(engine, run, short)
    return {
        "reviews": len(rows),
        **_differences("", ours, theirs),
        **_differences("short_", ours_short, theirs_short),
        "accuracy": round(float((ours.argmax(axis=1) == run.heldout_targets).mean()), 4),
        "keras_accuracy": round(float((theirs.argmax(axis=1) == run.heldout_targets).mean()), 4),
        "runtime": engine.runtime,
    }


def _score_both(
    engine: Any, run: Run, rows: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Score rows with a converted model and with Keras; give the probabilities of both, shape (reviews, classes)."""
    inputs: list[Any] = rows.tolist()
    if engine.takes_text:
        inputs = _texts(run, rows)
        # A row that is the end of a text has no start mark, and that of a text which ends there does.
        encode = Encoder(Vocabulary(run.tokens), run.preprocessing).encode
        rows = np.array([encode(text) for text in inputs], dtype=np.int32)
    batches = (inputs[start : start + BATCH_SIZE] for start in range(0, len(inputs), BATCH_SIZE))
    ours = np.array([output for batch in batches for output in engine.predict(batch)])
    return by_class(ours), by_class(run.model.predict(rows, batch_size=256, verbose=0))


def _texts(run: Run, rows: npt.NDArray[np.int32]) -> list[str]:
    """Give texts of the words of these rows."""
    # Whatever a text has for a word outside the vocabulary, another such word serves.
    known = dict(enumerate(run.tokens)) | {UNKNOWN_ID: _unknown_word(run.tokens)}
    return [" ".join(known[index] for index in row if index not in (PAD_ID, START_ID)) for row in rows.tolist()]


def _unknown_word(tokens: Sequence[str]) -> str:
    """Make up a word that is not among the tokens: one that is longer."""
    return "x" * (1 + max(map(len, tokens)))


def _differences(prefix: str, ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Compare probabilities of shape (reviews, classes); differences are rounded to three digits."""
    difference = np.abs(ours - theirs).max(axis=1)
    return {
        f"{prefix}max_difference": float(f"{difference.max():.3g}"),
        f"{prefix}mean_difference": float(f"{difference.mean():.3g}"),
        f"{prefix}labels_changed": int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum()),
    }


def by_class(outputs: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Give a probability for each class, shape (batch, classes), from outputs of shape (batch, 1 or classes)."""
    outputs = np.asarray(outputs, dtype=np.float64)
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def excess(recipe: Recipe, measured: dict[str, Any]) -> list[str]:
    """List in words by how much a comparison is past the recipe's tolerance; empty if it is not."""
    tolerance = recipe.tolerance
    share = measured["labels_changed"] / measured["reviews"]
    # Of a few texts, one that two labels fit alike may change, whatever its share.
    labels_changed = max(tolerance.labels_changed, 1 / measured["reviews"])
    return [
        f"{what} is {value:.3g}, and at most {bound:.3g} is allowed"
        for what, value, bound in (
            ("the largest difference of a probability", measured["max_difference"], tolerance.max_difference),
            ("the mean difference of the probabilities", measured["mean_difference"], tolerance.mean_difference),
            (
                "the mean difference on short texts",
                measured["short_mean_difference"],
                tolerance.short_mean_difference,
            ),
            ("the share of labels changed", share, labels_changed),
        )
        if not value <= bound  # true for NaN too
    ]
