"""A made-up table of labelled texts, as large as is asked for and the same every time, written as it is made.

Words follow Zipf's law over a million of them, frequent ones short, so that most of the vocabulary is rare, as in real
text; lengths of texts are spread log-normally; one word in twenty is one that its class prefers. There are commas,
quotation marks and line breaks for CSV to quote.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

LABELS = ("billing", "delivery", "other", "returns")
VOCABULARY = 1_000_000
# Words that a class prefers: so many, of which a share is put in place of other words.
PREFERRED, SHARE = 300, 0.05
# Of the natural logarithm of a text's words: a median of 130 words and a mean of 180.
LENGTH_MEAN, LENGTH_DEVIATION, LONGEST = 4.87, 0.8, 5_000
# So many rows are made together.
CHUNK = 5_000


def write(path: Path, rows: int, seed: int) -> None:
    """Write a table of ``rows`` rows, columns ``text`` and ``label``, about 1.1 kB a row.

    Raises:
        OSError: It cannot be written.
    """
    generator = np.random.default_rng(seed)
    words = make_words(VOCABULARY)
    ordinary = zipf(VOCABULARY)
    preferred, weights = generator.choice(VOCABULARY // 10, (len(LABELS), PREFERRED)), zipf(PREFERRED)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for start in range(0, rows, CHUNK):
            count = min(CHUNK, rows - start)
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
    """Make different words of syllables, the first ones short."""
    syllables = [first + second for first in "bdfgklmnprstvz" for second in ("a", "e", "i", "o", "u")]
    lengths = itertools.count(1)
    made = ("".join(parts) for length in lengths for parts in itertools.product(syllables, repeat=length))
    return np.array(list(itertools.islice(made, count)), dtype=object)


def zipf(count: int) -> npt.NDArray[np.float64]:
    """Give the cumulated shares of words whose frequency falls with their rank; shape (count,), the last is 1."""
    shares = 1.0 / np.arange(1, count + 1)
    cumulated: npt.NDArray[np.float64] = np.cumsum(shares) / shares.sum()
    return cumulated


def draw(generator: np.random.Generator, cumulated: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int64]:
    """Draw ``count`` ranks, counted from 0."""
    ranks: npt.NDArray[np.int64] = np.searchsorted(cumulated, generator.random(count), side="right")
    return ranks.clip(max=len(cumulated) - 1)


def punctuate(words: Iterator[str]) -> str:
    """Join words to a text with a sentence for every dozen, a comma in each, a quotation in every fifth, and lines."""
    marked: list[str] = []
    while sentence := list(itertools.islice(words, 12)):
        number = len(marked)
        if len(sentence) > 5:
            sentence[4] += ","
        if number % 5 == 2:
            sentence[0] = f'"{sentence[0]}"'
        marked.append(" ".join(sentence) + (".\n" if number % 10 == 9 else "."))
    return " ".join(marked)
