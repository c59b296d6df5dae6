"""The committed run: its settings are those of the preset, and its metrics those of its files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest

from edgetext.encoder import Encoder, Preprocessing
from edgetext.text import Words
from edgetext.vocabulary import Vocabulary
from train.models.presets import PRESETS
from train.reviews.dataset import Review

RULES = Words(marks=False)


@pytest.fixture(scope="module")
def run(root: Path) -> Path:
    return root / "train" / "default"


@pytest.fixture(scope="module")
def model(run: Path) -> keras.Model:
    return keras.saving.load_model(run / "model.keras")


@pytest.fixture(scope="module")
def encoder(run: Path) -> Encoder:
    return Encoder(Vocabulary.from_bytes((run / "vocab.txt").read_bytes(), RULES), Preprocessing(512, "post", RULES))


def split(reviews: list[Review]) -> tuple[list[Review], list[Review]]:
    """Split the training reviews independently: the movies with the smallest hashes are for validation."""
    digests = {review.id: hashlib.sha256(str(review.movie).encode()).hexdigest() for review in reviews}
    ids = {review.id: hashlib.sha256(review.id.encode()).hexdigest() for review in reviews}
    ordered = sorted(reviews, key=lambda review: (digests[review.id], ids[review.id]))
    fitted, validated = (sorted(part, key=lambda r: ids[r.id]) for part in (ordered[2_500:], ordered[:2_500]))
    return fitted, validated


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


def test_is_the_preset(run: Path) -> None:
    config, preset = read(run / "config.json"), PRESETS["edge"]
    assert preset.choices is not None
    assert config["format_version"] == 2
    assert (config["name"], config["preset"]) == ("imdb-edge", "edge")
    assert config["labels"] == ["negative", "positive"]
    assert config["preprocessing"] == {
        "tokenizer": "words-1",
        "padding": "post",
        "pad_id": 0,
        "start_id": 1,
        "unknown_id": 2,
        "max_length": 512,
        "truncating": "post",
        "marks": False,
    }
    assert config["network"] == {"kind": "bigrams-2", "buckets": 2**18, "multipliers": [40503, 30011], "exponent": 0.25}
    assert config["settings"] == dataclasses.asdict(preset.settings)
    assert config["choices"] == json.loads(json.dumps(dataclasses.asdict(preset.choices)))
    assert config["data"]["reviews"] == {"train": 25_000}
    assert {"python", "tensorflow", "keras", "numpy"} <= set(config["versions"])


def test_model(run: Path, model: keras.Model) -> None:
    assert model.count_params() == read(run / "metrics.json")["parameters"] == 19_900 + 2**18 + 2
    assert model.input_shape == (None, 512)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    # Four bytes a parameter and some thousands for the rest: no optimizer's state, which would be twice as much again.
    assert (run / "model.keras").stat().st_size < 4 * model.count_params() + 40_000


def test_every_supported_keras_reads_it(run: Path) -> None:
    # Keras 3.12, the last for Python 3.10, takes no such arguments, not even with the value None that later ones write.
    with zipfile.ZipFile(run / "model.keras") as archive:
        config = archive.read("config.json")
    assert not [name for name in (b"quantization_config", b"input_axes", b"output_axes") if name in config]


def test_history(run: Path) -> None:
    history, metrics = read(run / "history.json"), read(run / "metrics.json")
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in history.values()} == {metrics["epochs"]} == {PRESETS["edge"].settings.epochs}
    assert history["loss"][-1] < history["loss"][0]
    # A temperature changes probabilities, and next to no label; these are of before it.
    assert metrics["validation"]["accuracy"] == pytest.approx(history["val_accuracy"][-1], abs=5e-4)
    assert metrics["validation"]["loss"] < history["val_loss"][-1]


@pytest.mark.data
def test_numbers_on_the_test_reviews(
    run: Path, model: keras.Model, encoder: Encoder, real_splits: dict[str, list[Review]]
) -> None:
    recorded = read(run / "metrics.json")["test"]
    loss, accuracy = measure(model, *encode(real_splits["test"], encoder))
    assert recorded["texts"] == 25_000
    assert accuracy == pytest.approx(recorded["accuracy"], abs=1e-4)
    assert loss == pytest.approx(recorded["loss"], abs=1e-4)
    # It reached 91.65 %, with probabilities that are off by 0.008.
    assert accuracy >= 0.916
    assert recorded["ece"] <= 0.01


@pytest.mark.data
def test_numbers_on_the_validation_reviews(
    run: Path, model: keras.Model, encoder: Encoder, real_splits: dict[str, list[Review]]
) -> None:
    metrics = read(run / "metrics.json")
    rows, positive = encode(split(real_splits["train"])[1], encoder)
    short = rows.copy()
    short[:, 11:] = 0  # the start mark and ten words
    for name, ids in (("validation", rows), ("validation_short", short)):
        loss, accuracy = measure(model, ids, positive)
        assert metrics[name]["texts"] == 2_500
        assert accuracy == pytest.approx(metrics[name]["accuracy"], abs=1e-4)
        assert loss == pytest.approx(metrics[name]["loss"], abs=1e-4)


@pytest.mark.data
def test_samples(run: Path, encoder: Encoder, real_splits: dict[str, list[Review]]) -> None:
    fitted, validated = split(real_splits["train"])
    with np.load(run / "samples.npz", allow_pickle=False) as samples:
        for name, reviews in (("heldout", validated[:500]), ("calibration", fitted[:100])):
            rows, positive = encode(reviews, encoder)
            assert samples[f"{name}_texts"].tolist() == [review.id for review in reviews]
            assert (samples[f"{name}_ids"] == rows).all()
            assert (samples[f"{name}_targets"] == positive).all()
