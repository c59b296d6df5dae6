"""Character n-grams in training: the network, what is folded into words, and whether they are chosen."""

from __future__ import annotations

import dataclasses
import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetext import Classifier
from edgetext.encoder import Encoder, Preprocessing
from edgetext.ngrams import Characters
from edgetext.text import RESERVED, UNKNOWN_ID, Words
from edgetext.vocabulary import Vocabulary
from export import command
from train.__main__ import main
from train.encoding.encoded import Encoded, encode
from train.encoding.ngrams import count_ngrams, count_word_characters
from train.fitting import edge
from train.fitting.linear import count_features, predict_margins
from train.fitting.naive_bayes import find_scales
from train.models import network, rules
from train.models.presets import Settings
from train.models.recipe import Recipe
from train.models.rules import choices_for
from train.tables.dataset import Text

CHARACTERS = Characters(2, 3, 64, 24)
RULES = Words(marks=False)
VOCABULARY = Vocabulary([*RESERVED, *(f"w{number}x" for number in range(26)), "\u597d"], RULES)
ENCODER = Encoder(VOCABULARY, Preprocessing(12, "post", RULES, CHARACTERS))
WORD_CHARACTERS = count_word_characters(VOCABULARY, CHARACTERS)
FILES = ("config.json", "metrics.json")


def make_texts(seed: int, labels: int, each: int) -> Encoded:
    """Make texts whose words tell their labels in most cases; some words are unknown."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(labels * each):
        words = generator.normal(12 * (number % labels), 9, int(generator.integers(1, 9))).astype(int) % 40
        rows.append(Text(str(number), str(number % labels), " ".join(f"w{word}x" for word in words) + "\u597d\u6f22"))
    return encode(rows, ENCODER, [str(label) for label in range(labels)])


def make_recipe(labels: int, texts: int, word_ngrams: int = 2) -> Recipe:
    changes = ["buckets=256", "stronger=", "regularization=0.01", "characters=64", f"word_ngrams={word_ngrams}"]
    choices = choices_for(texts).changed(changes)
    settings = {"epochs": 60, "batch_size": 16, "seed": 0, "validation": 1}
    weights = np.ones(labels, np.float32)
    return Recipe(len(VOCABULARY), labels, weights, Settings(**settings), choices, word_characters=WORD_CHARACTERS)


def test_ngrams_of_words() -> None:
    assert WORD_CHARACTERS.shape == (len(VOCABULARY), 64)
    assert not WORD_CHARACTERS[: len(RESERVED)].sum()
    assert not WORD_CHARACTERS[-1].sum()  # part of runs
    for place, word in list(enumerate(VOCABULARY.tokens))[len(RESERVED) : -1]:
        wanted = np.bincount(list(CHARACTERS.hash_item(word)), minlength=64)
        assert WORD_CHARACTERS[place].toarray()[0].tolist() == wanted.tolist()


def test_counted_in_texts_as_if_all_words_were_unknown() -> None:
    none = Encoder(Vocabulary([*RESERVED, "zzz"], RULES), Preprocessing(12, "post", RULES, Characters(2, 3, 64, 1000)))
    texts = ["w1x w1x w30x", "", "w25x \u597d\u597d"]
    ids = np.array([ENCODER.encode(text) for text in texts], np.int64)
    first = len(RESERVED) + 1
    for row, text in zip(count_ngrams(ids, WORD_CHARACTERS).toarray(), texts):
        buckets = [number - first for number in none.ids(text) if number >= first]
        assert row.tolist() == np.bincount(buckets, minlength=64).tolist()


@pytest.mark.parametrize(("labels", "word_ngrams"), [(2, 2), (3, 2), (3, 3)])
def test_network_computes_what_it_says(labels: int, word_ngrams: int) -> None:
    generator = np.random.default_rng(1)
    recipe, columns = make_recipe(labels, 10, word_ngrams), 1 if labels == 2 else labels
    size, width = len(VOCABULARY), ENCODER.preprocessing.width
    bias, prior = generator.normal(size=(2, columns))
    model = network.build_edge(size, width, recipe.choices, bias, prior)
    tables = {name: generator.normal(size=(rows, columns)) for name, rows in zip(network.TABLES, (size, 256, 64))}
    for name, table in tables.items():
        model.get_layer(name).set_weights([table])
    texts = ["w1x w2x", "w39x", "", "\u6f22\u6f22\u6f22", "w1x w39x \u597d" * 3, "w3x " * 20, "w39x " * 20]
    rows = np.array([ENCODER.encode(text) for text in texts], np.int32)
    for row, found in zip(rows.tolist(), model.predict(rows, verbose=0)):
        ngrams = [number - size for number in row if number >= size]
        ids = [number for number in row if 0 < number < size]
        logits = prior
        if ngrams or max(ids) > UNKNOWN_ID:
            total = sum(tables["unigrams"][number] for number in ids if number > UNKNOWN_ID) + np.zeros(columns)
            for one, two in pairwise(ids):
                if UNKNOWN_ID not in (one, two):
                    total = total + tables["bigrams"][(one * 40503 + two * 30011) % 256]
            for one, two, three in zip(ids, ids[1:], ids[2:]):
                if word_ngrams == 3 and UNKNOWN_ID not in (one, two, three):
                    total = total + tables["bigrams"][(one * 40503 + two * 30011 + three * 16727) % 256]
            total = total + sum(tables["characters"][number] for number in ngrams)
            logits = bias + total / len(ids) ** 0.5
        powers = np.exp(logits if labels > 2 else [0, logits[0]])
        np.testing.assert_allclose(found, (powers / powers.sum())[-columns:], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("labels", "word_ngrams"), [(2, 2), (3, 2), (2, 3)])
def test_liblinear_keras_and_what_ships_agree(labels: int, word_ngrams: int) -> None:
    texts, unseen = make_texts(1, labels, 100), make_texts(2, labels, 30)
    recipe = make_recipe(labels, len(texts), word_ngrams)
    scales = find_scales(texts, recipe, 256)
    assert [len(scale) for scale in scales] == [len(VOCABULARY), 256, 64]
    features = count_features(texts, recipe)
    theirs = predict_margins(features, texts.targets, count_features(unseen, recipe), scales, recipe)
    model, _ = edge.fit_weights(scales, texts, None, recipe)
    ours = edge.predict_margins(model, unseen.take(), recipe)
    np.testing.assert_allclose(ours, theirs, atol=0.1)
    assert np.ptp(theirs) > 1
    # The weights of a known word's n-grams are in that of the word.
    shares = np.full(labels, 1 / labels)
    width, weights = ENCODER.preprocessing.width, network.read_weights(model)
    shipped = network.finish_edge(weights, width, recipe.choices, 1.0, shares, WORD_CHARACTERS)
    outputs = shipped.predict(unseen.take(), verbose=0).astype(np.float64)
    logits = np.log(outputs / (1 - outputs))[:, 0] if labels == 2 else np.log(outputs)
    expected = ours if labels == 2 else ours - np.log(np.exp(ours).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(logits, expected, atol=1e-3)


@pytest.mark.parametrize("shares", [[0.9, 0.1], [0.6, 0.3, 0.1]])
@pytest.mark.parametrize("with_ngrams", [False, True])
def test_without_anything_known_the_shares_of_the_labels(shares: list[float], with_ngrams: bool) -> None:
    recipe = make_recipe(len(shares), 10)
    if not with_ngrams:
        recipe = recipe._replace(word_characters=None, choices=dataclasses.replace(recipe.choices, characters=0))
    sizes = [len(VOCABULARY), 256, *([64] if with_ngrams else [])]
    tables = tuple(np.ones((size, recipe.num_outputs), np.float32) for size in sizes)
    weights = network.Weights(tables, np.full(recipe.num_outputs, 0.7))
    width = ENCODER.preprocessing.width if with_ngrams else 12
    model = network.finish_edge(weights, width, recipe.choices, 0.5, np.array(shares), recipe.word_characters)
    rows = np.zeros((3, width), np.int32)
    rows[0, 0], rows[1, :4] = 1, [1, UNKNOWN_ID, UNKNOWN_ID, UNKNOWN_ID]  # and one of padding alone
    wanted = shares[1:] if len(shares) == 2 else shares
    np.testing.assert_allclose(model.predict(rows, verbose=0), [wanted] * 3, atol=1e-6)


def test_scales_of_ngrams() -> None:
    texts, recipe = make_texts(5, 2, 50), make_recipe(2, 100)
    words, pairs, ngrams = find_scales(texts, recipe, 256)
    doubled = recipe._replace(choices=dataclasses.replace(recipe.choices, characters_weight=0.6))
    same_words, same_pairs, twice = find_scales(texts, doubled, 256)
    assert ngrams.any()
    np.testing.assert_allclose(twice, 2 * ngrams, rtol=1e-6)
    assert (same_words == words).all()
    assert (same_pairs == pairs).all()


class TestNumbers:
    def test_most_ngrams(self) -> None:
        texts = make_texts(3, 2, 100)
        counts = np.sort(texts.lengths - texts.words)
        assert rules.choose_most_ngrams(texts) >= min(counts[int(0.99 * len(counts))], rules.FEWEST_NGRAMS)
        none = dataclasses.replace(texts, lengths=texts.words)
        assert rules.choose_most_ngrams(none) == rules.FEWEST_NGRAMS

    def test_buckets(self) -> None:
        texts = make_texts(3, 2, 100)
        found = rules.choose_characters(texts, VOCABULARY, Characters(2, 3, 2**16, 1000), 1)
        assert found == rules.FEWEST_BUCKETS  # of a hundred n-grams
        assert rules.choose_characters(texts, VOCABULARY, CHARACTERS, 1) == 64

    @pytest.mark.parametrize("words", [["w0x", "w9x"], ["w30x", "w31x"], ["w0x", "w9x", "w30x"]])
    def test_buckets_are_those_of_known_and_unknown_words(
        self, words: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("train.models.rules.FEWEST_BUCKETS", 1)
        texts = encode([Text("1", "0", word) for word in words], ENCODER, ["0"])
        occurring = {bucket for word in words for bucket in CHARACTERS.hash_item(word)}
        found = rules.choose_characters(texts, VOCABULARY, CHARACTERS, 1)
        assert found // 2 < len(occurring) <= found < 64

    def test_fewer_buckets_and_ngrams_are_what_encoding_would_give(self) -> None:
        texts = make_texts(4, 2, 20)
        fewer = Preprocessing(12, "post", RULES, Characters(2, 3, 16, 5))
        encoder = Encoder(VOCABULARY, fewer)
        written = [f"w{number}x w3x w35x \u597d" for number in range(20, 40)]
        before = encode([Text("", "0", text) for text in written], ENCODER, ["0"])
        after = encode([Text("", "0", text) for text in written], encoder, ["0"])
        assert before.limit_ngrams(12, fewer.characters).take().tolist() == after.take().tolist()
        plain = Encoder(VOCABULARY, Preprocessing(12, "post", RULES))
        without = encode([Text("", "0", text) for text in written], plain, ["0"])
        assert before.limit_ngrams(12, None).take().tolist() == without.take().tolist()
        assert texts.limit_ngrams(12, None).subset(np.arange(3)).take().shape == (3, 12)


def write_table(path: Path, rows: list[tuple[str, str]]) -> None:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")


def inflected(seed: int, count: int) -> list[tuple[str, str]]:
    """Make texts whose label depends on a stem, with endings that seldom occur twice."""
    draw = random.Random(seed)
    stems = {"up": ["rise", "grow", "climb"], "down": ["sink", "drop", "fall"]}
    letters = "aeiounrst"

    def word(stem: str) -> str:
        return stem + "".join(draw.choices(letters, k=draw.randint(2, 4)))

    rows = []
    for _ in range(count):
        label = draw.choice(["up", "down"])
        filler = [word("the"), word("and")]
        rows.append((" ".join([*filler, word(draw.choice(stems[label]))]), label))
    return rows


@pytest.mark.slow
class TestChosen:
    def train(self, folder: Path, rows: list[tuple[str, str]], *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
        write_table(folder / "t.csv", rows)
        options = ("--epochs", "5", *options)
        assert main(["--data", str(folder / "t.csv"), "--out", str(folder / "run"), *options]) == 0
        config, metrics = (json.loads((folder / "run" / name).read_text("utf-8")) for name in FILES)
        return config, metrics

    def test_where_words_seldom_repeat(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        config, metrics = self.train(tmp_path, inflected(1, 900))
        assert "character n-grams: used" in capsys.readouterr().out
        assert config["network"]["kind"] == "characters"
        without = self.train(tmp_path, inflected(1, 900), "--characters", "off")[1]
        assert metrics["test"]["accuracy"] > without["test"]["accuracy"] + 0.1
        config, _ = self.train(tmp_path, inflected(1, 900), "--target-size", "40KB", "--ngrams", "3")
        assert config["network"]["kind"] == "trigrams-characters"
        assert config["preprocessing"]["characters"]["buckets"] <= 40_000 / 4
        for engine in ("builtin", "tflite", "onnx"):
            options = ["--run", str(tmp_path / "run"), "--out", str(tmp_path / "bundle")]
            assert command.main(engine, "Export.", options) == 0
        capsys.readouterr()
        assert command.main("onnx", "Export.", [*options, "--input", "text"]) == 2
        assert "n-grams" in capsys.readouterr().err
        found = {
            name: Classifier.load(tmp_path / "bundle", engine=name).classify("theqqq climbzzz")
            for name in ("builtin", "tflite", "onnx")
        }
        assert {prediction.label for prediction in found.values()} == {"up"}
        assert max(prediction.score for prediction in found.values()) < 1.05 * found["builtin"].score
        assert {prediction.known for prediction in found.values()} == {0.0}
        size = sum(path.stat().st_size for path in (tmp_path / "bundle").glob("model.dyn*.tflite"))
        assert size <= 40_000

    def test_not_where_they_bring_nothing(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        draw = random.Random(2)
        words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=5)) for _ in range(60)]
        rows = [
            (
                " ".join(draw.choices(words[:40] if place % 2 else words[20:], k=6)),
                "ab"[(place + (draw.random() < 0.2)) % 2],
            )
            for place in range(900)
        ]
        config, _ = self.train(tmp_path, rows)
        assert "character n-grams: not used" in capsys.readouterr().out
        assert "characters" not in config["preprocessing"]
        assert config["network"]["kind"] == "bigrams-2"

    def test_options(self, tmp_path: Path, error_line: Any, capsys: pytest.CaptureFixture[str]) -> None:
        write_table(tmp_path / "t.csv", inflected(3, 100))
        for options in (
            ("--tokenizer", "keras-imdb", "--characters", "on"),
            ("--preset", "tutorial", "--characters", "on"),
            ("--choice", "characters-lengths=3,2"),
            ("--choice", "characters=1000"),
        ):
            assert main(["--data", str(tmp_path / "t.csv"), "--out", str(tmp_path / "run"), *options]) == 2
            error_line(capsys.readouterr().err)
