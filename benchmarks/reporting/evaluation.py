"""Predictions for labelled texts that the model was not fitted on, and what can be measured on them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgetext import Classifier
from export.scoring import show_progress
from train.metrics import Probabilities, wilson_interval
from train.run import Run

# The scores for which the report says how many texts reach them.
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
# Slices have the lower bounds of a text's words, and of the share of them that is known.
LENGTHS = (0, 6, 11, 26, 51, 101, 201)
SHARES = (0.0, 0.5, 0.75, 0.9, 1.0)


class Text(NamedTuple):
    """A text, with a name such as ``tickets.csv:17``."""

    id: str
    text: str


class Evaluation(NamedTuple):
    """Predictions for texts; all arrays are in the order of the texts.

    Attributes:
        description: What the texts are, such as ``"test rows of tickets.csv"``.
        targets: The index of each text's label, shape (texts,).
        probabilities: Of each label, shape (texts, labels).
        known: The share of each text's words that the model knows, shape (texts,).
        texts: The texts; empty if they are not at hand.
    """

    description: str
    targets: npt.NDArray[np.int64]
    probabilities: Probabilities
    known: npt.NDArray[np.float64]
    texts: Sequence[Text]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The index of each text's most probable label."""
        return self.probabilities.argmax(axis=1)

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """The probability of each text's most probable label."""
        return self.probabilities.max(axis=1)

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether the most probable label is the text's."""
        return self.predicted == self.targets


def evaluate(
    classifier: Classifier, description: str, texts: Sequence[Text], targets: npt.NDArray[np.int64]
) -> Evaluation:
    """Classify texts with a model file."""
    shown = show_progress(classifier, [text.text for text in texts])
    probabilities, known = [], []
    for prediction in classifier.classify_many(shown):
        probabilities.append([prediction.probabilities[label] for label in classifier.labels])
        known.append(prediction.known)
    return Evaluation(description, targets, np.array(probabilities), np.array(known), texts)


def evaluate_validation(run: Run, texts: Sequence[Text]) -> Evaluation | None:
    """Return the predictions that a run holds, by Keras models that were not fitted on the texts; None without any.

    Args:
        run: The run.
        texts: The texts for training followed by those for validation; empty if they are not at hand.
    """
    if (found := run.validation) is None:
        return None
    description = "texts of the training data, each predicted by a Keras model that was not fitted on it"
    probabilities = found.probabilities.astype(np.float64)
    chosen = [texts[place] for place in found.places.tolist()] if texts else []
    return Evaluation(description, found.targets.astype(np.int64), probabilities, found.known.astype(float), chosen)


def measure_part(name: str, right: npt.NDArray[np.bool_], of: int) -> dict[str, Any]:
    """Return the accuracy of some texts of ``of``, with its 95 % interval; None if there are no texts."""
    texts = len(right)
    accuracy = float(right.mean()) if texts else None
    interval = wilson_interval(accuracy, texts) if accuracy is not None else None
    return {"name": name, "texts": texts, "share": texts / of, "accuracy": accuracy, "interval": interval}


def measure_thresholds(found: Evaluation) -> list[dict[str, Any]]:
    """Return, for each of ``THRESHOLDS``, how many texts have a score of at least that, and the accuracy on them."""
    return [measure_part(f"{low:g}", found.right[found.scores >= low], len(found.right)) for low in THRESHOLDS]


def slice_by_length(found: Evaluation, words: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return the accuracy on texts of different lengths, by their numbers of words, shape (texts,)."""
    names = [f"{low}–{high - 1}" for low, high in itertools.pairwise(LENGTHS)] + [f"{LENGTHS[-1]}+"]
    return _slice(found, np.digitize(words, LENGTHS) - 1, names)


def slice_by_known(found: Evaluation) -> list[dict[str, Any]]:
    """Return the accuracy on texts of whose words the model knows more or less; the upper bound is not included."""
    names = [f"{100 * low:.0f}–{high:.0%}" for low, high in itertools.pairwise(SHARES)] + ["100%"]
    return _slice(found, np.digitize(found.known, SHARES) - 1, names)


def _slice(found: Evaluation, places: npt.NDArray[np.intp], names: Sequence[str]) -> list[dict[str, Any]]:
    parts = (measure_part(name, found.right[places == place], len(places)) for place, name in enumerate(names))
    return [part for part in parts if part["texts"]]


def find_mistakes(found: Evaluation, labels: Sequence[str], count: int) -> list[dict[str, Any]]:
    """Return the wrong predictions with the highest scores, at most ``count``."""
    wrong = np.flatnonzero(~found.right)
    order = wrong[np.argsort(-found.scores[wrong], kind="stable")][:count]
    return [
        {
            "id": found.texts[place].id,
            "text": found.texts[place].text,
            "label": labels[found.targets[place]],
            "predicted": labels[found.predicted[place]],
            "score": float(found.scores[place]),
        }
        for place in order.tolist()
    ]
