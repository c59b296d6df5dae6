"""Scoring labelled texts with every model file of a bundle, and with the Keras model that they came from."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from benchmarks import metrics
from benchmarks.common import BenchmarkError
from benchmarks.texts import Review
from edgetext import Bundle, BundleError, Classifier, EngineError
from edgetext.bundle.manifest import ModelFile
from edgetext.engines.stderr import muted_stderr
from edgetext.text import Encoder, tokenize
from train.tensorflow_setup import import_tensorflow

# A review cut to so many words stands for a short text: errors of quantisation that a long one averages away show.
SHORT_WORDS = 10
# As in Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
CALIBRATION_BINS = 15
KERAS_BATCH = 512
# So many labels are named where a text has another one.
NAMED = 12


class Task(NamedTuple):
    """Texts to score, whole and cut, and what is right."""

    texts: Sequence[str]
    short: Sequence[str]
    labels: Sequence[str]


class Outputs(NamedTuple):
    """What a model says of some texts: a probability for each label, (texts, labels), and a label for each text."""

    probabilities: npt.NDArray[np.float64]
    labels: Sequence[str]


class Reference(NamedTuple):
    """What Keras says of a task's texts."""

    whole: Outputs
    short: Outputs


def make_task(reviews: Sequence[Review], labels: Sequence[str]) -> Task:
    """Take the reviews apart.

    Raises:
        BenchmarkError: A review has no label, or one that is not among ``labels``.
    """
    for number, review in enumerate(reviews, 1):
        if review.label not in labels:
            which = review.id or f"text {number}"
            others = f", ... ({len(labels)} labels)" if len(labels) > NAMED else ""
            known = ", ".join(labels[:NAMED]) + others
            raise BenchmarkError(f"{which}: its label is {review.label!r}, and the bundle has {known}")
    texts = [review.text for review in reviews]
    short = [" ".join(tokenize(text)[:SHORT_WORDS]) for text in texts]
    return Task(texts, short, [review.label for review in reviews if review.label is not None])


def find_keras(run: Path, bundle: Bundle) -> Path:
    """Give the run's Keras model, having checked that the bundle was exported from it.

    Raises:
        BenchmarkError: There is no such run, or the bundle was exported from another one.
    """
    path = run / "model.keras"
    if not path.is_file():
        raise BenchmarkError(f"no run at {run}: it has no {path.name}; python -m train --out {run} writes one")
    origin = bundle.manifest.get("run")
    expected = origin.get("model_sha256") if isinstance(origin, dict) else None
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise BenchmarkError(
            f"{bundle.folder} was exported from another run than {run}: name its run with --run, or export again"
        )
    return path


def score_keras(path: Path, bundle: Bundle, task: Task) -> Reference:
    """Score a task with the Keras model.

    Raises:
        ModuleNotFoundError: tensorflow is not installed.
        BenchmarkError: Keras cannot load the model.
    """
    import_tensorflow()
    import keras

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # keras raises whatever the layers raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BenchmarkError(f"{path}: Keras cannot load it: {reason}") from None
    encode = Encoder(bundle.vocabulary(), bundle.preprocessing).encode

    def outputs(texts: Sequence[str]) -> Outputs:
        rows = np.array([encode(text) for text in texts], dtype=np.int32)  # (texts, max_length)
        scores = model.predict(rows, batch_size=KERAS_BATCH, verbose=0).astype(np.float64)
        if scores.shape[1] == 1:
            scores = np.hstack([1.0 - scores, scores])  # (texts, labels)
        return Outputs(scores, [bundle.labels[index] for index in scores.argmax(axis=1)])

    return Reference(outputs(task.texts), outputs(task.short))


def describe_keras(reference: Reference, task: Task, labels: Sequence[str]) -> dict[str, Any]:
    """Say in a results file how Keras fared: what it and the rows of ``score_file`` have in common."""
    return {
        "accuracy": accuracy(reference.whole, task.labels),
        "calibration_error": calibration_error(reference.whole, task.labels),
        "short_accuracy": accuracy(reference.short, task.labels),
        **metrics.describe(task.labels, reference.whole.labels, labels),
    }


def score_files(bundle: Bundle, models: Sequence[ModelFile], task: Task, reference: Reference) -> list[dict[str, Any]]:
    """Score a task with model files; give the rows of the results, see ``score_file``.

    ``labels_as_first`` is the share of the whole texts that get the same label from a file as from the first of them
    that works here.

    Raises:
        BundleError: The bundle is damaged.
    """
    rows, first = [], None
    for model in models:
        row, outputs = score_file(bundle, model, task, reference)
        if outputs is not None:
            first = first or outputs
            row["labels_as_first"] = accuracy(outputs, first.labels)
        rows.append(row)
    return rows


def score_file(
    bundle: Bundle, model: ModelFile, task: Task, reference: Reference
) -> tuple[dict[str, Any], Outputs | None]:
    """Score a task with a model file, through the classifier that ships, and compare with Keras.

    Returns:
        A row of the results: ``engine``, ``recipe``, ``file``, ``size`` in bytes, and ``error``, a line, if the engine
        does not work here; otherwise ``runtime``, ``seconds`` for the whole texts, ``accuracy`` and
        ``calibration_error``, 0 to 1, ``drop_points``, by how many percentage points the accuracy is less than Keras',
        and for whole and short texts the differences of the probabilities and the count of labels other than Keras';
        ``macro_drop_points``, the same as ``drop_points`` of the macro F1; and what ``metrics.describe`` gives.
        Then what the file says of the whole texts, None if the engine does not work here.

    Raises:
        BundleError: The bundle is damaged.
    """
    row = {"engine": model.engine, "recipe": model.recipe, "file": model.file, "size": model.size}
    try:
        with muted_stderr():
            classifier = Classifier.load(bundle.folder, model.engine, recipe=model.recipe)
    except EngineError as error:
        # Where the interpreter lies is no news for a results file.
        return {**row, "error": str(error).replace(sys.executable, "python")}, None
    if classifier.model is None or classifier.model.file != model.file:
        raise BundleError(f"{bundle.folder}: two models of engine {model.engine} and recipe {model.recipe}")
    started = time.perf_counter()
    whole = _classify(classifier, task.texts, model.file)
    seconds = time.perf_counter() - started
    short = _classify(classifier, task.short, model.file)
    right, expected = (accuracy(outputs, task.labels) for outputs in (whole, reference.whole))
    classes, wanted = (
        metrics.describe(task.labels, outputs.labels, bundle.labels) for outputs in (whole, reference.whole)
    )
    measured = {
        "runtime": classifier.engine.runtime,
        "seconds": round(seconds, 2),
        "accuracy": right,
        "calibration_error": calibration_error(whole, task.labels),
        "drop_points": round(100 * (expected - right), 4),
        **_compare("", whole, reference.whole),
        "short_accuracy": accuracy(short, task.labels),
        **_compare("short_", short, reference.short),
        "macro_drop_points": round(100 * (wanted["macro_f1"] - classes["macro_f1"]), 4),
        **classes,
    }
    return {**row, **measured}, whole


def accuracy(outputs: Outputs, labels: Sequence[str]) -> float:
    """Give the share of texts whose label is right, to six digits."""
    return round(sum(map(str.__eq__, outputs.labels, labels)) / len(labels), 6)


def calibration_error(outputs: Outputs, labels: Sequence[str]) -> float:
    """Give the expected calibration error: by how much confidence and accuracy differ, weighted by texts; four digits.

    Naeini et al., AAAI 2015, with ``CALIBRATION_BINS`` equal bins of the chosen label's probability.
    """
    confidence = outputs.probabilities.max(axis=1)  # (texts,)
    right = np.array(list(map(str.__eq__, outputs.labels, labels)))
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return round(float(np.abs(np.bincount(bins, confidence - right)).sum() / len(labels)), 4)


def _classify(classifier: Classifier, texts: Sequence[str], what: str) -> Outputs:
    probabilities, labels = [], []
    shown = tqdm(texts, desc=what, leave=False, disable=None)
    for prediction in classifier.classify_many(shown):
        probabilities.append([prediction.probabilities[label] for label in classifier.labels])
        labels.append(prediction.label)
    return Outputs(np.array(probabilities), labels)


def _compare(prefix: str, ours: Outputs, theirs: Outputs) -> dict[str, Any]:
    """Compare with Keras; the differences of probabilities are rounded to three digits."""
    difference = np.abs(ours.probabilities - theirs.probabilities).max(axis=1)  # (texts,)
    return {
        f"{prefix}labels_changed": sum(map(str.__ne__, ours.labels, theirs.labels)),
        f"{prefix}max_difference": float(f"{difference.max():.3g}"),
        f"{prefix}mean_difference": float(f"{difference.mean():.3g}"),
    }
