"""Cross-validation on tables: folds, what LIBLINEAR and Keras have in common, class weights, and calibration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from train.__main__ import main
from train.encoding.encoded import Encoded, encode
from train.fitting import edge
from train.fitting.folds import ALWAYS_FITTED, assign_folds, number_copies
from train.fitting.linear import count_features, predict_margins
from train.fitting.naive_bayes import find_scales
from train.models import rules
from train.models.presets import Settings
from train.models.recipe import Recipe, count_outputs
from train.models.rules import choices_for
from train.tables.dataset import Text

Rows = list[tuple[str, str]]


class TestFolds:
    def test_copies_stay_together_and_labels_are_spread(self) -> None:
        generator = np.random.default_rng(1)
        copies = generator.integers(0, 150, 400)
        _, copies = np.unique(copies, return_inverse=True)
        targets = (copies % 10 == 0).astype(np.int64)
        folds = assign_folds(copies, targets, 5, 0)
        assert set(folds) == set(range(5))
        for copy in set(copies):
            assert len(set(folds[copies == copy])) == 1
        different = np.unique(copies, return_index=True)[1]
        for label in (0, 1):
            sizes = np.bincount(folds[different][targets[different] == label], minlength=5)
            assert np.ptp(sizes) <= 1
        assert (assign_folds(copies, targets, 5, 0) == folds).all()
        assert (assign_folds(copies, targets, 5, 1) != folds).any()

    def test_a_label_with_one_text_is_always_fitted(self) -> None:
        folds = assign_folds(np.array([0, 0, 0, 1, 2, 3]), np.array([1, 1, 1, 0, 0, 0]), 5, 0)
        assert folds[:3].tolist() == [ALWAYS_FITTED] * 3
        assert len(set(folds[3:])) == 3

    def test_copies_have_the_same_words(self) -> None:
        texts = ["Good film!", "good  FILM", "bad film", "good film", "film good"]
        found = number_copies((Text(str(n), "a", text) for n, text in enumerate(texts)), KERAS_IMDB)
        assert found.tolist() == [0, 0, 1, 0, 2]


def make_texts(seed: int, labels: int, each: int) -> tuple[Encoded, int]:
    """Make texts whose words tell their labels in most cases."""
    generator = np.random.default_rng(seed)
    vocabulary = Vocabulary([*RESERVED, *(f"w{number}" for number in range(60))])
    rows = []
    for number in range(labels * each):
        words = generator.normal(12 * (number % labels), 12, int(generator.integers(3, 9))).astype(int) % 60
        rows.append(Text(str(number), str(number % labels), " ".join(f"w{word}" for word in words)))
    encoder = Encoder(vocabulary, Preprocessing(12, "post", KERAS_IMDB))
    return encode(rows, encoder, [str(label) for label in range(labels)]), len(vocabulary)


@pytest.mark.slow
@pytest.mark.parametrize("labels", [2, 3])
def test_liblinear_fits_what_keras_fits(labels: int) -> None:
    (texts, size), (unseen, _) = make_texts(1, labels, 100), make_texts(2, labels, 30)
    weights = np.array([2.0, 1.0, 0.5][:labels], np.float32)
    choices = choices_for(len(texts)).changed(["buckets=256", "stronger=", "regularization=0.01"])
    settings = Settings(epochs=60, batch_size=16, seed=0, validation=1)
    recipe = Recipe(size, labels, weights, settings, choices)
    scales = find_scales(texts, recipe, 256)
    theirs = predict_margins(
        count_features(texts, recipe), texts.targets, count_features(unseen, recipe), scales, recipe
    )
    model, _ = edge.fit_weights(scales, texts, None, recipe)
    ours = edge.predict_margins(model, unseen.take(), recipe)
    assert ours.shape == theirs.shape == ((len(unseen),) if labels == 2 else (len(unseen), count_outputs(labels)))
    np.testing.assert_allclose(ours, theirs, atol=0.1)
    assert np.ptp(theirs) > 1


def noisy(seed: int, counts: dict[str, int], wrong: float = 0.3) -> Rows:
    """Make (text, label) of words that have something to do with the label; some labels are drawn at random."""
    generator = np.random.default_rng(seed)
    rows: Rows = []
    for place, (label, count) in enumerate(counts.items()):
        for _ in range(count):
            words = [f"filler{word}" for word in generator.zipf(1.3, 8) if word < 3000]
            words += [f"topic{word}" for word in generator.poisson(6 + 4 * place, 2)]
            other = generator.choice([*counts]) if generator.random() < wrong else label
            rows.append((" ".join(words), str(other)))
    return [rows[place] for place in generator.permutation(len(rows))]


def write(path: Path, rows: Rows) -> Path:
    """Write a table."""
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


def train(folder: Path, rows: Rows, *options: str) -> Any:
    """Train on rows and return the content of ``metrics.json``."""
    table = write(folder / "t.csv", rows)
    assert main(["--data", str(table), "--out", str(folder / "run"), *options]) == 0
    return json.loads((folder / "run" / "metrics.json").read_text("utf-8"))


@pytest.mark.slow
class TestTraining:
    def test_what_ships_is_calibrated(self, tmp_path: Path) -> None:
        """Also if it is fitted for so few steps that its margins are much smaller than those of cross-validation."""
        test = write(tmp_path / "test.csv", noisy(1, {"a": 1500, "b": 1500, "c": 1500}))
        for each, epochs in ((700, "20"), (150, "1")):
            rows = noisy(3, {"a": each, "b": each, "c": each})
            metrics = train(tmp_path, rows, "--epochs", epochs, "--test", str(test))
            assert metrics["refitted"] == metrics["cross_validation"]["texts"]
            assert metrics["test"]["ece"] <= 0.05

    def test_class_weights_are_chosen_for_macro_f1(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        rows = noisy(2, {"often": 2000, "seldom": 300, "rare": 150}, wrong=0.15)
        found = {
            how: train(tmp_path, rows, "--epochs", "6", "--class-weights", how)["test"]
            for how in ("none", "balanced", "auto")
        }
        shown = capsys.readouterr().out
        assert found["auto"]["macro_f1"] > found["none"]["macro_f1"] + 0.01
        assert found["auto"]["macro_f1"] > found["balanced"]["macro_f1"] - 0.01
        assert found["auto"]["accuracy"] > found["none"]["accuracy"] - 0.02
        config = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))
        assert config["class_weights"]["rare"] > config["class_weights"]["often"]
        assert "class weights: " in shown

    def test_many_texts_are_validated_instead(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(rules, "MOST_IDS", 0)
        rows = noisy(3, {"often": 300, "rare": 60}, wrong=0.05)
        metrics = train(tmp_path, rows, "--epochs", "2", "--choice", "stronger=3")
        assert "cross_validation" not in metrics
        fits = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("fitting")]
        assert fits[:2] == ["fitting", "fitting with 3 times the regularization"]
        assert len(fits) == 5  # with two class weights, and again

    def test_twenty_rows(self, tmp_path: Path) -> None:
        rows = [(f"{'good' if number % 2 else 'bad'} word{number // 4}", "ab"[number % 2]) for number in range(20)]
        metrics = train(tmp_path, rows)
        assert metrics["cross_validation"]["texts"] == metrics["refitted"]

    def test_copies_of_one_text_per_label(self, tmp_path: Path) -> None:
        """Nothing can be held out of some labels."""
        rows = [
            (text, label) for text, label in (("on", "a"), ("off", "b"), ("up", "c"), ("go up", "c")) for _ in range(9)
        ]
        metrics = train(tmp_path, rows, "--test", "none", "--epochs", "2", "--validation", "9")
        assert metrics["validation"]["texts"] == 9

    def test_labels_that_are_missed_are_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        rows = [(text, "ab"[number % 20 == 0]) for number, (text, _) in enumerate(noisy(4, {"a": 200, "c": 100}))]
        metrics = train(tmp_path, rows, "--epochs", "2", "--class-weights", "none")
        (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning: ")]
        recall, texts = (metrics["test"]["classes"]["b"][name] for name in ("recall", "texts"))
        assert line == f"warning: recall below 50% in test: 'b' {recall:.0%} of {texts}"
