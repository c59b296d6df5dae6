"""Folding the padding out of the embedding, which changes nothing but rounding errors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnx.numpy_helper
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from edgetext.text import PAD_ID
from export.converters import inference
from export.converters.inference import fold_padding
from export.recipes import RECIPES, Recipe
from train.run import Run


def small(*after: keras.layers.Layer, mask_zero: bool = False) -> keras.Model:
    """Return a model of an embedding and the layers after it, with random weights."""
    keras.utils.set_random_seed(4)
    model = keras.Sequential([keras.Input((12,), dtype="int32"), layers.Embedding(50, 4, mask_zero=mask_zero), *after])
    rng = np.random.default_rng(4)
    model.set_weights([rng.normal(size=weights.shape) for weights in model.get_weights()])
    return model


def test_the_same_function_on_real_rows(run: Run, keras_answers: dict[str, Any]) -> None:
    folded = fold_padding(run.model)
    assert folded is not run.model
    for kind, encoded in (("long", "long_ids"), ("short", "short_ids")):
        answers = folded.predict(keras_answers[encoded], verbose=0)[:, 0]
        np.testing.assert_allclose(answers, keras_answers[kind], atol=1e-6)


def test_the_same_function_on_random_rows(run: Run) -> None:
    rng = np.random.default_rng(6)
    encoded = rng.integers(0, 10_000, (300, 256), dtype=np.int32)
    encoded[np.arange(256) >= rng.integers(0, 257, (300, 1))] = PAD_ID
    encoded[0] = PAD_ID  # nothing but padding
    before, after = (model.predict(encoded, verbose=0) for model in (run.model, fold_padding(run.model)))
    np.testing.assert_allclose(after, before, atol=1e-6)
    assert np.ptp(before) > 0.9


def test_only_table_and_bias_change(run: Run) -> None:
    before = [weights.copy() for weights in run.model.get_weights()]
    folded = fold_padding(run.model).get_weights()
    for ours, kept in zip(run.model.get_weights(), before):
        assert (ours == kept).all()  # the run's model has not changed
    assert np.abs(before[0][PAD_ID]).max() > 0.01  # there was something to fold
    assert (folded[0][PAD_ID] == 0).all()
    np.testing.assert_array_equal(folded[0], before[0] - before[0][PAD_ID])
    np.testing.assert_array_equal(folded[1], before[1])
    np.testing.assert_allclose(folded[2], before[2] + before[0][PAD_ID] @ before[1], atol=1e-6)
    for ours, kept in zip(folded[3:], before[3:]):
        np.testing.assert_array_equal(ours, kept)


def test_several_outputs_and_deeper_networks() -> None:
    model = small(
        layers.GlobalAveragePooling1D(), layers.Dense(6, "relu"), layers.Dropout(0.5), layers.Dense(3, "softmax")
    )
    folded = fold_padding(model)
    encoded = np.random.default_rng(7).integers(0, 50, (40, 12))
    assert (folded.get_weights()[0][PAD_ID] == 0).all()
    np.testing.assert_allclose(folded.predict(encoded, verbose=0), model.predict(encoded, verbose=0), atol=1e-5)


@pytest.mark.parametrize(
    "build",
    [
        lambda: small(layers.GlobalAveragePooling1D(), layers.Dense(1), mask_zero=True),
        lambda: small(layers.GlobalMaxPooling1D(), layers.Dense(1)),
        lambda: small(layers.Flatten(), layers.Dense(1)),
        lambda: small(layers.GlobalAveragePooling1D(), layers.Dense(1, use_bias=False)),
        lambda: small(layers.GlobalAveragePooling1D(), layers.BatchNormalization(), layers.Dense(1)),
        lambda: small(layers.Conv1D(3, 2), layers.GlobalAveragePooling1D(), layers.Dense(1)),
        lambda: small(layers.GlobalAveragePooling1D()),
    ],
    ids=["masked", "maximum", "flat", "no bias", "normalised", "convolution", "no dense layer"],
)
def test_other_networks_stay(build: Callable[[], keras.Model]) -> None:
    model = build()
    before = [weights.copy() for weights in model.get_weights()]
    assert fold_padding(model) is model
    for ours, kept in zip(model.get_weights(), before):
        np.testing.assert_array_equal(ours, kept)


@pytest.fixture(scope="module")
def far_run(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the same function, with the padding where rounding to int8 is worst: almost half a step from zero."""
    folder = tmp_path_factory.mktemp("runs") / "far"
    shutil.copytree(run.folder, folder)
    model = keras.saving.load_model(folder / "model.keras")
    table, kernel, bias, *rest = model.get_weights()
    short = np.where(np.arange(256) < 11, run.heldout, 0)
    active = (table[short].mean(axis=1) @ kernel + bias > 0).mean(axis=0)  # (units,)
    slope = kernel @ (active * rest[0][:, 0])  # of the logit, along the dimensions of the average
    away = 0.49 * np.abs(table).max() / 127 * np.sign(slope) - table[PAD_ID]
    model.set_weights([table + away, kernel, bias - away @ kernel, *rest])
    model.save(folder / "model.keras")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param(recipe, id=recipe.file)
        for recipe in RECIPES
        if "wi8" in recipe.name and recipe.engine != "builtin" and recipe.input == "ids"
    ],
)
def test_what_it_is_for(
    recipe: Recipe,
    far_run: Path,
    export: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def changed(code: int) -> int:
        """Export, and return how many labels of short texts changed."""
        options = ("--run", far_run, "--recipe", recipe.name, "--out", tmp_path / "bundle")
        assert export(recipe.engine, *options) == code
        (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith(recipe.name))
        return int(line.replace(",", "").split()[5])

    # Without folding, four times as many labels of short texts change, and the export fails.
    with monkeypatch.context() as patch:
        patch.setattr(inference, "fold_padding", lambda model: model)
        without = changed(1)
    assert not (tmp_path / "bundle").exists()
    assert without > 60
    assert 4 * changed(0) < without


def test_the_converters_use_it(run: Run, exported: Any) -> None:
    # In the float files the embedding of the padding is zero.
    interpreter = Interpreter(model_content=exported.read("tflite", "float32"))
    interpreter.allocate_tensors()
    (index,) = (t["index"] for t in interpreter.get_tensor_details() if t["shape"].tolist() == [10_000, 16])
    model = onnx.load_from_string(exported.read("onnx", "float32"))
    (table,) = (t for t in model.graph.initializer if list(t.dims) == [10_000, 16])
    wanted = run.model.get_weights()[0]
    for found in (interpreter.get_tensor(index), onnx.numpy_helper.to_array(table)):
        assert (found[PAD_ID] == 0).all()
        np.testing.assert_array_equal(found, wanted - wanted[PAD_ID])
