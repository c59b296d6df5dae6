"""Counting the words of texts; the vocabulary, which is the most frequent, and other spellings of its words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import NamedTuple

from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED, RuleSet
from edgetext.vocabulary import Vocabulary
from train.dataset import UNLABELLED, Dataset
from train.encoding.expressions import find_delimiter

# With more different words than this, which would take more than 0.5 GB, the rarest are dropped: see ``survey_texts``.
MAX_COUNTED = 4_000_000
# Spellings that a run keeps, for consumers that do not lower-case (MediaPipe's TextClassifier); each takes 12 bytes of
# a model file. train/guides/choices.md shows their effect.
SPELLINGS = 9_400
_TEXTS_AT_ONCE = 1_000


class Survey(NamedTuple):
    """How often each word occurs in texts, and how many texts have each length in words."""

    words: Counter[str]
    lengths: Counter[int]
    splits: Sequence[str] = ()  # of the dataset whose words were counted


def survey_dataset(dataset: Dataset, rules: RuleSet, *, unlabelled: bool = False) -> Survey:
    """Survey the texts that the vocabulary is made from.

    With ``unlabelled``, for a model that learns from unlabelled texts too, their words count; lengths are those of the
    others.
    """
    texts = chain.from_iterable(map(dataset.texts, dataset.vocabulary_splits))
    found = survey_texts((text.text for text in texts), rules)
    if not unlabelled:
        return found._replace(splits=dataset.vocabulary_splits)
    others = survey_texts((text.text for text in dataset.texts(UNLABELLED)), rules, found.words)
    return Survey(others.words, found.lengths, (*dataset.vocabulary_splits, UNLABELLED))


def survey_texts(texts: Iterable[str], rules: RuleSet = KERAS_IMDB, counted: Mapping[str, int] = {}) -> Survey:
    """Count words, in addition to those that are ``counted``, and lengths, in bounded memory.

    Whenever there are more than ``MAX_COUNTED`` different words, the rarest so far are dropped until half are left.
    Words that are frequent overall are never dropped, but their counts may be a few too low.
    """
    words: Counter[str] = Counter(counted)
    lengths: Counter[int] = Counter()
    for text in texts:
        found = rules.tokenize(text)
        words.update(found)
        lengths[len(found)] += 1
        if len(words) > MAX_COUNTED:
            words = Counter(dict(words.most_common(MAX_COUNTED // 2)))
    return Survey(words, lengths)


def note_capitals(survey: Survey, rules: RuleSet) -> None:
    """Print a note if many words have capitals that are not lower-cased."""
    cased = {word: count for word, count in survey.words.items() if word != word.lower()}
    share = sum(cased.values()) / max(survey.words.total(), 1)
    if rules == KERAS_IMDB and share > 0.001:
        example = max(cased, key=lambda word: (cased[word], word))
        print(
            f"note: {share:.1%} of the words, such as {example!r}, have capitals other than A to Z, which keras-imdb "
            "does not lower-case: --tokenizer words lower-cases all letters"
        )


def build_vocabulary(counts: Counter[str], size: int, min_count: int = 1, rules: RuleSet = KERAS_IMDB) -> Vocabulary:
    """Return a vocabulary of the most frequent words that occur at least ``min_count`` times.

    ``size`` is the number of ids, the four reserved ones included; few texts may give fewer. Equally frequent words are
    ordered by their code points, so that the result does not depend on the order of the texts. For the 25,000 training
    reviews it is the published Keras IMDB index, except for such ties.

    Raises:
        ValueError: If ``size`` leaves no room for a word.
    """
    if size <= len(RESERVED):
        raise ValueError(f"a vocabulary of {size} ids has no room for words after {len(RESERVED)} reserved ids")
    ranked = sorted((item for item in counts.items() if item[1] >= min_count), key=lambda item: (-item[1], item[0]))
    return Vocabulary([*RESERVED, *(word for word, _ in ranked[: size - len(RESERVED)])], rules)


def find_spellings(
    texts: Iterable[str], vocabulary: Vocabulary, rules: RuleSet = KERAS_IMDB, size: int = SPELLINGS
) -> list[str]:
    """Return the most frequent spellings of a vocabulary's words that are not the word itself, such as ``Great``.

    They are ordered by falling frequency (ties by code points); few texts may give fewer. See ``is_spelling``. A word
    with an apostrophe also counts as the one with a typographic apostrophe, because phones type it that way and many
    collections of texts do not have it.
    """
    counts: Counter[str] = Counter()
    known, split, remaining = vocabulary.ids, re.compile(find_delimiter(rules)).split, iter(texts)
    while some := list(islice(remaining, _TEXTS_AT_ONCE)):
        # Every delimiter splits at spaces. Most of what stands between them occurs again, and is split only once.
        for part, count in Counter(chain.from_iterable(text.split(" ") for text in some)).items():
            if _is_plain(part):  # most are, and need not be split
                continue
            for word in split(part):
                if not _is_plain(word):
                    counts[word] += count
        if len(counts) > MAX_COUNTED:
            counts = Counter(dict(counts.most_common(MAX_COUNTED // 2)))
    counts.update({word.replace("'", "\u2019"): count for word, count in counts.items() if "'" in word})
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = (spelling for spelling, _ in ranked if is_spelling(spelling, known, rules))
    return list(islice(kept, size))


def _is_plain(written: str) -> bool:
    """Return whether this is a word as it is by every rule set, so that it is no other spelling."""
    return written.isascii() and written.isalnum() and written == written.lower()


def is_spelling(written: str, known: Container[str], rules: RuleSet) -> bool:
    """Return whether the tokenisation turns this into one known word, and MediaPipe takes it for a word as it is."""
    words = rules.tokenize(written)
    if len(words) != 1 or words[0] not in known or words[0] == written:
        return False
    return re.split(find_delimiter(rules), written) == [written]
