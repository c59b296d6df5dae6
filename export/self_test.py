"""A text whose answer a bundle knows: so ``classify.py --doctor`` sees whether an engine computes what it should."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetext.text import PAD_ID, RESERVED, START_ID, Encoder, Vocabulary
from export.compare import by_class
from train.run import Run

# The words are looked for among the most frequent, of so many ids; so many make the text.
CANDIDATES, WORDS = 2000, 3


def self_test(run: Run) -> dict[str, Any]:
    """Put the words together of which the Keras model is surest, all for the same label.

    An engine that answers one half to everything, or mixes up labels, does not get away with that.

    Returns:
        ``text``; ``label``, what the Keras model says of it; and ``score``, that label's probability.
    """
    frequent = range(len(RESERVED), min(CANDIDATES, len(run.tokens)))
    # A word may hold the carriage return of a line's end, which no terminal shows.
    ids = np.array([index for index in frequent if run.tokens[index].isprintable()] or frequent, dtype=np.int32)
    rows = np.full((len(ids), run.preprocessing.max_length), PAD_ID, np.int32)
    rows[:, :2] = np.stack([np.full_like(ids, START_ID), ids], axis=1)[:, : run.preprocessing.max_length]
    alone = by_class(run.model.predict(rows, batch_size=256, verbose=0))  # (words, labels)
    best = int(alone.max(axis=0).argmax())
    text = " ".join(run.tokens[ids[place]] for place in alone[:, best].argsort()[::-1][:WORDS])
    row = np.array([Encoder(Vocabulary(run.tokens), run.preprocessing).encode(text)], dtype=np.int32)
    probabilities = by_class(run.model.predict(row, verbose=0))[0]  # (labels,)
    place = int(probabilities.argmax())
    return {"text": text, "label": run.config["labels"][place], "score": round(float(probabilities[place]), 4)}
