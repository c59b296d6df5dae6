"""Comparing a converted model, in the runtime that will run it, with the Keras model that it was converted from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetext import engines
from edgetext.encoder import Encoder
from edgetext.text import PAD_ID, START_ID, UNKNOWN_ID
from edgetext.validation import THRESHOLDS
from edgetext.vocabulary import Vocabulary
from export.block.library import CEngine
from export.recipes import Recipe
from train.metrics import Probabilities, label_probabilities
from train.run import Run

BATCH_SIZE = 32
# Length of the short texts, the start id and ten words: rounding errors that average out over a long text show there.
SHORT_LENGTH = 11
# Texts as a model takes them, lists of ids or strings, and the Keras model's probabilities, shape (texts, labels).
Sample = tuple[Sequence[Any], Probabilities]


def predict_encoded(run: Run, encoded: npt.NDArray[np.int32]) -> Probabilities:
    """Return the Keras model's probabilities of encoded texts, shape (texts, max_length)."""
    return label_probabilities(run.model.predict(encoded, batch_size=256, verbose=0))


def predict_keras(run: Run, texts: Sequence[str]) -> Probabilities:
    """Return the Keras model's probabilities, shape (texts, labels)."""
    encode = Encoder(Vocabulary(run.tokens, run.preprocessing.rules), run.preprocessing).encode
    return predict_encoded(run, np.array([encode(text) for text in texts], dtype=np.int32))


def predict_reference(run: Run, recipe: Recipe) -> list[Sample]:
    """Score the held-back texts with the Keras model, whole and short, for recipes with the input of this one."""
    short = np.where(np.arange(run.heldout.shape[1]) < SHORT_LENGTH, run.heldout, PAD_ID)
    if recipe.input == "ids":
        return [(encoded.tolist(), predict_encoded(run, encoded)) for encoded in (run.heldout, short)]
    if recipe.engine == "c" and run.heldout_texts:  # it splits texts as they are written
        rules = run.preprocessing.rules
        starts = [" ".join(rules.tokenize(text)[: SHORT_LENGTH - 1]) for text in run.heldout_texts]
        samples = [list(run.heldout_texts), starts]
    else:
        samples = [_decode(run, encoded) for encoded in (run.heldout, short)]
    # Encoded again, because a long text whose beginning was truncated has no start id, and its decoded end has one.
    return [(texts, predict_keras(run, texts)) for texts in samples]


def _decode(run: Run, encoded: npt.NDArray[np.int32]) -> list[str]:
    """Return texts of the tokens with these ids, not n-grams; unknown ones become a word longer than every token."""
    tokens = dict(enumerate(run.tokens)) | {UNKNOWN_ID: "x" * (1 + max(map(len, run.tokens)))}
    del tokens[PAD_ID], tokens[START_ID]
    return [" ".join(tokens[token] for token in ids if token in tokens) for ids in encoded.tolist()]


def compare(run: Run, recipe: Recipe, content: bytes, reference: list[Sample]) -> dict[str, Any]:
    """Score the texts of ``predict_reference`` with a model file in its engine, and compare the results.

    Returns:
        The manifest's ``agreement``: the number of texts; ``fitted``, if the texts were; ``max_difference``,
        ``mean_difference`` and ``labels_changed``, as ``differences`` returns them, and the same for short texts,
        prefixed ``short_``; ``accuracy`` and ``keras_accuracy``; and the ``runtime`` of the engine.

    Raises:
        edgetext.EdgetextError: If the engine is not installed or refuses the model.
    """
    engine = _open_engine(run, recipe, content)
    (whole, keras), (short, keras_short) = ((score(engine, inputs), expected) for inputs, expected in reference)
    return {
        "texts": len(whole),
        **({"fitted": True} if run.heldout_is_fitted else {}),
        **differences(whole, keras),
        **differences(short, keras_short, prefix="short_"),
        "accuracy": _accuracy(whole, run.heldout_targets),
        "keras_accuracy": _accuracy(keras, run.heldout_targets),
        "runtime": engine.runtime,
    }


def measure_shift(run: Run, recipe: Recipe, content: bytes, reference: list[Sample]) -> dict[str, Any]:
    """Compare which of the texts of ``predict_reference`` are answered, and how, at all thresholds of a bundle.

    Returns:
        ``texts``, their number, and ``answered_differently``, the largest share, at one of the thresholds, of texts
        that the model file gives another label than the Keras model, or that only one of both answers.
    """
    inputs, keras = reference[0]
    ours = score(_open_engine(run, recipe, content), inputs)
    different = max(float((_answer(ours, threshold) != _answer(keras, threshold)).mean()) for threshold in THRESHOLDS)
    return {"texts": len(ours), "answered_differently": round(different, 4)}


def _answer(probabilities: Probabilities, threshold: float) -> npt.NDArray[np.int64]:
    """Return the index of each text's label; -1 if its score is below the threshold."""
    return np.where(probabilities.max(axis=1) >= threshold, probabilities.argmax(axis=1), -1)


def _open_engine(run: Run, recipe: Recipe, content: bytes) -> Any:
    if recipe.engine == "c":
        return CEngine(content)
    return engines.create(recipe.engine, content, max_length=run.preprocessing.width)


def score(engine: Any, inputs: Sequence[Any]) -> Probabilities:
    """Return an engine's probabilities, shape (texts, labels)."""
    batches = (inputs[start : start + BATCH_SIZE] for start in range(0, len(inputs), BATCH_SIZE))
    return label_probabilities(np.array([output for batch in batches for output in engine.predict(batch)]))


def _accuracy(probabilities: Probabilities, targets: npt.NDArray[np.int64]) -> float:
    return round(float((probabilities.argmax(axis=1) == targets).mean()), 4)


def differences(ours: Probabilities, keras: Probabilities, *, prefix: str = "") -> dict[str, Any]:
    """Compare a model's probabilities with the Keras model's, both of shape (texts, labels).

    Returns:
        ``labels_changed``, the number of texts that get another label, and ``max_difference`` and ``mean_difference``
        over the texts of the largest difference of a probability, to three digits; each name with the prefix.
    """
    difference = np.abs(ours - keras).max(axis=1)
    return {
        f"{prefix}max_difference": float(f"{difference.max():.3g}"),
        f"{prefix}mean_difference": float(f"{difference.mean():.3g}"),
        f"{prefix}labels_changed": int((ours.argmax(axis=1) != keras.argmax(axis=1)).sum()),
    }


def find_excess(recipe: Recipe, measured: dict[str, Any]) -> list[str]:
    """Return a sentence for each way in which a comparison exceeds the recipe's tolerance."""
    tolerance, texts = recipe.tolerance, measured["texts"]
    # One text may always change its label, because its two most probable labels may be almost equal.
    labels_changed = max(tolerance.labels_changed, 1 / texts)
    return [
        f"{what} is {value:.3g}, at most {bound:.3g} is allowed"
        for what, value, bound in (
            ("the largest difference of a probability", measured["max_difference"], tolerance.max_difference),
            ("the mean difference of the probabilities", measured["mean_difference"], tolerance.mean_difference),
            ("the mean difference on short texts", measured["short_mean_difference"], tolerance.short_mean_difference),
            ("the share of labels changed", measured["labels_changed"] / texts, labels_changed),
        )
        if not value <= bound  # also true for NaN
    ]
