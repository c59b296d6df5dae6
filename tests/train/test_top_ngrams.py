"""``ngrams.txt`` of a run: the pairs and triples of words with the largest weights."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetext import Classifier
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary
from export.command import main as export
from tests.train.test_distilling import encoded
from train.__main__ import main
from train.encoding.encoded import Splits
from train.fitting.top_ngrams import find_top_ngrams
from train.models.choices import MULTIPLIERS, Choices
from train.models.network import build_edge
from train.models.presets import Settings
from train.models.recipe import Recipe

SIZE, LEAST = 30, 5  # of the vocabulary; texts that have a listed n-gram
VOCABULARY = Vocabulary([*RESERVED, *(f"w{word}" for word in range(len(RESERVED), SIZE))], Words(marks=False))
Ngram = tuple[int, ...]


def make_texts(seed: int, count: int = 400) -> list[list[int]]:
    """Return ids: the start mark, and words, some of them unknown."""
    generator = np.random.default_rng(seed)
    return [[1, *generator.choice([2, *range(4, 10)], length).tolist()] for length in generator.integers(1, 9, count)]


def find_bucket(ngram: Ngram, buckets: int) -> int:
    return sum(word * multiplier for word, multiplier in zip(ngram, MULTIPLIERS)) % buckets


def find_expected(rows: list[list[int]], weights: Any, longest: int, count: int) -> list[str]:
    """Return the n-grams that should be listed, without numpy."""
    texts: Counter[Ngram] = Counter()
    of_bucket: Counter[int] = Counter()
    for row in rows:
        found = {tuple(row[at : at + n]) for n in range(2, longest + 1) for at in range(len(row) - n + 1)}
        found = {ngram for ngram in found if 2 not in ngram}
        texts.update(found)
        of_bucket.update({find_bucket(ngram, len(weights)) for ngram in found})
    kept = {
        ngram: number
        for ngram, number in texts.items()
        if number >= LEAST and ngram[0] != 1 and 2 * number > of_bucket[find_bucket(ngram, len(weights))]
    }
    chosen: set[Ngram] = set()
    for label in range(max(weights.shape[1], 2)):
        weight_of = {}
        for ngram in kept:
            own = weights[find_bucket(ngram, len(weights))].tolist()
            own = [0.0, *own] if len(own) == 1 else own
            weight_of[ngram] = own[label] - sum(own[:label] + own[label + 1 :]) / (len(own) - 1)
        ranked = sorted((ngram for ngram in kept if weight_of[ngram] > 0), key=lambda ngram: -weight_of[ngram])
        chosen.update(ranked[:count])
    named = [(-kept[ngram], " ".join(VOCABULARY.tokens[word] for word in ngram)) for ngram in chosen]
    return [name for _, name in sorted(named)]


@pytest.mark.parametrize("most", [7, 1000])
@pytest.mark.parametrize("longest", [2, 3])
@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("buckets", [64, 4096])
def test_largest_weights(labels: int, longest: int, most: int, buckets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.fitting.top_ngrams.MOST_OF_LABEL", most)
    outputs = 1 if labels == 2 else labels
    choices = Choices(buckets=buckets, word_ngrams=longest)
    recipe = Recipe(SIZE, labels, np.ones(labels, np.float32), Settings(1, 1, 0, 1), choices)
    model = build_edge(SIZE, 10, choices, np.zeros(outputs), np.zeros(outputs))
    weights = np.random.default_rng(1).normal(size=(buckets, outputs)).astype(np.float32)
    weights[::2] = 0
    model.get_layer("bigrams").set_weights([weights])
    rows, none = make_texts(1), encoded([[1]], 10).subset(slice(0))
    texts = Splits(encoded(rows[:300], 10), encoded(rows[300:], 10), none, none, none, none)
    expected = find_expected(rows, weights, longest, most)
    assert find_top_ngrams(model, texts, VOCABULARY, recipe) == expected
    assert len(expected) > (0 if buckets == 64 else 7 * labels // 2)
    assert longest == 2 or buckets == 64 or most == 7 or any(len(ngram.split()) == 3 for ngram in expected)


def test_of_many_texts_some_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly, because a table may be sorted by label; otherwise the memory would grow with the table."""
    recipe = Recipe(SIZE, 2, np.ones(2, np.float32), Settings(1, 1, 0, 1), Choices(buckets=4096))
    model = build_edge(SIZE, 10, recipe.choices, np.zeros(1), np.zeros(1))
    model.get_layer("bigrams").set_weights([np.random.default_rng(1).normal(size=(4096, 1)).astype(np.float32)])
    rows, none = make_texts(1), encoded([[1]], 10).subset(slice(0))

    def find(some: list[list[int]]) -> list[str]:
        return find_top_ngrams(model, Splits(encoded(some, 10), none, none, none, none, none), VOCABULARY, recipe)

    every, third = find(rows), find(rows[::3])
    monkeypatch.setattr("train.fitting.top_ngrams.MOST_WORDS", sum(map(len, rows)) // 3 + 1)
    assert find(rows) == third != every


def test_so_many_labels_have_a_few_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.fitting.top_ngrams.LEAST_TEXTS", 1)
    labels = 1_000
    recipe = Recipe(SIZE, labels, np.ones(labels, np.float32), Settings(1, 1, 0, 1), Choices(buckets=4096))
    model = build_edge(SIZE, 10, recipe.choices, np.zeros(labels), np.zeros(labels))
    weights = np.random.default_rng(1).normal(size=(4096, labels)).astype(np.float32)
    weights[:, 1:] = 0
    model.get_layer("bigrams").set_weights([weights])
    none = encoded([[1]], 10).subset(slice(0))
    texts = Splits(encoded(make_texts(1), 10), none, none, none, none, none)
    found = find_top_ngrams(model, texts, VOCABULARY, recipe)
    assert 5 <= len(found) <= 10  # five that speak for the first label, and five against it, for all others


def write_table(path: Path) -> None:
    """Write texts in which a pair tells the label, and no single word does."""
    lines = ["text,label"]
    for number, words in zip(range(240), itertools.cycle(["red car", "blue house", "blue car", "red house"])):
        lines.append(f"only{number} {words} here,{'yes' if words in ('red car', 'blue house') else 'no'}")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


@pytest.mark.slow
def test_from_training_to_top_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "t.csv")
    settings = ("--epochs", "3", "--characters", "off", "--marks", "off", "--teacher", "none")
    assert main(["--data", "t.csv", "--out", "run", *settings]) == 0
    listed = Path("run/ngrams.txt").read_text("utf-8").splitlines()
    assert {"red car", "blue house", "blue car", "red house"} <= set(listed)
    assert not any("only" in ngram for ngram in listed)
    assert export("builtin", "", ["--run", "run", "--out", "bundle"]) == 0
    classifier = Classifier.load("bundle")
    assert classifier.ngrams == listed
    assert {word.text for word in classifier.top_words("yes", 2)["yes"]} == {"red car", "blue house"}
