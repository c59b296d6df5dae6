"""Scoring test texts with the model files of a bundle, and with the Keras model that they were converted from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from edgetext import Bundle, BundleError, Classifier
from edgetext.bundle.manifest import ModelFile
from edgetext.encoder import Encoder
from edgetext.engines.stderr import muted_stderr
from edgetext.vocabulary import Vocabulary
from export.labelled_texts import LabelledTexts
from train.metrics import Probabilities, label_probabilities, measure
from train.run import Run, RunError

KERAS_BATCH = 512
# Digits of a recorded share; a drop in percentage points has two less.
DIGITS = 6


def check_origin(bundle: Bundle, run: Run) -> None:
    """Check that a bundle was exported from a run.

    Raises:
        RunError: If it was exported from another run.
    """
    origin = bundle.manifest.get("run")
    if not isinstance(origin, dict) or origin.get("model_sha256") != run.model_sha256:
        raise RunError(
            f"{bundle.folder} was exported from another run than {run.folder}: name its run with --run, or export again"
        )


def load_classifier(bundle: Bundle, model: ModelFile) -> Classifier:
    """Return the classifier of one model file of a bundle.

    Raises:
        edgetext.EngineError: If the engine does not work here.
        edgetext.BundleError: If the file is damaged, or another one has the same engine and recipe.
    """
    with muted_stderr():
        classifier = Classifier.load(bundle.folder, model.engine, recipe=model.recipe)
    if classifier.model is None or classifier.model.file != model.file:
        raise BundleError(f"{bundle.folder}: two models of engine {model.engine} and recipe {model.recipe}")
    return classifier


def predict_keras(run: Run, texts: Sequence[str]) -> Probabilities:
    """Return the Keras model's probabilities, shape (texts, labels)."""
    encode = Encoder(Vocabulary(run.tokens), run.preprocessing).encode
    encoded = np.array([encode(text) for text in texts], dtype=np.int32)  # (texts, max_length)
    return label_probabilities(run.model.predict(encoded, batch_size=KERAS_BATCH, verbose=0))


def predict(classifier: Classifier, texts: Sequence[str]) -> Probabilities:
    """Return a classifier's probabilities, shape (texts, labels); show the progress on a terminal."""
    shown = tqdm(texts, desc=classifier.model.file if classifier.model else None, leave=False, disable=None)
    predictions = classifier.classify_many(shown)
    return np.array([[prediction.probabilities[label] for label in classifier.labels] for prediction in predictions])


def measure_keras(run: Run, test: LabelledTexts) -> dict[str, Any]:
    """Return ``accuracy`` and ``macro_f1`` of the Keras model."""
    return _measure(predict_keras(run, test.texts), test, run.config["labels"])


def measure_model(classifier: Classifier, test: LabelledTexts, keras: dict[str, Any]) -> dict[str, Any]:
    """Return what the manifest records as the ``test`` of a model file.

    Returns:
        ``accuracy`` and ``macro_f1``; the number of ``texts`` and their ``description``; ``drop_points`` and
        ``macro_drop_points``, by how many percentage points the first two are below those of the Keras model.
    """
    found = _measure(predict(classifier, test.texts), test, classifier.labels)
    drops = {name: round(100 * (keras[name] - found[name]), DIGITS - 2) for name in found}
    return {
        "accuracy": found["accuracy"],
        "texts": len(test.texts),
        "description": test.description,
        "drop_points": drops["accuracy"],
        "macro_f1": found["macro_f1"],
        "macro_drop_points": drops["macro_f1"],
    }


def _measure(probabilities: Probabilities, test: LabelledTexts, labels: Sequence[str]) -> dict[str, Any]:
    found = measure(probabilities, np.array(test.targets), labels)
    return {name: round(found[name], DIGITS) for name in ("accuracy", "macro_f1")}
