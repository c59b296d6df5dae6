"""Splitting, encoding, fitting and evaluating."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tqdm import tqdm

from edgetext.text import PAD_ID, Encoder
from train.data import LABELS, Review
from train.settings import Settings

Rows = npt.NDArray[np.int32]
Targets = npt.NDArray[np.float32]


def split_validation(reviews: Sequence[Review], count: int) -> tuple[list[Review], list[Review]]:
    """Divide reviews into those to fit and those to validate, in an order that only their names decide.

    The order is that of the SHA-256 of each review's id: as good as shuffled, and the same on every machine,
    version and seed.

    Returns:
        The reviews to fit, and the first ``count`` in that order, to validate.

    Raises:
        ValueError: Nothing would be left to fit.
    """
    if count >= len(reviews):
        raise ValueError(f"{count} reviews to validate leave none of {len(reviews)} to fit")
    shuffled = sorted(reviews, key=lambda review: hashlib.sha256(review.id.encode()).digest())
    return shuffled[count:], shuffled[:count]


def encode(reviews: Sequence[Review], encoder: Encoder) -> tuple[Rows, Targets]:
    """Encode reviews for the network.

    Returns:
        ids, shape (reviews, max_length), and 1.0 for the second label or 0.0 for the first, shape (reviews,).
    """
    rows = np.array([encoder.encode(review.text) for review in reviews], dtype=np.int32)
    return rows, np.array([LABELS.index(review.label) for review in reviews], dtype=np.float32)


def first_words(rows: Rows, count: int = 10) -> Rows:
    """Cut rows of ids to the start mark and the first ``count`` ids after it, of those that the row has.

    Rows of long reviews cut at their front have no start mark; they are cut to ``count + 1`` ids like the others.
    """
    return np.where(np.arange(rows.shape[1]) <= count, rows, PAD_ID).astype(np.int32)


def make_reproducible(seed: int) -> None:
    """Make what follows in this process repeat exactly, given the same machine and versions."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit(
    model: keras.Model, training: tuple[Rows, Targets], validation: tuple[Rows, Targets], settings: Settings
) -> dict[str, list[float]]:
    """Fit the model in place.

    Returns:
        ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy``, a value per epoch.
    """
    callbacks: list[keras.callbacks.Callback] = [_Progress(settings.epochs)]
    if settings.patience is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping("val_loss", patience=settings.patience, restore_best_weights=True)
        )
    history = model.fit(
        *training,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        validation_data=validation,
        callbacks=callbacks,
        verbose=0,
    )
    return {name: [float(value) for value in values] for name, values in history.history.items()}


def evaluate(model: keras.Model, rows: Rows, targets: Targets) -> dict[str, float | int]:
    """Measure loss and accuracy; a probability of exactly one half counts as the first label."""
    loss, accuracy = model.evaluate(rows, targets, batch_size=512, verbose=0)
    return {"loss": float(loss), "accuracy": float(accuracy), "reviews": len(rows)}


class _Progress(keras.callbacks.Callback):
    """A bar over the epochs on a terminal; elsewhere a line for each."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.bar = tqdm(total=epochs, desc="fitting", unit="epoch", disable=None)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        shown = {name: f"{value:.4f}" for name, value in (logs or {}).items()}
        if self.bar.disable:
            print(f"epoch {epoch + 1:2d}/{self.bar.total}", *(f"{k} {v}" for k, v in shown.items()), flush=True)
        self.bar.set_postfix(shown, refresh=False)
        self.bar.update()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self.bar.close()
