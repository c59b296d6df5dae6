"""The vocabulary: the most frequent words of the training texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from edgetext.text import RESERVED, Vocabulary, tokenize


def build_vocabulary(texts: Iterable[str], size: int) -> Vocabulary:
    """Count words and keep the most frequent.

    Equally frequent words are ordered by their code points, so that the same texts give the same vocabulary
    whatever their order. Over the 25,000 training reviews this is the published Keras IMDB index up to such ties.

    Args:
        texts: The training texts.
        size: Ids in the vocabulary, the four reserved ones included; fewer come back from few texts.

    Raises:
        ValueError: ``size`` leaves no room for a word.
    """
    if size <= len(RESERVED):
        raise ValueError(f"a vocabulary of {size} ids has no room for words beside {len(RESERVED)} reserved ids")
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokenize(text))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Vocabulary([*RESERVED, *(word for word, _ in ranked[: size - len(RESERVED)])])
