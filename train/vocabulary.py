"""The vocabulary: the most frequent words of the training texts, and how they are written there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from edgetext.text import FILTERS, RESERVED, Vocabulary, tokenize

# Spellings with capitals that a run keeps, for consumers that do not lower-case (MediaPipe's TextClassifier). Of the
# 2,500 validation reviews of edge, looked up as they are written, 3.8 % got another label without any spelling, 0.9 %
# with 5,000, 0.3 % with 10,000 and 0.2 % with 15,000. Each takes 12 bytes of a model file.
SPELLINGS = 10_000
_SPACES = str.maketrans(dict.fromkeys(FILTERS, " "))


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


def find_spellings(texts: Iterable[str], vocabulary: Vocabulary, size: int = SPELLINGS) -> list[str]:
    """Count how words of the vocabulary are written with capitals, and give the most frequent spellings.

    Args:
        texts: The training texts.
        vocabulary: Its words are in lower case, as the tokenisation makes them.
        size: Spellings to keep; fewer come back from few texts.

    Returns:
        Spellings by falling frequency (ties by code points), each of which the tokenisation turns into one word of the
        vocabulary and none of which is one.
    """
    counts: Counter[str] = Counter()
    known = vocabulary.ids
    for text in texts:
        # Lower-casing ASCII letters moves nothing, so the words as written are, one by one, those of the tokenisation.
        written = [word for word in text.translate(_SPACES).split(" ") if word]
        words = tokenize(text)
        if len(words) != len(written):
            raise AssertionError("the spellings are not those of the tokenisation's words")
        counts.update(spelling for spelling, word in zip(written, words) if spelling != word and word in known)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [spelling for spelling, _ in ranked[:size]]
