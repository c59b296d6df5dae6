"""benchmarks/accuracy.py on ten texts and the shipped bundle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics

from benchmarks import accuracy, scoring
from edgetext import Bundle, Classifier, EngineError
from edgetext.testing import FakeEngine
from edgetext.text import tokenize

pytestmark = pytest.mark.usefixtures("default_run")

ErrorLine = Callable[[str], str]
# The recipes of TensorFlow Lite and of ONNX.
TWO = ("--recipe", "dynamic_wi8_afp32", "--recipe", "dynamic_wi8")


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def results(labelled: Path, default_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("accuracy") / "accuracy.json"
    assert accuracy.main(["--data", str(labelled), "--json", str(file)]) == 0
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


def test_one_row_for_each_model_file(results: dict[str, Any], default_bundle: Path) -> None:
    assert results["kind"] == "accuracy"
    assert results["command"].startswith("python benchmarks/accuracy.py --data ")
    assert results["environment"]["emulated"] is False
    assert results["texts"]["reviews"] == results["texts"]["available"] == 10
    for row, model in zip(results["rows"], Bundle.open(default_bundle).models, strict=True):
        assert (row["engine"], row["recipe"], row["file"]) == (model.engine, model.recipe, model.file)
        assert row["size"] == (default_bundle / model.file).stat().st_size
        assert row["runtime"].split()[0] in (
            "edgetext",
            "ai-edge-litert",
            "tflite-runtime",
            "tensorflow",
            "onnxruntime",
        )


def test_numbers_are_those_of_single_classifications(results: dict[str, Any], labelled: Path) -> None:
    reviews = read(labelled)
    for row in results["rows"]:
        classifier = Classifier.load(engine=row["engine"], recipe=row["recipe"])
        labels = [classifier.classify(review["text"]).label for review in reviews]
        right = sum(label == review["label"] for label, review in zip(labels, reviews, strict=True))
        assert row["accuracy"] == right / 10
        short = [classifier.classify(" ".join(tokenize(review["text"])[:10])).label for review in reviews]
        assert row["short_accuracy"] == sum(a == b["label"] for a, b in zip(short, reviews, strict=True)) / 10
        expected = 100 * (results["keras"]["accuracy"] - right / 10)
        assert row["drop_points"] == pytest.approx(expected)
        truth = [review["label"] for review in reviews]
        assert row["macro_f1"] == pytest.approx(sklearn.metrics.f1_score(truth, labels, average="macro"), abs=1e-6)
        expected = 100 * (results["keras"]["macro_f1"] - row["macro_f1"])
        assert row["macro_drop_points"] == pytest.approx(expected)
    assert results["labels"] == list(results["keras"]["classes"]) == ["negative", "positive"]


def test_files_agree_with_keras(results: dict[str, Any]) -> None:
    assert {row["engine"] for row in results["rows"]} == {"builtin", "tflite", "onnx"}
    for row in results["rows"]:
        assert 0 < row["mean_difference"] <= row["max_difference"] < 0.1
        assert row["labels_changed"] <= 1
        assert row["labels_as_first"] >= 0.9
    assert results["rows"][0]["labels_as_first"] == 1


def test_labels_are_compared_with_those_of_the_first_file(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"missing": None, "one": ["a", "b", "a", "b"], "two": ["a", "b", "b", "b"]}

    def score(bundle: Any, model: Any, task: Any, reference: Any) -> Any:
        labels = answers[model]
        return {"file": model}, None if labels is None else scoring.Outputs(np.zeros((4, 2)), labels)

    monkeypatch.setattr(scoring, "score_file", score)
    rows = scoring.score_files(None, list(answers), None, None)  # type: ignore[arg-type]  # all go to the stand-in
    assert [row.get("labels_as_first") for row in rows] == [None, 1.0, 0.75]


def test_calibration_error() -> None:
    """Two bins: 0.8 sure and right in three of four; 0.6 sure and right in one of two."""
    second = np.array([0.8, 0.8, 0.2, 0.8, 0.6, 0.4])
    labels = ["b" if value > 0.5 else "a" for value in second]
    outputs = scoring.Outputs(np.stack([1 - second, second], axis=1), labels)
    wanted = (4 * 0.05 + 2 * 0.1) / 6
    assert scoring.calibration_error(outputs, ["b", "b", "a", "a", "b", "b"]) == pytest.approx(wanted, abs=1e-4)


def use_engine(monkeypatch: pytest.MonkeyPatch, engine: Callable[[], FakeEngine]) -> None:
    """Let every model file be run by an engine of the test's."""

    def load(path: str, name: str, *, recipe: str) -> Classifier:
        loaded = real(path, name, recipe=recipe)
        return Classifier(loaded.labels, loaded.encoder, engine(), loaded.model)

    real = Classifier.load
    monkeypatch.setattr(scoring.Classifier, "load", load)


def test_max_drop(
    monkeypatch: pytest.MonkeyPatch, labelled: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A model that calls everything negative is right for half of the texts."""
    use_engine(monkeypatch, lambda: FakeEngine(lambda row: [0.1]))
    file = tmp_path / "a.json"
    command = ["--data", str(labelled), *TWO, "--json", str(file)]
    assert accuracy.main([*command, "--max-drop", "60"]) == 0
    rows = json.loads(file.read_text())["rows"]
    assert [row["accuracy"] for row in rows] == [0.5, 0.5]
    # F1 of negative is 2/3, that of positive 0.
    assert [row["macro_f1"] for row in rows] == pytest.approx([1 / 3, 1 / 3], abs=1e-6)
    assert all(row["macro_drop_points"] > 20 for row in rows)
    assert rows[0]["confusion"] == {"negative": {"negative": 5}, "positive": {"negative": 5}}
    assert all(row["drop_points"] > 10 for row in rows)
    capfd.readouterr()
    assert accuracy.main([*command, "--max-drop", "0.5"]) == 1
    assert "model.dynamic_wi8.onnx drops" in capfd.readouterr().err


def test_max_drop_must_be_a_number(capfd: pytest.CaptureFixture[str]) -> None:
    for wrong in ("nan", "-1", "much"):
        with pytest.raises(SystemExit, match="2"):
            accuracy.main(["--max-drop", wrong])


def test_a_missing_engine_is_a_row_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, labelled: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def load(path: str, name: str, *, recipe: str) -> Classifier:
        if name == "onnx":
            raise EngineError("engine onnx: it is not installed; to install it: do this")
        return real(path, name, recipe=recipe)

    real = Classifier.load
    monkeypatch.setattr(scoring.Classifier, "load", load)
    file = tmp_path / "a.json"
    assert accuracy.main(["--data", str(labelled), *TWO, "--json", str(file)]) == 2
    captured = capfd.readouterr()
    assert "missing" in captured.out
    assert "to install it: do this" in captured.err
    tflite, onnx = json.loads(file.read_text())["rows"]
    assert "accuracy" in tflite
    assert "accuracy" not in onnx
    assert onnx["error"].startswith("engine onnx")


def test_classes_and_their_picture(labelled: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of two classes only when they are asked for."""
    command = ["--data", str(labelled), "--recipe", "wi8_afp64"]
    assert accuracy.main(command) == 0
    assert "confusion" not in capfd.readouterr().out
    assert accuracy.main([*command, "--classes", "--plot", str(tmp_path / "c.png")]) == 0
    shown = capfd.readouterr().out
    assert "classes: Keras and then wi8_afp64 (builtin)" in shown
    assert "confusion, wi8_afp64 (builtin)" in shown
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_limit_is_said(labelled: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert accuracy.main(["--data", str(labelled), "--limit", "4", *TWO, "--json", "-"]) == 0
    captured = capfd.readouterr()
    assert json.loads(captured.out)["texts"]["reviews"] == 4
    assert "4 of 10 texts of labelled.jsonl" in captured.err


def test_another_run(
    labelled: Path, default_run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    (tmp_path / "model.keras").write_bytes((default_run / "model.keras").read_bytes() + b"x")
    assert accuracy.main(["--data", str(labelled), "--run", str(tmp_path)]) == 2
    assert "exported from another run" in error_line(capfd.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere.jsonl"], "nowhere.jsonl: No such file or directory"),
        (["--data", "nowhere"], "no reviews at"),
        (["--model", "nowhere"], "no bundle at nowhere"),
        (["--run", "nowhere"], "no run at nowhere"),
        (["--recipe", "int3"], "no recipe int3; it has wi8_afp64, dynamic_wi8_afp32"),
    ],
)
def test_mistakes(arguments: list[str], message: str, capfd: pytest.CaptureFixture[str], error_line: ErrorLine) -> None:
    assert accuracy.main(arguments) == 2
    assert message in error_line(capfd.readouterr().err)


def test_labels_must_be_the_bundles(tmp_path: Path, capfd: pytest.CaptureFixture[str], error_line: ErrorLine) -> None:
    file = tmp_path / "t.jsonl"
    for line, message in (
        ('{"text": "x", "label": "neutral"}', "text 1: its label is 'neutral', and the bundle has negative, positive"),
        ('{"text": "x", "id": "r7"}', "r7: its label is None"),
    ):
        file.write_text(line + "\n")
        assert accuracy.main(["--data", str(file)]) == 2
        assert message in error_line(capfd.readouterr().err)
