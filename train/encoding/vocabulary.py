"""The vocabulary: the most frequent words of the training texts, and how they are written there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from edgetext.text import FILTERS, RESERVED, tokenize
from edgetext.vocabulary import Vocabulary

# Spellings with capitals that a run keeps, for consumers that do not lower-case (MediaPipe's TextClassifier). Of the
# 2,500 validation reviews of edge, looked up as they are written, 3.8 % got another label without any spelling, 0.9 %
# with 5,000, 0.3 % with 10,000 and 0.2 % with 15,000. Each takes 12 bytes of a model file.
SPELLINGS = 10_000
_SPACES = str.maketrans(dict.fromkeys(FILTERS, " "))
# More different words than this are not counted at once, which would take more than 0.5 GB: see ``survey``.
MAX_COUNTED = 4_000_000


class Survey(NamedTuple):
    """What is to be known of texts before they are encoded.

    Attributes:
        words: How often each word occurs.
        lengths: How many texts have so many words.
    """

    words: Counter[str]
    lengths: Counter[int]


def survey(texts: Iterable[str], lowercase: str = "ascii", most: int = MAX_COUNTED) -> Survey:
    """Count words and the lengths of texts, in bounded memory.

    Args:
        texts: The training texts.
        lowercase: As for ``edgetext.text.tokenize``.
        most: Whenever there are more different words than this, those seen least often are forgotten, until half of
            them are left: what is frequent in the whole is never among them, though its count may be short by a few.
    """
    words: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    for text in texts:
        found = tokenize(text, lowercase)
        words.update(found)
        lengths[len(found)] += 1
        if len(words) > most:
            words = Counter(dict(words.most_common(most // 2)))
    return Survey(words, lengths)


def build_vocabulary(counts: Counter[str], size: int, least: int = 1) -> Vocabulary:
    """Keep the most frequent words.

    Equally frequent words are ordered by their code points, so that the same texts give the same vocabulary
    whatever their order. Over the 25,000 training reviews this is the published Keras IMDB index up to such ties.

    Args:
        counts: The words of the training texts, counted.
        size: Ids in the vocabulary, the four reserved ones included; fewer come back from few texts.
        least: A word that occurs less often is left out.

    Raises:
        ValueError: ``size`` leaves no room for a word.
    """
    if size <= len(RESERVED):
        raise ValueError(f"a vocabulary of {size} ids has no room for words beside {len(RESERVED)} reserved ids")
    ranked = sorted((item for item in counts.items() if item[1] >= least), key=lambda item: (-item[1], item[0]))
    return Vocabulary([*RESERVED, *(word for word, _ in ranked[: size - len(RESERVED)])])


def find_spellings(
    texts: Iterable[str], vocabulary: Vocabulary, lowercase: str = "ascii", size: int = SPELLINGS
) -> list[str]:
    """Count how words of the vocabulary are written with capitals, and give the most frequent spellings.

    Args:
        texts: The training texts.
        vocabulary: Its words are in lower case, as the tokenisation makes them.
        lowercase: As for ``edgetext.text.tokenize``.
        size: Spellings to keep; fewer come back from few texts.

    Returns:
        Spellings by falling frequency (ties by code points), each of which the tokenisation turns into one word of the
        vocabulary and none of which is one.
    """
    counts: Counter[str] = Counter()
    known = vocabulary.ids
    for text in texts:
        # Lower-casing makes no separators, so the words as written are, one by one, those of the tokenisation.
        written = [word for word in text.translate(_SPACES).split(" ") if word]
        words = tokenize(text, lowercase)
        if len(words) != len(written):
            raise AssertionError("the spellings are not those of the tokenisation's words")
        counts.update(spelling for spelling, word in zip(written, words) if spelling != word and word in known)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    # A capital sigma is lower-cased by what is around it, so that on its own a spelling may be another word.
    kept = (spelling for spelling, _ in ranked if lowercase == "ascii" or tokenize(spelling, lowercase)[0] in known)
    return list(islice(kept, size))
