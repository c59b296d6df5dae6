"""Recording the test accuracy of a bundle's model files in its manifest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from edgetext import Bundle, BundleError, Classifier
from edgetext.bundle.manifest import describe_file, write_manifest
from export.bundles import record_tests
from export.record_accuracy import main
from export.scoring import LabelledTexts, make_record
from tests.runtime.helpers import as_version_2
from train.reviews.dataset import load_split
from train.run import Run

KEYS = ["accuracy", "texts", "description", "drop_points", "macro_f1", "macro_drop_points"]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the shipped bundle."""
    return Path(shutil.copytree(Bundle.open().folder, tmp_path / "bundle"))


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch, tiny_env: dict[str, str]) -> Callable[..., int]:
    """Run the command with the tiny reviews."""
    for name, value in tiny_env.items():
        monkeypatch.setenv(name, value)
    return lambda *options: main([str(option) for option in options])


def test_drops_are_points_below_keras() -> None:
    test = LabelledTexts("test rows", ["great", "dull"], [1, 0])
    found = make_record({"accuracy": 0.9, "macro_f1": 0.88}, {"accuracy": 0.91, "macro_f1": 0.9}, test)
    assert (found["drop_points"], found["macro_drop_points"], found["texts"]) == (1.0, 2.0, 2)


def read_manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def test_figures(record: Callable[..., int], bundle: Path, edge_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_manifest(bundle)
    assert record("--out", bundle) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("imdb-edge, compared with Keras on 40 test reviews\n")
    assert all(f"\n{entry['recipe']} " in printed for entry in before["models"])
    reviews = load_split("test")
    labels = [review.label for review in reviews]

    def measure(answers: list[str]) -> tuple[float, float]:
        return accuracy_score(labels, answers), f1_score(labels, answers, average="macro")

    encode = Bundle.open(bundle).encoder().encode
    scores = edge_run.model.predict(np.array([encode(review.text) for review in reviews]), verbose=0)[:, 0]
    keras = measure(["positive" if score > 0.5 else "negative" for score in scores])
    after = read_manifest(bundle)
    for entry in after["models"]:
        classifier = Classifier.load(bundle, entry["engine"], recipe=entry["recipe"])
        found = measure([classifier.classify(review.text).label for review in reviews])
        test = entry["test"]
        assert list(test) == KEYS
        assert (test["texts"], test["description"]) == (40, "test reviews")
        assert (test["accuracy"], test["macro_f1"]) == pytest.approx(found, abs=1e-6)
        drops = [100 * (theirs - ours) for theirs, ours in zip(keras, found)]
        assert [test["drop_points"], test["macro_drop_points"]] == pytest.approx(drops, abs=1e-3)
    # Nothing else has changed.
    for content in (before, after):
        for name in ("crc32", "sha256"):
            del content[name]
        for entry in content["models"]:
            del entry["test"]
    assert after == before
    Bundle.open(bundle).verify()


def test_info_shows_it(record: Callable[..., int], bundle: Path, run_python: Callable[..., Any]) -> None:
    as_version_2(bundle)
    assert record("--out", bundle) == 0
    assert read_manifest(bundle)["format_version"] == 3
    assert "40 test reviews" in run_python("runtime/classify.py", "--model", bundle, "--info").stdout


def test_another_run(
    record: Callable[..., int],
    bundle: Path,
    tutorial_run: Path,
    capsys: pytest.CaptureFixture[str],
    error_line: Callable[[str], str],
) -> None:
    before = (bundle / "manifest.json").read_bytes()
    assert record("--out", bundle, "--run", tutorial_run) == 2
    assert "was exported from another run" in error_line(capsys.readouterr().err)
    assert (bundle / "manifest.json").read_bytes() == before


def test_a_damaged_file(
    record: Callable[..., int], bundle: Path, capsys: pytest.CaptureFixture[str], error_line: Callable[[str], str]
) -> None:
    file = bundle / "model.wi8_afp64.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert record("--out", bundle) == 2
    assert str(file) in error_line(capsys.readouterr().err)


def test_the_sha256_is_checked(
    record: Callable[..., int], bundle: Path, capsys: pytest.CaptureFixture[str], error_line: Callable[[str], str]
) -> None:
    """The CRC-32, which is checked whenever a file is read, would not detect this."""
    content = read_manifest(bundle)
    content["models"][0]["sha256"] = "0" * 64
    (bundle / "manifest.json").write_bytes(write_manifest(content))
    assert record("--out", bundle) == 2
    assert content["models"][0]["file"] in error_line(capsys.readouterr().err)


def test_a_bundle_that_changes_while_it_is_measured(bundle: Path, edge_run: Run) -> None:
    """A model that is added is kept; nothing is recorded of a model that is replaced."""
    measured = Bundle.open(bundle)
    tests = {model.file: {"accuracy": 0.5, "texts": 2, "description": "texts"} for model in measured.models}
    content = read_manifest(bundle)
    first = content["models"][0]
    added = {**first, "file": "model.added.safetensors", "recipe": "added"}
    shutil.copyfile(bundle / first["file"], bundle / added["file"])
    (bundle / "manifest.json").write_bytes(write_manifest({**content, "models": [*content["models"], added]}))
    record_tests(measured, edge_run, tests)
    found = {entry["file"]: entry["test"] for entry in read_manifest(bundle)["models"]}
    assert found == {**tests, added["file"]: added["test"]}

    replaced = (bundle / first["file"]).read_bytes() + b"!"
    (bundle / first["file"]).write_bytes(replaced)
    models = [{**first, **describe_file(first["file"], replaced)}, *content["models"][1:]]
    (bundle / "manifest.json").write_bytes(write_manifest({**content, "models": models}))
    before = (bundle / "manifest.json").read_bytes()
    with pytest.raises(BundleError, match=f"{first['file']} was replaced while it was measured"):
        record_tests(measured, edge_run, tests)
    assert (bundle / "manifest.json").read_bytes() == before


@pytest.mark.data
@pytest.mark.slow
def test_the_shipped_figures(bundle: Path, real_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in real_env.items():
        monkeypatch.setenv(name, value)
    content = read_manifest(bundle)
    for entry in content["models"]:
        entry["test"] = {"accuracy": 0, "texts": 0, "description": "", "drop_points": 0}
    (bundle / "manifest.json").write_bytes(write_manifest(content))
    assert main(["--out", str(bundle)]) == 0
    assert (bundle / "manifest.json").read_bytes() == (Path(Bundle.open().folder) / "manifest.json").read_bytes()
