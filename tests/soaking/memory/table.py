"""A generated table of labelled texts of any size, written row by row and the same for the same seed.

Word frequencies follow Zipf's law over a million words, the frequent ones short, so that most of the vocabulary is
rare, as in real text; the lengths of texts are log-normal; one word in twenty is one that the text's class prefers.
Texts have commas, quotation marks and line breaks, which CSV has to quote.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

COLUMNS = ("text", "label")
LABELS = ("billing", "delivery", "other", "returns")
VOCABULARY = 1_000_000
# The number of words that each class prefers, and the share of its words that they replace.
PREFERRED, SHARE = 300, 0.05
# Of the natural logarithm of the words of a text: a median of 130 words and a mean of 180.
LENGTH_MEAN, LENGTH_DEVIATION, LONGEST = 4.87, 0.8, 5_000
# Rows generated at a time.
CHUNK = 5_000


def write(path: Path, rows: int, seed: int, *, vocabulary: int = VOCABULARY, chunk: int = CHUNK) -> None:
    """Write a table of ``rows`` rows and columns ``COLUMNS``, about 1.1 kB a row.

    Raises:
        OSError: If it cannot be written.
    """
    generator = np.random.default_rng(seed)
    words = make_words(vocabulary)
    ordinary = zipf(vocabulary)
    preferred, weights = generator.choice(vocabulary // 10, (len(LABELS), PREFERRED)), zipf(PREFERRED)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for start in range(0, rows, chunk):
            count = min(chunk, rows - start)
            classes = generator.integers(len(LABELS), size=count)
            lengths = generator.lognormal(LENGTH_MEAN, LENGTH_DEVIATION, count).astype(int).clip(1, LONGEST)
            owners = np.repeat(classes, lengths)  # (words,)
            chosen = draw(generator, ordinary, len(owners))
            special = generator.random(len(owners)) < SHARE
            own = draw(generator, weights, int(special.sum()))
            chosen[special] = preferred[owners[special], own]
            taken = iter(words[chosen].tolist())
            for place, length in zip(classes.tolist(), lengths.tolist()):
                writer.writerow([punctuate(itertools.islice(taken, length)), LABELS[place]])


def make_words(count: int) -> npt.NDArray[np.object_]:
    """Return different words made of syllables, the shortest first."""
    syllables = [first + second for first in "bdfgklmnprstvz" for second in ("a", "e", "i", "o", "u")]
    lengths = itertools.count(1)
    made = ("".join(parts) for length in lengths for parts in itertools.product(syllables, repeat=length))
    return np.array(list(itertools.islice(made, count)), dtype=object)


def zipf(count: int) -> npt.NDArray[np.float64]:
    """Return cumulative frequencies, each word's in proportion to 1/rank; shape (count,), the last is 1."""
    shares = 1.0 / np.arange(1, count + 1)
    cumulated: npt.NDArray[np.float64] = np.cumsum(shares) / shares.sum()
    return cumulated


def draw(generator: np.random.Generator, cumulated: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """Draw ``count`` ranks, counted from 0."""
    ranks: npt.NDArray[np.int64] = np.searchsorted(cumulated, generator.random(count), side="right")
    return ranks.clip(max=len(cumulated) - 1)


def punctuate(words: Iterator[str]) -> str:
    """Join words to a text: sentences of twelve with a comma each, quotation marks in every fifth, line breaks."""
    marked: list[str] = []
    while sentence := list(itertools.islice(words, 12)):
        number = len(marked)
        if len(sentence) > 5:
            sentence[4] += ","
        if number % 5 == 2:
            sentence[0] = f'"{sentence[0]}"'
        marked.append(" ".join(sentence) + (".\n" if number % 10 == 9 else "."))
    return " ".join(marked)
