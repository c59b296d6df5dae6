"""The ``edge`` preset for any number of labels, and its objective of support vector machines."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.svm import LinearSVC

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from train.encoding.encoded import Encoded, Splits, encode
from train.fitting import edge, naive_bayes
from train.fitting.calibration import calibrate, calibrated_loss
from train.fitting.loop import evaluate
from train.models import network
from train.models.choices import Choices
from train.models.presets import Settings
from train.models.recipe import Fitted, Recipe, count_outputs
from train.models.rules import choices_for
from train.tables.dataset import Text

pytestmark = pytest.mark.slow

VOCABULARY = Vocabulary([*RESERVED, *(f"f{number}" for number in range(20)), *(f"t{number}" for number in range(200))])
ENCODER = Encoder(VOCABULARY, Preprocessing(12, "post", KERAS_IMDB))
CHOICES = choices_for(200).changed(["buckets=256", "least_texts=0", "stronger=", "learning_rate=0.05"])


def topics(seed: int, labels: int, each: int) -> Encoded:
    """Make texts of filler with one or two words of their topic, encoded."""
    generator = np.random.default_rng(seed)
    texts = []
    for number in generator.permutation(labels * each):
        words = [f"f{word}" for word in generator.integers(0, 20, 5)]
        for _ in range(generator.integers(1, 3)):
            words.insert(int(generator.integers(0, 6)), f"t{number % labels}")
        texts.append(Text(str(number), str(number % labels), " ".join(words)))
    return encode(texts, ENCODER, [str(label) for label in range(labels)])


def splits(training: Encoded, validation: Encoded) -> Splits:
    none = encode([], ENCODER, [])
    return Splits(training, validation, none, none, none, none)


def recipe(labels: int, choices: Choices | None = None, epochs: int = 1, weights: Any = None) -> Recipe:
    weights = np.ones(labels, np.float32) if weights is None else np.array(weights, np.float32)
    settings = Settings(epochs=epochs, batch_size=16, seed=0, validation=1)
    choices = choices or CHOICES
    return Recipe(len(VOCABULARY), labels, weights, settings, choices)


@pytest.mark.parametrize("labels", [2, 3, 5])
def test_counts_and_log_count_ratios(labels: int) -> None:
    texts = topics(1, labels, 15)
    size = len(VOCABULARY)
    wanted = np.zeros((labels, size + 256))
    for row, label in zip(texts.take().tolist(), texts.targets):
        ids = [token for token in row if token]
        pairs = [(a, b) for a, b in pairwise(ids) if a != 2 and b > 2]
        words = {token for token in ids if token > 2}
        for feature in words | {size + (a * 40503 + b * 30011) % 256 for a, b in pairs}:  # once a text
            wanted[label, feature] += 1
    counts = naive_bayes.count_texts(texts, labels, size, 256, 2)
    assert counts.tolist() == wanted.tolist()
    ratios = naive_bayes.log_count_ratios(counts)
    assert ratios.shape == (size + 256, count_outputs(labels))
    for column, label in enumerate([1] if labels == 2 else range(labels)):
        own, rest = wanted[label] + 1, wanted.sum(axis=0) - wanted[label] + 1
        np.testing.assert_allclose(ratios[:, column], np.log(own / own.sum() * rest.sum() / rest), atol=1e-5)


@pytest.mark.parametrize("labels", [2, 3])
def test_scales(labels: int) -> None:
    texts = topics(2, labels, 15)
    counts = naive_bayes.count_texts(texts, labels, len(VOCABULARY), 256, 2)
    ratios, occurring = naive_bayes.log_count_ratios(counts), counts.sum(axis=0)
    found = np.vstack(naive_bayes.find_scales(texts, recipe(labels), 256))
    wanted = np.sign(ratios) * np.sqrt(np.abs(ratios))
    assert (found[occurring > 0] ** 2).mean() == pytest.approx(1, rel=1e-4)
    present = np.abs(wanted) > 1e-6
    assert np.ptp(found[present] / wanted[present]) < 1e-4  # one factor for all
    # A bucket that too few texts have weighs nothing; words are the vocabulary's affair.
    rare = recipe(labels, CHOICES.changed(["least_texts=4"]))
    words, pairs = naive_bayes.find_scales(texts, rare, 256)
    few = occurring[len(VOCABULARY) :] < 4
    assert 0 < few.sum() < 256
    assert not pairs[few].any()
    assert np.allclose(words, found[: len(VOCABULARY)])
    assert np.allclose(pairs[~few], found[len(VOCABULARY) :][~few])


def test_targets() -> None:
    targets = np.array([2, 0, 1])
    assert edge.make_targets(targets, recipe(3)).tolist() == [[-1, -1, 1], [1, -1, -1], [-1, 1, -1]]
    assert edge.make_targets(np.array([1, 0]), recipe(2)).tolist() == [[1], [-1]]


@pytest.mark.parametrize("columns", [1, 4])
def test_squared_hinge(columns: int) -> None:
    generator = np.random.default_rng(3)
    margins = generator.normal(size=(30, columns)) * 2
    targets = generator.choice([-1.0, 1.0], (30, columns))
    found = keras.ops.convert_to_numpy(edge.squared_hinge(targets, margins))
    wanted = [
        sum(max(0.0, 1 - sign * margin) ** 2 for sign, margin in zip(*row))
        for row in zip(targets.tolist(), margins.tolist())
    ]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    # Zero where every margin is wide enough, and there alone.
    assert keras.ops.convert_to_numpy(edge.squared_hinge(targets, targets)).tolist() == [0] * 30
    assert keras.ops.convert_to_numpy(edge.squared_hinge(targets, -targets)).tolist() == [4 * columns] * 30


def test_accuracy_while_fitting() -> None:
    margins = np.array([[0.1, -2.0, 0.3], [-3.0, -1.0, -2.0], [1.0, 2.0, 0.0]])
    targets = edge.make_targets(np.array([2, 1, 0]), recipe(3))
    assert keras.ops.convert_to_numpy(edge.same_side(targets, margins)).tolist() == [1, 1, 0]
    one = edge.same_side(edge.make_targets(np.array([1, 0, 1, 0]), recipe(2)), np.array([[0.1], [-1.0], [-0.1], [2.0]]))
    assert keras.ops.convert_to_numpy(one)[:, 0].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("labels", [2, 3, 200])
def test_what_ships_is_what_was_trained_over_the_temperature(labels: int) -> None:
    generator = np.random.default_rng(4)
    columns = count_outputs(labels)
    choices = recipe(labels).choices
    scales: Any = tuple(generator.normal(size=(size, columns)).astype(np.float32) for size in (len(VOCABULARY), 256))
    trained = network.build_edge_training(scales, choices)
    for name in ("unigrams", "bigrams", "head"):
        layer = trained.get_layer(name)
        layer.set_weights([generator.normal(size=weights.shape) * 0.5 for weights in layer.get_weights()])
    rows = topics(5, labels, 2).take()[:40]
    margins = trained.predict(rows, verbose=0).astype(np.float64)
    assert margins.shape == (len(rows), columns)
    weights = network.read_weights(trained)
    for divisor in (1.0, 0.4, 3.0):
        model = network.finish_edge(weights, 12, choices, divisor, np.full(labels, 1 / labels))
        powers = np.exp(margins / divisor)
        wanted = powers / (1 + powers) if labels == 2 else powers / powers.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.predict(rows, verbose=0), wanted, atol=1e-5)
        assert model.input_shape == (None, 12)
        # Nothing but the two tables and a bias a column.
        stored = sum(np.size(weights) for weights in model.get_weights())
        assert stored == columns * (len(VOCABULARY) + 256) + (2 if labels == 2 else 0)


@pytest.mark.parametrize(("labels", "each", "epochs"), [(2, 40, 10), (3, 40, 10), (200, 6, 4)])
def test_is_right_on_unseen_texts(labels: int, each: int, epochs: int) -> None:
    training, validation, unseen = topics(6, labels, each), topics(7, labels, 2), topics(8, labels, 3)
    made = recipe(labels, epochs=epochs)
    fitted = edge.fit_edge(splits(training, validation), made)
    model, temperature = calibrate(fitted, splits(training, validation))
    assert temperature is not None
    history, loss = fitted.history, calibrated_loss(fitted)
    assert history["loss"][-1] < history["loss"][0]
    answers = model.predict(unseen.take(), verbose=0)
    chosen = answers[:, 0] > 0.5 if labels == 2 else answers.argmax(axis=1)
    assert (chosen == unseen.targets).mean() > 0.95
    assert 0.1 <= temperature <= 10
    # What was found is the loss of what ships.
    names = [str(label) for label in range(labels)]
    assert loss == pytest.approx(evaluate(model, validation, names)["loss"], abs=1e-4)
    if labels > 2:
        np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert history["val_accuracy"][-1] > 0.95  # the share of texts that are right


def test_fits_what_a_support_vector_machine_fits() -> None:
    """Without bigrams, and scales that are all one, it is scikit-learn's linear one: the same labels in doubt too."""
    generator = np.random.default_rng(9)
    texts = [
        Text(str(n), "abc"[n % 3], " ".join(f"f{(w + 5 * (n % 3)) % 20}" for w in generator.geometric(0.15, 9)))
        for n in range(240)
    ]
    encoded = encode(texts, ENCODER, "abc")
    changes = ["buckets=2", "exponent=0", "ratio_exponent=0", "least_texts=1000", "regularization=0.01"]
    made = recipe(3, CHOICES.changed(changes), epochs=40)
    scales = naive_bayes.find_scales(encoded, made, 2)
    assert np.allclose(np.abs(scales[0])[np.bincount(encoded.take().ravel(), minlength=224) > 0], 1)
    assert not scales[1].any()
    model, _ = edge.fit_weights(scales, encoded, encoded, made)
    counts = np.array([np.bincount(row[row > 1], minlength=224) for row in encoded.take()])
    # The mean over texts and 0.01 of the squares: times 1 / (2 * 0.01), half the squares and C for each of 240 texts.
    peer = LinearSVC(C=1 / (2 * 0.01 * 240), intercept_scaling=100, random_state=0, max_iter=100_000)
    peer.fit(counts, encoded.targets)
    ours = model.predict(encoded.take(), verbose=0)
    assert np.abs(ours - peer.decision_function(counts)).max() < 0.3
    assert 0.7 < peer.score(counts, encoded.targets) < 0.99
    assert (ours.argmax(axis=1) == peer.predict(counts)).mean() > 0.97


def test_class_weights_reach_the_loss() -> None:
    texts = topics(10, 3, 10)
    for weights in ([1, 1, 1], [4, 1, 0.25]):
        batches = edge.Batches(texts, recipe(3, weights=weights))
        found = [batches[number] for number in range(len(batches))]
        assert sum(len(rows) for rows, _, _ in found) == 30
        for _, targets, counted in found:
            assert counted.tolist() == [weights[label] for label in targets.argmax(axis=1)]
    # Two topics that share their words: the heavier one wins them.
    same = [Text(str(number), "ab"[number % 2], f"f{number // 2 % 20}") for number in range(80)]
    both = encode(same, ENCODER, "ab")
    model = calibrate(edge.fit_edge(splits(both, both), recipe(2, epochs=5, weights=[1, 4])), splits(both, both))[0]
    assert (model.predict(both.take(), verbose=0) > 0.5).all()


def test_refit_knows_the_validated_texts_too() -> None:
    """A topic that was validated alone is unknown to what was trained, and known to what is fitted once more."""
    everything = topics(11, 3, 30)
    seen = np.flatnonzero(everything.targets < 2)
    validated = np.flatnonzero(everything.targets == 2)

    def part(chosen: Any) -> Encoded:
        lengths = everything.lengths[chosen]
        rows = everything.take(chosen)
        return Encoded(rows[rows > 0].astype(np.uint16), lengths, everything.targets[chosen], 12)

    training, validation = part(seen), part(validated)
    made = recipe(3, epochs=8)
    texts = splits(training, validation)
    fitted = edge.fit_edge(texts, made)
    trained, found = calibrate(fitted, splits(training, validation))
    again, temperature = calibrate(edge.refit_edge(fitted, texts), texts)
    rows = validation.take()
    assert (trained.predict(rows, verbose=0).argmax(axis=1) == 2).mean() < 0.1
    assert (again.predict(rows, verbose=0).argmax(axis=1) == 2).mean() > 0.9
    assert again.input_shape == (None, 12)
    assert temperature == found


def test_regularization_that_validates_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several strengths, tried one after the other until one is no better."""
    losses = iter((0.5, 0.3, 0.35, 0.1))
    tried = []

    def lose(fitted: Fitted) -> float:
        tried.append(fitted.recipe.choices.regularization)
        return next(losses)

    monkeypatch.setattr(edge, "calibrated_loss", lose)
    texts = topics(12, 2, 8)
    choices = CHOICES.changed(["stronger=2,4,8", "regularization=0.5"])
    found = edge.fit_edge(splits(texts, texts), recipe(2, choices))
    assert tried == [0.5, 1, 2]
    assert found.recipe.choices.regularization == 1
