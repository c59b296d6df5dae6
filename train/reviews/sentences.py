"""Single sentences of reviews, which stand for short texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from edgetext.text import tokenize
from train.reviews.review import Review

# Fewest and most words of a sentence.
SENTENCE_WORDS = (5, 40)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|<br />")


def split_sentences(reviews: Iterable[Review]) -> Iterator[Review]:
    """Yield the sentences of reviews that have ``SENTENCE_WORDS`` words, each with its review's label.

    Many sentences of a positive review are not positive themselves, so no model can label all of them correctly: the
    accuracy shows which model is better on short texts, not how good it is.
    """
    low, high = SENTENCE_WORDS
    for review in reviews:
        for sentence in _SENTENCE_END.split(review.text):
            if low <= len(tokenize(sentence)) <= high:
                yield review._replace(text=sentence)
