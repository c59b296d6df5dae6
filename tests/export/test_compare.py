"""Comparing with Keras: numbers, tolerances, and defective conversions."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edgetext import Bundle
from export import options
from export.compare import compare, differences, find_excess, predict_reference
from export.converters import load_converter
from export.recipes import RECIPES, Recipe, Tolerance
from train.run import Run

MEASURED = {
    "texts": 200,
    "max_difference": 0.1,
    "mean_difference": 0.01,
    "labels_changed": 4,
    "short_max_difference": 0.9,
    "short_mean_difference": 0.01,
    "short_labels_changed": 90,
    "accuracy": 0.9,
    "keras_accuracy": 0.9,
    "runtime": "none",
}


def recipe_with(tolerance: Tolerance) -> Recipe:
    return RECIPES[0]._replace(tolerance=tolerance)


class TestExcess:
    def test_at_the_bound(self) -> None:
        assert find_excess(recipe_with(Tolerance(0.1, 0.01, 0.02, 0.01)), MEASURED) == []

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("max_difference", 0.11, "the largest difference of a probability is 0.11, at most 0.1 is allowed"),
            (
                "mean_difference",
                0.011,
                "the mean difference of the probabilities is 0.011, at most 0.01 is allowed",
            ),
            ("short_mean_difference", 0.02, "the mean difference on short texts is 0.02, at most 0.01 is allowed"),
            ("labels_changed", 5, "the share of labels changed is 0.025, at most 0.02 is allowed"),
            (
                "max_difference",
                float("nan"),
                "the largest difference of a probability is nan, at most 0.1 is allowed",
            ),
        ],
    )
    def test_past_it(self, name: str, value: float, message: str) -> None:
        assert find_excess(recipe_with(Tolerance(0.1, 0.01, 0.02, 0.01)), {**MEASURED, name: value}) == [message]

    def test_one_text_of_a_few_may_change(self) -> None:
        few = {**MEASURED, "texts": 24}
        strict = recipe_with(Tolerance(0.1, 0.01, 0.02, 0.01))
        assert find_excess(strict, {**few, "labels_changed": 1}) == []
        assert len(find_excess(strict, {**few, "labels_changed": 2})) == 1

    def test_all_at_once(self) -> None:
        assert len(find_excess(recipe_with(Tolerance(0, 0, 0, 0)), MEASURED)) == 4


def test_differences_of_three_labels() -> None:
    """The difference of a text is the largest over its labels, not the mean."""
    theirs = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [1.0, 0.0, 0.0]])
    ours = np.array([[0.4, 0.4, 0.2], [0.1, 0.6, 0.3], [1.0, 0.0, 0.0]])
    expected = {"short_max_difference": 0.4, "short_mean_difference": 0.167, "short_labels_changed": 1}
    assert differences(ours, theirs, prefix="short_") == expected


def test_compare_counts(run: Run, exported: Any) -> None:
    # Compared with the opposite of Keras' answers, every label has changed.
    model = keras.models.clone_model(run.model)
    weights = run.model.get_weights()
    model.set_weights([*weights[:3], -weights[3], -weights[4]])
    turned = dataclasses.replace(run, model=model)
    recipe = next(recipe for recipe in RECIPES if (recipe.engine, recipe.name) == ("tflite", "float32"))
    measured = compare(turned, recipe, exported.read("tflite", "float32"), predict_reference(turned, recipe))
    assert measured["labels_changed"] == measured["texts"] == 500
    assert measured["max_difference"] > 0.9
    assert measured["accuracy"] == pytest.approx(1 - measured["keras_accuracy"])
    straight = compare(run, recipe, exported.read("tflite", "float32"), predict_reference(run, recipe))
    assert straight["labels_changed"] == 0
    assert straight["accuracy"] == straight["keras_accuracy"] == measured["accuracy"]


@pytest.mark.parametrize("options", [("tflite",), ("onnx", "--input", "text")], ids=str)
def test_keras_scores_the_held_back_texts_once(
    options: Sequence[str], export: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for all recipes, whole and short; then come the words of the self-test, and its text."""
    sizes = []
    predict = keras.Model.predict

    def count(model: keras.Model, encoded: Any, *args: Any, **options: Any) -> Any:
        sizes.append(len(encoded))
        return predict(model, encoded, *args, **options)

    monkeypatch.setattr(keras.Model, "predict", count)
    assert export(*options, "--recipe", "all", "--out", tmp_path / "bundle") == 0
    assert len(Bundle.open(tmp_path / "bundle").models) > 2
    assert sizes[:2] == [500, 500]
    assert len(sizes) == 4
    assert sizes[3] == 1


@pytest.mark.slow
class TestCommand:
    @pytest.mark.parametrize("engine", ["tflite", "onnx"])
    def test_zero_tolerance(
        self,
        engine: str,
        export: Callable[..., int],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        error_line: Callable[[str], str],
    ) -> None:
        strict = tuple(
            recipe._replace(tolerance=Tolerance(0, 0, 0, 0)) if recipe.name == "float32" else recipe
            for recipe in RECIPES
        )
        monkeypatch.setattr(options, "RECIPES", strict)
        assert export(engine, "--recipe", "all", "--out", tmp_path / "bundle") == 1
        message = error_line(capsys.readouterr().err)
        assert message.startswith("float32: the largest difference of a probability is ")
        assert re.search("e-0[6-9], at most 0 is allowed; float32: the mean difference of the probabil", message)
        assert message.endswith("; nothing was written")
        assert "wi8" not in message
        assert list(tmp_path.iterdir()) == []

    def test_a_bundle_that_is_there_stays(
        self, export: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "bundle"
        assert export("onnx", "--recipe", "float32", "--out", out) == 0
        before = {path.name: path.read_bytes() for path in out.iterdir()}
        monkeypatch.setattr(options, "RECIPES", tuple(r._replace(tolerance=Tolerance(0, 0, 0, 0)) for r in RECIPES))
        for engine in ("onnx", "tflite"):
            assert export(engine, "--recipe", "float32", "--out", out) == 1
            assert {path.name: path.read_bytes() for path in out.iterdir()} == before
        assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def zeroed(weights: list[Any]) -> list[Any]:
    """The table is lost."""
    return [np.zeros_like(weights[0]), *weights[1:]]


def moved(weights: list[Any]) -> list[Any]:
    """Ids are off by one."""
    return [np.roll(weights[0], 1, axis=0), *weights[1:]]


def turned(weights: list[Any]) -> list[Any]:
    """Labels are swapped."""
    return [*weights[:3], -weights[3], -weights[4]]


def halved(weights: list[Any]) -> list[Any]:
    """Half of the last layer is lost."""
    return [*weights[:3], weights[3] * (np.arange(16) < 8)[:, None], weights[4]]


def coarse(weights: list[Any]) -> list[Any]:
    """Half precision instead of single."""
    return [array.astype(np.float16).astype(np.float32) for array in weights]


def broken(weights: list[Any]) -> list[Any]:
    """A weight is not a number."""
    return [*weights[:3], np.full_like(weights[3], np.nan), weights[4]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("defect", "recipe"),
    [
        *(pytest.param(zeroed, recipe, id=f"zeroed-{recipe.file}") for recipe in RECIPES),
        *(
            pytest.param(defect, recipe, id=f"{defect.__name__}-{recipe.file}")
            for defect in (moved, turned, halved)
            for recipe in RECIPES
            if recipe.name.startswith("dynamic")
        ),
        *(
            pytest.param(defect, recipe, id=f"{defect.__name__}-{recipe.file}")
            for defect in (coarse, broken)
            for recipe in RECIPES
            if recipe.name == "float32"
        ),
    ],
)
def test_defective_conversions(
    defect: Callable[[list[Any]], list[Any]],
    recipe: Recipe,
    export: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    converter = load_converter(recipe.engine)
    convert = converter.convert

    def go_wrong(run: Run, recipe: Recipe) -> bytes:
        model = keras.models.clone_model(run.model)
        model.set_weights(defect(run.model.get_weights()))
        content: bytes = convert(dataclasses.replace(run, model=model), recipe)
        return content

    monkeypatch.setattr(converter, "convert", go_wrong)
    out = tmp_path / "bundle"
    more = ["--input", "text"] if recipe.engine == "onnx" and recipe.input == "text" else []
    assert export(recipe.engine, "--recipe", recipe.quantisation, *more, "--out", out) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"error: {recipe.name}: ")
    assert line.endswith("; nothing was written")
    assert list(tmp_path.iterdir()) == []


def test_metadata_that_changes_the_answers(
    export: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    converter = load_converter("onnx")
    add_metadata = converter.add_metadata

    def go_wrong(content: bytes, card: Any) -> bytes:
        model = keras.models.clone_model(card.run.model)
        model.set_weights([weights * 1.001 for weights in card.run.model.get_weights()])
        changed: bytes = add_metadata(converter.convert(dataclasses.replace(card.run, model=model), card.recipe), card)
        return changed

    monkeypatch.setattr(converter, "add_metadata", go_wrong)
    assert export("onnx", "--recipe", "float32", "--out", tmp_path / "bundle") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == "error: float32: with metadata it gives other answers than without; nothing was written"
    assert list(tmp_path.iterdir()) == []
