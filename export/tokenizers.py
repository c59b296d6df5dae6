"""The tokenizer that a model file claims: MediaPipe's for ``.tflite``, the graph's own for ``.onnx`` that takes text.

Neither knows our rule sets, so what counts is how many labels change on held-back texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgetext import engines
from edgetext.encoder import Encoder
from edgetext.keras_imdb import KerasIMDB
from edgetext.vocabulary import Vocabulary
from export.compare import score
from export.recipes import Recipe
from train.encoding.ports import MEDIAPIPE, ONNX, count_changed
from train.reviews.cache import has_reviews
from train.reviews.dataset import load_split
from train.run import Run

# The largest share of labels that may change in a file that claims a tokenizer.
MOST_CHANGED = 0.01
# Every how many of the test reviews is compared, if they are there: 500 reviews.
_EVERY = 50
# By engine and input. The C library has our rule sets and claims nothing.
_PROGRAMS = {("tflite", "ids"): MEDIAPIPE, ("onnx", "text"): ONNX}
_NAMES = {MEDIAPIPE: "MediaPipe's", ONNX: "the graph's"}


class Tokenizer(NamedTuple):
    """A tokenizer that a file may claim.

    Attributes:
        program: ``MEDIAPIPE`` or ``ONNX``.
        record: ``other_labels``, the share of ``texts`` that it gives another label; empty if it was not measured, or
            only on texts that not every machine has.
        objection: Why the file may not claim it; None if it may.
    """

    program: str
    record: dict[str, Any]
    objection: str | None

    def __str__(self) -> str:
        """Return the objection as a clause."""
        return f"{_NAMES[self.program]} {self.objection}"

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says."""
        return {"program": self.program, **self.record, "claimed": self.objection is None}


def check_tokenizer(run: Run, recipe: Recipe, content: bytes) -> Tokenizer | None:
    """Return how good the tokenizer is that a file may claim; None for a file that can claim none.

    A run on a table holds the texts to compare. For the movie reviews the record is the one of the training, so that
    the same run always becomes the same file; where the reviews are, some of them are compared too.

    The rule set ``keras-imdb`` may always be claimed: its files did so before anything was measured.
    """
    program = _PROGRAMS.get((recipe.engine, recipe.input))
    if program is None:
        return None
    is_keras = isinstance(run.preprocessing.rules, KerasIMDB)
    if run.heldout_texts:
        record = _measure(run, recipe, content, run.heldout_texts)
        found = [record]
    else:
        measured = run.metrics.get("tokenizers", {})
        record = {"other_labels": measured[program], "texts": measured["texts"]} if program in measured else {}
        found = [record] if record else []
        if not is_keras and "files" not in run.config.get("data", {}) and has_reviews():
            reviews = [review.text for review in load_split("test")[::_EVERY]]
            found.append(_measure(run, recipe, content, reviews))
    return Tokenizer(program, record, None if is_keras else _find_objection(found))


def _find_objection(found: Sequence[dict[str, Any]]) -> str | None:
    if not found:
        return "cannot be compared with ours, because the run does not hold the texts: train again"
    worst = max(found, key=lambda one: one["other_labels"])
    if worst["other_labels"] <= MOST_CHANGED:
        return None
    return (
        f"gives {worst['other_labels']:.1%} of {worst['texts']:,} held-back texts another label, and at most "
        f"{MOST_CHANGED:.0%} is allowed"
    )


def _measure(run: Run, recipe: Recipe, content: bytes, texts: Sequence[str]) -> dict[str, Any]:
    """Compare a model's labels for texts that it or MediaPipe splits with those for our words."""
    engine = engines.create(recipe.engine, content, max_length=run.preprocessing.width)
    vocabulary = Vocabulary(run.tokens, run.preprocessing.rules)
    if recipe.input == "text":
        kept = list(map(Encoder(vocabulary, run.preprocessing).kept, texts))
        changed = int((_find_labels(engine, texts) != _find_labels(engine, kept)).sum())
    else:
        predict = partial(_find_labels, engine)
        changed = count_changed(MEDIAPIPE, texts, vocabulary, run.spellings, run.preprocessing, predict)
    return {"other_labels": round(changed / len(texts), 6), "texts": len(texts)}


def _find_labels(engine: Any, inputs: Any) -> npt.NDArray[Any]:
    """Return the index of the most probable label of each text."""
    return score(engine, inputs if isinstance(inputs, Sequence) else np.asarray(inputs).tolist()).argmax(axis=1)
