"""The shipped bundle: exported from the committed run, complete, and small."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from edgetext import Bundle, Classifier, engines
from edgetext.validation import read_validation
from export.recipes import RECIPES, Recipe
from export.validation import make_validation
from train.run import Run

DEFAULT = [recipe for recipe in RECIPES if recipe.default and recipe.input == "ids"]


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return Bundle.open()


def test_comes_from_the_committed_run(shipped: Bundle, default_run: Path, edge_run: Run, root: Path) -> None:
    assert Path(shipped.folder) == root / "runtime" / "edgetext" / "default"
    origin = shipped.manifest["run"]
    assert origin["model_sha256"] == hashlib.sha256((default_run / "model.keras").read_bytes()).hexdigest()
    metrics = {
        name: {key: item for key, item in value.items() if key != "classes"} if isinstance(value, dict) else value
        for name, value in edge_run.metrics.items()
    }
    assert origin["metrics"] == metrics
    config = json.loads((default_run / "config.json").read_text("utf-8"))
    assert origin["preset"] == config["preset"]
    for name in ("name", "labels", "preprocessing"):
        assert shipped.manifest[name] == config[name]
    assert (Path(shipped.folder) / "vocab.txt").read_bytes() == (default_run / "vocab.txt").read_bytes()


def test_holds_the_default_recipes(shipped: Bundle) -> None:
    assert [(model.engine, model.recipe) for model in shipped.models] == [(r.engine, r.name) for r in DEFAULT]
    assert {path.name for path in Path(shipped.folder).iterdir()} == {
        "manifest.json",
        "vocab.txt",
        "README.md",
        "ngrams.txt",
        "validation.json",
        *(recipe.file for recipe in DEFAULT),
    }


def test_what_was_measured_is_that_of_the_run(shipped: Bundle, edge_run: Run) -> None:
    found = read_validation(shipped)
    assert edge_run.validation is not None
    expected = json.loads(make_validation(edge_run, found.files) or b"")
    assert json.loads((Path(shipped.folder) / "validation.json").read_bytes()) == expected
    assert found.files.keys() == {recipe.file for recipe in DEFAULT}
    assert shipped.read_ngrams() == (edge_run.folder / "ngrams.txt").read_text("utf-8").splitlines()
    metrics = edge_run.metrics["validation"]
    assert sum(row[0] for row in found.right) == round(metrics["accuracy"] * metrics["texts"])


def test_is_whole(shipped: Bundle) -> None:
    for record in (shipped.manifest["vocabulary"], *shipped.manifest["models"]):
        content = (Path(shipped.folder) / record["file"]).read_bytes()
        assert (record["size"], record["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_knows_an_answer(shipped: Bundle, edge_run: Run) -> None:
    test = shipped.manifest["self_test"]
    assert test["score"] > 0.9
    for engine in [model.engine for model in shipped.models]:
        classifier = Classifier.load(engine=engine)
        prediction = classifier.classify(test["text"])
        assert prediction.label == test["label"]
        assert prediction.score == pytest.approx(test["score"], abs=0.05)
    row = np.array([Classifier.load().encoder.encode(test["text"])])
    assert float(edge_run.model.predict(row, verbose=0)[0, 0]) == pytest.approx(
        test["score"] if test["label"] == "positive" else 1 - test["score"], abs=1e-4
    )


def test_is_small(shipped: Bundle, default_run: Path) -> None:
    sizes = [path.stat().st_size for folder in (Path(shipped.folder), default_run) for path in folder.iterdir()]
    # Of these, 0.55 MB are vocabulary and labels in the TFLite and the ONNX file; see test_edge_export.py.
    assert sum(sizes) < 3_000_000 + 560_000


@pytest.mark.parametrize("recipe", [pytest.param(recipe, id=recipe.file) for recipe in DEFAULT])
def test_answers_as_the_run_does(recipe: Recipe, shipped: Bundle, edge_run: Run) -> None:
    (model,) = (m for m in shipped.models if (m.engine, m.recipe) == (recipe.engine, recipe.name))
    engine = engines.create(recipe.engine, shipped.read(model), max_length=512)
    ours = np.concatenate(
        [engine.predict(edge_run.heldout[start : start + 50].tolist()) for start in range(0, 500, 50)]
    )
    ours, theirs = ours[:, -1], edge_run.model.predict(edge_run.heldout, verbose=0)[:, 0]
    assert np.abs(ours - theirs).max() <= recipe.tolerance.max_difference
    assert np.abs(ours - theirs).mean() <= recipe.tolerance.mean_difference
    assert ((ours > 0.5) != (theirs > 0.5)).mean() <= recipe.tolerance.labels_changed
