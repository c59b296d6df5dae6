"""``validation.json`` of bundles: what it counts, and that it stays with its bundle."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetext import Bundle, Classifier
from edgetext.validation import BINS, THRESHOLDS, read_validation
from export.bundles import ExportedModel, record_tests, write_bundle
from export.compare import measure_shift, predict_reference
from export.recipes import RECIPES
from train.fitting.validation import Validation
from train.metrics import wilson_interval
from train.run import Run
from train.run_folder import RunError

BY_FILE = {recipe.file: recipe for recipe in RECIPES}
ONE, OTHER = "model.float32.tflite", "model.wi8_afp64.safetensors"


def make(file: str, **shift: Any) -> ExportedModel:
    """Make a converted model of any content."""
    recipe = BY_FILE[file]
    agreement = {"accuracy": 0.5, "keras_accuracy": 0.5, "texts": 2}
    about = {"engine": recipe.engine, "recipe": recipe.name, "input": recipe.input, "agreement": agreement}
    return ExportedModel(recipe, file.encode(), about, shift)


def validated(run: Run, texts: int = 400) -> Run:
    """Return a run with random predictions of validation texts."""
    generator = np.random.default_rng(1)
    positive = generator.random(texts).astype(np.float32)
    probabilities = np.stack([1 - positive, positive], axis=1)
    targets = (generator.random(texts) < positive).astype(np.int32)
    known = generator.uniform(0.4, 1, texts).astype(np.float32)
    return dataclasses.replace(run, validation=Validation(np.arange(texts), targets, probabilities, known))


def test_counts(run: Run, tmp_path: Path) -> None:
    """Text by text, against what the file says."""
    run = validated(run)
    assert run.validation is not None
    write_bundle(tmp_path / "bundle", run, [make(ONE)])
    found = read_validation(Bundle.open(tmp_path / "bundle"))
    _, targets, probabilities, known = run.validation
    answers = [(int(row.argmax()), float(row.max()), int(target)) for row, target in zip(probabilities, targets)]
    for place, threshold in enumerate(THRESHOLDS):
        for label in (0, 1):
            given = [target for best, score, target in answers if best == label and score >= threshold]
            assert (found.answered[label][place], found.right[label][place]) == (len(given), given.count(label))
    assert (found.texts, found.least_known) == (400, known.min())
    assert found.scores == np.histogram(probabilities.max(axis=1), BINS, (0, 1))[0].tolist()
    assert found.known == np.histogram(known, BINS, (0, 1))[0].tolist()
    curve = json.loads((tmp_path / "bundle" / "validation.json").read_bytes())["curve"]
    assert [point["threshold"] for point in curve] == list(THRESHOLDS)
    point = curve[THRESHOLDS.index(0.8)]
    given = [best == target for best, score, target in answers if score >= 0.8]
    accuracy = sum(given) / len(given)
    assert point["answered"] == len(given) / 400
    assert point["accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert point["interval"] == pytest.approx(wilson_interval(accuracy, len(given)), abs=1e-6)


def test_a_run_without(run: Run, tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", dataclasses.replace(run, validation=None), [make(ONE)])
    assert not (tmp_path / "bundle" / "validation.json").exists()


def test_the_manifest_hardly_grows(run: Run, tmp_path: Path) -> None:
    """A device reads it at every start."""
    sizes = []
    for name, given in (("without", dataclasses.replace(run, validation=None)), ("with", validated(run))):
        write_bundle(tmp_path / name, given, [make(ONE)])
        sizes.append((tmp_path / name / "manifest.json").stat().st_size)
    assert sizes[1] - sizes[0] < 60


def test_the_shift_of_each_file_stays(run: Run, tmp_path: Path) -> None:
    out, run = tmp_path / "bundle", validated(run)
    write_bundle(out, run, [make(ONE, answered_differently=0.1)])
    write_bundle(out, run, [make(OTHER, answered_differently=0.2)])
    expected = {ONE: {"answered_differently": 0.1}, OTHER: {"answered_differently": 0.2}}
    assert read_validation(Bundle.open(out)).files == expected
    write_bundle(out, run, [make(ONE, answered_differently=0.3)])
    expected[ONE] = {"answered_differently": 0.3}
    assert read_validation(Bundle.open(out)).files == expected
    bundle = Bundle.open(out)
    record_tests(
        bundle,
        run,
        {ONE: {"accuracy": 0.5, "drop_points": 0, "texts": 2, "description": "test texts", "macro_f1": 0.5}},
    )
    assert read_validation(Bundle.open(out)).files == expected


def test_another_run(run: Run, tmp_path: Path) -> None:
    """Nothing of the bundle that is replaced is left."""
    out, run = tmp_path / "bundle", validated(run)
    write_bundle(out, run, [make(ONE)])
    other = dataclasses.replace(run, model_sha256="0" * 64, validation=None)
    with pytest.raises(RunError, match="was exported from"):
        write_bundle(out, other, [make(OTHER)])
    write_bundle(out, other, [make(OTHER)], "keep")
    assert not (out / "validation.json").exists()
    assert (tmp_path / "bundle.previous" / "validation.json").exists()


def test_damage_is_mended_by_exporting_again(run: Run, tmp_path: Path) -> None:
    out, run = tmp_path / "bundle", validated(run)
    write_bundle(out, run, [make(ONE, answered_differently=0.1)])
    whole = (out / "validation.json").read_bytes()
    (out / "validation.json").write_bytes(b"{}")
    write_bundle(out, run, [make(ONE, answered_differently=0.1)])
    assert (out / "validation.json").read_bytes() == whole


def test_measured_shift(run: Run, exported: Any) -> None:
    """Nothing changes in float32; int8 changes some answers near a threshold."""
    shifts = []
    for name in ("float32", "static_wi8_ai8"):
        recipe = BY_FILE[f"model.{name}.tflite"]
        found = measure_shift(run, recipe, exported.read("tflite", name), predict_reference(run, recipe))
        assert found["texts"] == len(run.heldout)
        shifts.append(found["answered_differently"])
    assert shifts[0] <= 0.004 < shifts[1] < 0.5


@pytest.mark.slow
def test_from_the_run_to_a_label(default_run: Path, tmp_path: Path, export: Callable[..., int]) -> None:
    assert export("builtin", "--run", default_run, "--out", tmp_path / "bundle") == 0
    classifier = Classifier.load(tmp_path / "bundle", min_accuracy=0.95)
    assert [classifier.classify(text).label for text in ("excellent", "What do we have for breakfast today?")] == [
        "positive",
        "uncertain",
    ]
    [shift] = read_validation(Bundle.open(tmp_path / "bundle")).files.values()
    assert shift == {"texts": 500, "answered_differently": pytest.approx(0, abs=0.02)}
