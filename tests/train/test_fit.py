"""Splitting, encoding and evaluating; the network; and the settings."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import random
import signal

import keras
import numpy as np
import pytest
from keras import layers

from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from train.encoding.encoded import Encoded, encode
from train.fitting import loop
from train.fitting.loop import evaluate
from train.models import network
from train.models.presets import PRESETS, Settings
from train.reviews.dataset import Review, split_validation

REVIEWS = [
    Review(f"train/{short}/{number}_5.txt", label, f"{short} film")
    for short, label in (("neg", "negative"), ("pos", "positive"))
    for number in range(500)
]


class TestSplit:
    @pytest.mark.parametrize("count", [0, 1, 300, 999])
    def test_sizes_and_parts(self, count: int) -> None:
        fitted, validated = split_validation(REVIEWS, count)
        assert (len(fitted), len(validated)) == (1000 - count, count)
        assert sorted(fitted + validated) == sorted(REVIEWS)

    def test_does_not_depend_on_the_order(self) -> None:
        wanted = split_validation(REVIEWS, 300)
        for seed in range(3):
            shuffled = random.Random(seed).sample(REVIEWS, len(REVIEWS))
            assert split_validation(shuffled, 300) == wanted

    def test_only_the_names_decide(self) -> None:
        other = [review._replace(text="another text") for review in REVIEWS]
        for ours, theirs in zip(split_validation(REVIEWS, 300), split_validation(other, 300)):
            assert [review.id for review in ours] == [review.id for review in theirs]
        smallest = sorted(REVIEWS, key=lambda review: hashlib.sha256(review.id.encode()).hexdigest())[:300]
        assert split_validation(REVIEWS, 300)[1] == smallest

    def test_is_mixed(self) -> None:
        # 150 of 300 are expected; a deviation of 40 has a probability of one in a hundred thousand.
        _, validated = split_validation(REVIEWS, 300)
        assert abs(sum(review.label == "positive" for review in validated) - 150) < 40
        assert abs(sum(int(review.id.split("/")[2].split("_")[0]) < 250 for review in validated) - 150) < 40

    @pytest.mark.parametrize("count", [1000, 1001])
    def test_nothing_left(self, count: int) -> None:
        with pytest.raises(ValueError, match="leave none of 1000 to fit"):
            split_validation(REVIEWS, count)


def test_encode() -> None:
    encoder = Encoder(Vocabulary([*RESERVED, "film", "pos"]), Preprocessing(4, "pre", KERAS_IMDB))
    texts = encode([REVIEWS[0], REVIEWS[-1]], encoder, ("negative", "positive"))
    rows = texts.take()
    assert rows.tolist() == [[1, 2, 4, 0], [1, 5, 4, 0]]
    assert texts.targets.tolist() == [0, 1]
    assert (rows.dtype, texts.targets.dtype) == (np.int32, np.int64)


def test_first_words() -> None:
    ids = np.array([1, 7, 8, 9, 1, 7, 5, 6, 7, 8], np.uint16)
    texts = Encoded(ids, np.array([4, 2, 4]), np.zeros(3, np.int64), 4)
    cut = texts.first_words(2).take()
    assert cut.tolist() == [[1, 7, 8, 0], [1, 7, 0, 0], [5, 6, 7, 0]]
    assert cut.dtype == np.int32
    assert texts.take().tolist() == texts.first_words().take().tolist() == [[1, 7, 8, 9], [1, 7, 0, 0], [5, 6, 7, 8]]


def test_evaluate_counts_one_half_as_the_first_label() -> None:
    model = network.build_tutorial(10, 4)
    model.set_weights([np.zeros_like(weights) for weights in model.get_weights()])
    ids = np.ones(8 * 4, np.uint16)
    texts = Encoded(ids, np.full(8, 4), np.array([0, 0, 0, 0, 0, 0, 1, 1]), 4)
    measured = evaluate(model, texts, ("no", "yes"))
    classes = measured.pop("classes")
    # Half sure, and right in three of four: a calibration error of a quarter.
    assert measured == {
        "loss": pytest.approx(np.log(2)),
        "accuracy": 0.75,
        "accuracy_interval": [pytest.approx(0.409, abs=1e-3), pytest.approx(0.929, abs=1e-3)],
        "macro_f1": pytest.approx(6 / 7 / 2),
        "ece": 0.25,
        "positive": 0.0,
        "texts": 8,
    }
    assert classes["no"] == {"precision": 0.75, "recall": 1.0, "f1": pytest.approx(6 / 7), "texts": 6}
    assert classes["yes"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "texts": 2}


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(5)
    return network.build_tutorial(10_000, 256)


class TestTutorial:
    def test_is_as_published(self, model: keras.Model) -> None:
        assert model.count_params() == 160_289
        assert [(type(layer), layer.count_params()) for layer in model.layers] == [
            (layers.Embedding, 160_000),
            (layers.GlobalAveragePooling1D, 0),
            (layers.Dense, 272),
            (layers.Dense, 17),
        ]
        embedding, _, hidden, output = model.layers
        assert not embedding.mask_zero
        assert (hidden.activation, output.activation) == (keras.activations.relu, keras.activations.sigmoid)
        assert type(model.optimizer) is keras.optimizers.Adam
        assert float(model.optimizer.learning_rate) == pytest.approx(0.001)
        assert model.loss == "binary_crossentropy"

    def test_input_and_output(self, model: keras.Model) -> None:
        (ids,) = model.inputs
        (probabilities,) = model.outputs
        assert (ids.name, ids.dtype, ids.shape) == ("ids", "int32", (None, 256))
        assert (probabilities.dtype, probabilities.shape) == ("float32", (None, 1))

    def test_computes_what_it_says(self, model: keras.Model) -> None:
        rng = np.random.default_rng(1)
        model.set_weights([rng.normal(size=weights.shape) for weights in model.get_weights()])
        table, weights, bias, last_weights, last_bias = (array.astype(np.float64) for array in model.get_weights())
        rows = rng.integers(0, 10_000, (20, 256))
        rows[::2, 10:] = 0  # padding is averaged in like any other id
        hidden = np.maximum(table[rows].mean(axis=1) @ weights + bias, 0)
        wanted = 1 / (1 + np.exp(-(hidden @ last_weights + last_bias)))
        assert np.ptp(wanted) > 0.1
        np.testing.assert_allclose(model.predict(rows, verbose=0), wanted, atol=1e-5)

    def test_preset(self) -> None:
        preset = PRESETS["tutorial"]
        assert preset.vocabulary_size == 10_000
        assert (preset.preprocessing.max_length, preset.preprocessing.truncating) == (256, "pre")
        assert preset.choices is None


class TestSettings:
    def test_defaults_are_the_tutorials(self) -> None:
        values = dataclasses.asdict(PRESETS["tutorial"].settings)
        assert values.pop("seed") in range(2**32)
        assert values == {"epochs": 40, "batch_size": 512, "patience": None, "validation": 10_000}

    @pytest.mark.parametrize(
        ("name", "value"),
        [("epochs", 0), ("batch_size", 0), ("seed", -1), ("seed", 2**32), ("patience", 0), ("validation", -1)],
    )
    def test_out_of_range(self, name: str, value: int) -> None:
        with pytest.raises(ValueError, match=name.replace("_", "-")):
            dataclasses.replace(PRESETS["edge"].settings, **{name: value})

    def test_limits(self) -> None:
        Settings(epochs=1, batch_size=1, seed=0, patience=1, validation=1)
        Settings(epochs=1, batch_size=1, seed=2**32 - 1, validation=1)


@pytest.mark.slow
class TestInterrupt:
    def test_one_that_is_swallowed_ends_the_next_batch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ends = 0

        def swallow(*args: object) -> None:
            nonlocal ends
            ends += 1
            with contextlib.suppress(KeyboardInterrupt):  # as TensorFlow does when it calls back into Python
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(loop._Progress, "on_epoch_end", swallow)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            data = np.zeros((4, 12), np.int32), np.zeros(4, np.float32)
            with pytest.raises(KeyboardInterrupt):
                loop.fit(network.build_tutorial(50, 12), data, data, PRESETS["tutorial"].settings)
            assert ends == 1
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        finally:
            signal.signal(signal.SIGINT, before)

    def test_where_interrupts_are_ignored_they_stay_so(self) -> None:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            data = np.zeros((4, 12), np.int32), np.zeros(4, np.float32)
            settings = dataclasses.replace(PRESETS["tutorial"].settings, epochs=1)
            assert len(loop.fit(network.build_tutorial(50, 12), data, data, settings)["loss"]) == 1
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        finally:
            signal.signal(signal.SIGINT, before)
