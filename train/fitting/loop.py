"""The Keras loops that fit a model, with progress and interruption, and that measure it."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tqdm import tqdm

from train.encoding.encoded import Encoded, Ids, Splits, Targets
from train.metrics import Probabilities, label_probabilities, measure, measure_agreement, print_history
from train.models import network
from train.models.presets import Settings
from train.models.recipe import Fitted, Recipe


def make_reproducible(seed: int) -> None:
    """Make everything that follows in this process reproducible on the same machine with the same versions."""
    # Each fit and each evaluation traces its own graph, which TensorFlow mistakes for an error and warns about.
    tf.get_logger().setLevel("ERROR")
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit(
    model: keras.Model,
    training: tuple[Ids, Targets] | keras.utils.PyDataset,
    validation: tuple[Ids, Targets] | None,
    settings: Settings,
    weights: npt.NDArray[Any] | None = None,
    title: str = "fitting",
) -> dict[str, list[float]]:
    """Fit the model in place, and print a line about it.

    Args:
        model: Compiled, with the metric ``accuracy``.
        training: Padded ids and targets, or a Keras dataset, which determines the size of batches itself.
        validation: Padded ids and targets of texts that are not fitted, if there are any.
        settings: How long, and when to stop, which takes validation texts.
        weights: The weight of each text to fit, shape (texts,), unless ``training`` is a dataset; None for equal ones.
        title: What is printed first.

    Returns:
        ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy``, one value per epoch each; without validation only the
        first two.
    """
    interrupt, started = _Interrupt(), time.monotonic()
    callbacks: list[keras.callbacks.Callback] = [_Progress(settings.epochs, title), interrupt]
    if settings.patience is not None and validation is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping("val_loss", patience=settings.patience, restore_best_weights=True)
        )
    whole = isinstance(training, tuple)
    with interrupt.watched():
        history = model.fit(
            *(training if whole else (training,)),
            epochs=settings.epochs,
            batch_size=settings.batch_size if whole else None,
            sample_weight=weights,
            validation_data=validation,
            callbacks=callbacks,
            verbose=0,
        )
    values = {name: [float(value) for value in values] for name, values in history.history.items()}
    print_history(title, values, time.monotonic() - started, 0 if validation is None else len(validation[0]))
    return values


def fit_tutorial(texts: Splits, recipe: Recipe) -> Fitted:
    """Fit the network of the preset ``tutorial``."""
    training, validation = texts.train, texts.validation
    model = network.build_tutorial(recipe.vocabulary_size, training.max_length, recipe.num_outputs)
    weights = None if (recipe.class_weights == 1).all() else recipe.class_weights[training.targets]
    arrays, validated = ((part.take(), part.targets) for part in (training, validation))
    return Fitted(model, fit(model, arrays, validated, recipe.settings, weights), recipe)


def measure_validation(model: keras.Model, texts: Splits, labels: Sequence[str]) -> dict[str, Any]:
    """Return the metrics on the validation texts, if there are any, and on their sentences and their first words.

    The sentences are measured with typing errors too.
    """
    metrics = evaluate_split("validation", model, texts.validation, labels)
    if len(texts.sentences):
        metrics["validation_short"] = evaluate(model, texts.validation.first_words(), labels)
        metrics["validation_sentences"] = evaluate(model, texts.sentences, labels)
        metrics["validation_typos"] = evaluate(model, texts.typos, labels)
    return metrics


def predict_labels(model: keras.Model, ids: npt.NDArray[np.int32]) -> npt.NDArray[Any]:
    """Return the index of the most probable label of each text, given padded ids; of equal ones the first."""
    return label_probabilities(model.predict(ids, batch_size=512, verbose=0)).argmax(axis=1)


def evaluate(model: keras.Model, texts: Encoded, labels: Sequence[str]) -> dict[str, Any]:
    """Predict the labels of texts and compare them with the right ones, as ``metrics.measure`` does."""
    return measure(predict_probabilities(model, texts), texts.targets, labels)


def evaluate_split(name: str, model: keras.Model, texts: Encoded, labels: Sequence[str]) -> dict[str, Any]:
    """Evaluate the texts of a split that have labels, and compare with the given probabilities of those without.

    Returns:
        What ``evaluate`` returns, by the name; and with ``_agreement`` added to the name what
        ``metrics.measure_agreement`` returns. Each is left out if there are no such texts.
    """
    if not len(texts):
        return {}
    if texts.is_soft is None:
        return {name: evaluate(model, texts, labels)}
    parts, soft = {}, texts.subset(texts.is_soft)
    if not texts.is_soft.all():
        parts[name] = evaluate(model, texts.subset(~texts.is_soft), labels)
    if len(soft):
        parts[f"{name}_agreement"] = measure_agreement(predict_probabilities(model, soft), soft.probabilities)
    return parts


def predict_probabilities(model: keras.Model, texts: Encoded) -> Probabilities:
    """Return the probability of each label, shape (texts, labels)."""
    parts = [label_probabilities(model.predict(ids, batch_size=512, verbose=0)) for ids, _ in texts.chunks()]
    return np.concatenate(parts)


def describe_fitting(
    fitted: Fitted, model: keras.Model, temperature: float | None, texts: Splits, unlabelled: int, seconds: float
) -> dict[str, Any]:
    """Return what ``metrics.json`` records of the fitting itself; ``unlabelled`` texts were learned from."""
    edge = {"unlabelled": unlabelled, "temperature": temperature}
    return {
        **(edge if temperature is not None else {}),
        **({"refitted": len(texts.train) + len(texts.validation)} if fitted.recipe.refits else {}),
        "parameters": model.count_params(),
        "epochs": len(fitted.history["loss"]),
        "fit_seconds": round(seconds, 1),
    }


class _Interrupt(keras.callbacks.Callback):
    """Ends the fitting at the next batch after an interrupt that TensorFlow swallowed.

    A KeyboardInterrupt that is raised while TensorFlow calls back into Python is occasionally lost there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.interrupted = False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Notice interrupts within a ``with`` block, if they end a Python program as usual."""
        is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if not is_default or threading.current_thread() is not threading.main_thread():
            yield  # interrupts are ignored or handled elsewhere, or go to the main thread
            return

        def note(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            signal.default_int_handler(number, frame)

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt


class _Progress(keras.callbacks.Callback):
    """A progress bar, on a terminal only."""

    def __init__(self, epochs: int, title: str) -> None:
        super().__init__()
        self.bar = tqdm(total=epochs, desc=title, unit="epoch", leave=False, disable=None)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.update()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self.bar.close()
