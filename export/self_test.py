"""The self-test: a text whose label and score a bundle knows, so that ``classify.py --doctor`` can check an engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetext.encoder import Encoder
from edgetext.text import PAD_ID, RESERVED, START_ID
from edgetext.vocabulary import Vocabulary
from train.metrics import label_probabilities
from train.run import Run

# How many of the most frequent tokens are tried, and how many words make the text.
CANDIDATES, WORDS = 2000, 3


def make_self_test(run: Run) -> dict[str, Any]:
    """Return a text of the words on which the Keras model is surest, all for the same label.

    An engine that returns one half for everything, or mixes up the labels, fails on it.

    Returns:
        ``text``; ``label``, the Keras model's; and ``score``, the probability of that label.
    """
    frequent = range(len(RESERVED), min(CANDIDATES, len(run.tokens)))
    # A token may contain a carriage return, which a terminal does not show.
    ids = np.array([index for index in frequent if run.tokens[index].isprintable()] or frequent, dtype=np.int32)
    length = run.preprocessing.max_length
    encoded = np.full((len(ids), length), PAD_ID, np.int32)
    encoded[:, :2] = np.stack([np.full_like(ids, START_ID), ids], axis=1)[:, :length]
    by_word = label_probabilities(run.model.predict(encoded, batch_size=256, verbose=0))  # (words, labels)
    surest = int(by_word.max(axis=0).argmax())
    text = " ".join(run.tokens[ids[place]] for place in by_word[:, surest].argsort()[::-1][:WORDS])
    encoded = np.array([Encoder(Vocabulary(run.tokens), run.preprocessing).encode(text)], dtype=np.int32)
    probabilities = label_probabilities(run.model.predict(encoded, verbose=0))[0]  # (labels,)
    best = int(probabilities.argmax())
    return {"text": text, "label": run.config["labels"][best], "score": round(float(probabilities[best]), 4)}
