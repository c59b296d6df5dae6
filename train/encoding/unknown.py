"""How many words of the texts the model cannot know, which says whether it can learn from them at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import PAD_ID, RESERVED, UNKNOWN_ID, RuleSet
from train.encoding.encoded import Encoded, Splits

# Above this share training warns. 4,900 English questions have 11 %, 7,500 Arabic tweets 23 %, and Chinese reviews that
# are split at spaces 92 %.
MANY = 0.2


def measure_unknown(texts: Splits, vocabulary_size: int) -> dict[str, dict[str, float]]:
    """Count the words that do not occur in the texts to fit, or are not in the vocabulary.

    The vocabulary has the words of the texts to validate too, of which the texts to fit teach nothing. They count as
    unknown, so that the shares of validation are closer to those of new texts.

    Returns:
        For ``train`` and, if there are such texts, for ``validation``: ``words``, the share of the words that are
        unknown, and ``texts``, the share of the texts without any known word.
    """
    known = np.zeros(vocabulary_size, bool)
    for ids, _ in texts.train.chunks():
        known[ids[ids < vocabulary_size]] = True
    known[: len(RESERVED)] = False
    parts = {"train": texts.train, "validation": texts.validation}
    return {name: _measure(part, known) for name, part in parts.items() if len(part)}


def _measure(texts: Encoded, known: npt.NDArray[np.bool_]) -> dict[str, float]:
    words = unknown = without = 0
    for chunk, _ in texts.chunks():
        ids = np.where(chunk < len(known), chunk, PAD_ID)  # without those of n-grams
        found = known[ids]  # (texts, max_length)
        words += int((ids >= UNKNOWN_ID).sum())
        unknown += int(((ids >= UNKNOWN_ID) & ~found).sum())
        without += int((~found.any(axis=1)).sum())
    return {"words": unknown / max(words, 1), "texts": without / len(texts)}


def describe_unknown(
    measured: Mapping[str, Mapping[str, float]], rules: RuleSet, *, limited: bool, characters: bool = False
) -> str:
    """Return a line about what ``measure_unknown`` found, and a second one that warns if it is more than ``MANY``.

    Args:
        measured: What it returned.
        rules: How the texts were split into words.
        limited: Whether the size of the vocabulary was limited by the user.
        characters: Whether there are character n-grams, from which the model learns where words are unknown.
    """
    fitted, validated = measured["train"], measured.get("validation")
    if validated is None:
        line = (
            f"unknown words: {fitted['words']:.1%} in the texts to fit; texts without a known word: "
            f"{fitted['texts']:.1%}"
        )
    else:
        line = (
            f"unknown words: {fitted['words']:.1%} in the texts to fit, {validated['words']:.1%} in those to validate; "
            f"texts without a known word: {fitted['texts']:.1%} and {validated['texts']:.1%}"
        )
    share = (validated or fitted)["words"]
    if characters or max(share, *(part["texts"] for part in measured.values())) <= MANY:
        return line
    hints = ["--tokenizer words (for text in any script)"] if rules.name == KERAS_IMDB.name else []
    hints += ["a larger --vocabulary or --target-size"] if limited else []
    fixes = ", ".join([*hints, "more texts"])
    return f"{line}\nwarning: many words are unknown, and the model learns nothing from them; what may help: {fixes}"
