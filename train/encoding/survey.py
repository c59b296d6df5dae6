"""Counting the words and the lengths of texts, before anything is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from edgetext.text import tokenize
from train.dataset import Dataset

# With more different words than this, which would take more than 0.5 GB, the rarest are dropped: see ``survey_texts``.
MAX_COUNTED = 4_000_000


class Survey(NamedTuple):
    """What is known of texts before they are encoded.

    Attributes:
        words: The number of occurrences of each word.
        lengths: The number of texts of each length in words.
    """

    words: Counter[str]
    lengths: Counter[int]


def survey_dataset(dataset: Dataset, lowercase: str) -> Survey:
    """Survey the texts that the vocabulary is made from; ``lowercase`` as for ``edgetext.text.tokenize``."""
    texts = chain.from_iterable(map(dataset.texts, dataset.vocabulary_splits))
    return survey_texts((text.text for text in texts), lowercase)


def survey_texts(texts: Iterable[str], lowercase: str = "ascii", limit: int = MAX_COUNTED) -> Survey:
    """Count words and lengths in bounded memory.

    Args:
        texts: The texts.
        lowercase: As for ``edgetext.text.tokenize``.
        limit: Whenever there are more different words, the rarest so far are dropped until half of them are left.
            Words that are frequent overall are never dropped, but their counts may be a few too low.
    """
    words: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    for text in texts:
        found = tokenize(text, lowercase)
        words.update(found)
        lengths[len(found)] += 1
        if len(words) > limit:
            words = Counter(dict(words.most_common(limit // 2)))
    return Survey(words, lengths)


def note_capitals(survey: Survey, lowercase: str) -> None:
    """Print a note if many words have capitals that are not lower-cased."""
    cased = {word: count for word, count in survey.words.items() if word != word.lower()}
    share = sum(cased.values()) / max(survey.words.total(), 1)
    if lowercase == "ascii" and share > 0.001:
        example = max(cased, key=lambda word: (cased[word], word))
        print(
            f"note: {share:.1%} of the words, such as {example!r}, have capitals other than A to Z, which are not "
            "lower-cased by default: --lowercase unicode lower-cases all letters"
        )
