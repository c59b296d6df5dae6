"""The vocabulary: the most frequent words of the training texts, and their capitalised spellings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from edgetext.text import FILTERS, RESERVED, tokenize
from edgetext.vocabulary import Vocabulary

# Spellings that a run keeps, for consumers that do not lower-case (MediaPipe's TextClassifier); each takes 12 bytes of
# a model file. train/README.md shows what they bring.
SPELLINGS = 10_000
_SPACES = str.maketrans(dict.fromkeys(FILTERS, " "))


def build_vocabulary(counts: Counter[str], size: int, min_count: int = 1) -> Vocabulary:
    """Return a vocabulary of the most frequent words.

    Equally frequent words are ordered by their code points, so that the result does not depend on the order of the
    texts. For the 25,000 training reviews it is the published Keras IMDB index, except for such ties.

    Args:
        counts: The number of occurrences of each word.
        size: Number of ids, the four reserved ones included; few texts may give fewer.
        min_count: Occurrences that a word must have.

    Raises:
        ValueError: If ``size`` leaves no room for a word.
    """
    if size <= len(RESERVED):
        raise ValueError(f"a vocabulary of {size} ids has no room for words beside {len(RESERVED)} reserved ids")
    ranked = sorted((item for item in counts.items() if item[1] >= min_count), key=lambda item: (-item[1], item[0]))
    return Vocabulary([*RESERVED, *(word for word, _ in ranked[: size - len(RESERVED)])])


def find_spellings(
    texts: Iterable[str], vocabulary: Vocabulary, lowercase: str = "ascii", size: int = SPELLINGS
) -> list[str]:
    """Return the most frequent capitalised spellings of a vocabulary's words.

    Args:
        texts: The training texts.
        vocabulary: The vocabulary, in lower case.
        lowercase: As for ``edgetext.text.tokenize``.
        size: Number of spellings to keep; few texts may give fewer.

    Returns:
        Spellings by falling frequency (ties by code points). The tokenisation turns each into one word of the
        vocabulary, and none is a word of the vocabulary itself.
    """
    counts: Counter[str] = Counter()
    known = vocabulary.ids
    for text in texts:
        # Lower-casing makes no separators, so the words as written are, one by one, those of the tokenisation.
        written = [word for word in text.translate(_SPACES).split(" ") if word]
        words = tokenize(text, lowercase)
        if len(words) != len(written):
            raise AssertionError("the spellings do not match the words of the tokenisation")
        counts.update(spelling for spelling, word in zip(written, words) if spelling != word and word in known)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    # The lower case of a capital sigma depends on its neighbours, so that on its own a spelling may be another word.
    kept = (spelling for spelling, _ in ranked if lowercase == "ascii" or tokenize(spelling, lowercase)[0] in known)
    return list(islice(kept, size))
