"""The committed run: is it the published recipe, and are its numbers those of its own files?"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest

from edgetext.text import Encoder, Preprocessing, Vocabulary
from train.data import Review


@pytest.fixture(scope="module")
def run(root: Path) -> Path:
    return root / "train" / "default"


@pytest.fixture(scope="module")
def model(run: Path) -> keras.Model:
    return keras.saving.load_model(run / "model.keras")


@pytest.fixture(scope="module")
def encoder(run: Path) -> Encoder:
    return Encoder(Vocabulary.from_bytes((run / "vocab.txt").read_bytes()), Preprocessing(256, "pre"))


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def encode(reviews: list[Review], encoder: Encoder) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    rows = np.array([encoder.encode(review.text) for review in reviews], dtype=np.int32)
    return rows, np.array([review.label == "positive" for review in reviews])


def measure(model: keras.Model, rows: npt.NDArray[np.int32], positive: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Compute loss and accuracy from the model's outputs alone."""
    probabilities = model.predict(rows, batch_size=1000, verbose=0)[:, 0].astype(np.float64)
    loss = -np.log(np.where(positive, probabilities, 1 - probabilities)).mean()
    return float(loss), float(((probabilities > 0.5) == positive).mean())


def by_hash(reviews: list[Review]) -> list[Review]:
    return sorted(reviews, key=lambda review: hashlib.sha256(review.id.encode()).hexdigest())


def test_is_the_published_recipe(run: Path) -> None:
    config = read(run / "config.json")
    assert config["format_version"] == 1
    assert (config["name"], config["preset"]) == ("imdb-tutorial", "tutorial")
    assert config["labels"] == ["negative", "positive"]
    assert config["preprocessing"] == {
        "tokenizer": "keras-imdb",
        "padding": "post",
        "pad_id": 0,
        "start_id": 1,
        "unknown_id": 2,
        "max_length": 256,
        "truncating": "pre",
    }
    settings = dict(config["settings"])
    assert isinstance(settings.pop("seed"), int)
    assert settings == {"epochs": 40, "batch_size": 512, "patience": None, "validation": 10_000}
    assert config["data"]["reviews"] == {"train": 25_000, "test": 25_000}
    assert {"python", "tensorflow", "keras", "numpy"} <= set(config["versions"])


def test_model(run: Path, model: keras.Model) -> None:
    assert model.count_params() == read(run / "metrics.json")["parameters"] == 160_289
    assert [type(layer).__name__ for layer in model.layers] == ["Embedding", "GlobalAveragePooling1D", "Dense", "Dense"]
    assert model.input_shape == (None, 256)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    # Four bytes a parameter and some thousands for the rest: no optimizer's state, which would be twice as much again.
    assert (run / "model.keras").stat().st_size < 4 * 160_289 + 40_000


def test_every_supported_keras_reads_it(run: Path) -> None:
    # Keras 3.12, the last for Python 3.10, takes no such arguments, not even with the value None that later ones write.
    with zipfile.ZipFile(run / "model.keras") as archive:
        config = archive.read("config.json")
    assert not [name for name in (b"quantization_config", b"input_axes", b"output_axes") if name in config]


def test_history(run: Path) -> None:
    history, metrics = read(run / "history.json"), read(run / "metrics.json")
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in history.values()} == {metrics["epochs"]} == {40}
    assert history["loss"][-1] < history["loss"][0]
    assert metrics["validation"]["loss"] == pytest.approx(history["val_loss"][-1], abs=1e-4)
    assert metrics["validation"]["accuracy"] == pytest.approx(history["val_accuracy"][-1], abs=1e-4)


@pytest.mark.data
def test_numbers_on_the_test_reviews(
    run: Path, model: keras.Model, encoder: Encoder, real_splits: dict[str, list[Review]]
) -> None:
    recorded = read(run / "metrics.json")["test"]
    loss, accuracy = measure(model, *encode(real_splits["test"], encoder))
    assert recorded["reviews"] == 25_000
    assert accuracy == pytest.approx(recorded["accuracy"], abs=1e-4)
    assert loss == pytest.approx(recorded["loss"], abs=1e-4)
    # The published recipe reaches 87.0 to 87.7 % over three seeds.
    assert 0.865 <= accuracy <= 0.885


@pytest.mark.data
def test_numbers_on_the_validation_reviews(
    run: Path, model: keras.Model, encoder: Encoder, real_splits: dict[str, list[Review]]
) -> None:
    metrics = read(run / "metrics.json")
    rows, positive = encode(by_hash(real_splits["train"])[:10_000], encoder)
    short = rows.copy()
    short[:, 11:] = 0  # the start mark and ten words
    for name, ids in (("validation", rows), ("validation_short", short)):
        loss, accuracy = measure(model, ids, positive)
        assert metrics[name]["reviews"] == 10_000
        assert accuracy == pytest.approx(metrics[name]["accuracy"], abs=1e-4)
        assert loss == pytest.approx(metrics[name]["loss"], abs=1e-4)


@pytest.mark.data
def test_samples(run: Path, encoder: Encoder, real_splits: dict[str, list[Review]]) -> None:
    ordered = by_hash(real_splits["train"])
    parts = {"heldout": ordered[:10_000][:500], "calibration": ordered[10_000:][:100]}
    with np.load(run / "samples.npz", allow_pickle=False) as samples:
        for name, reviews in parts.items():
            rows, positive = encode(reviews, encoder)
            assert samples[f"{name}_reviews"].tolist() == [review.id for review in reviews]
            assert (samples[f"{name}_ids"] == rows).all()
            assert (samples[f"{name}_targets"] == positive).all()
