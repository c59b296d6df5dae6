"""benchmarks/accuracy.py on ten texts and the shipped bundle."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics

from benchmarks import accuracy
from benchmarks.measuring import layout, scoring
from benchmarks.measuring.texts import Text
from edgetext import Bundle, Classifier, EngineError
from edgetext.keras_imdb import KERAS_IMDB
from tests.runtime.helpers import FakeEngine
from train.run import load_run
from train.tables.dataset import read_table
from train.tables.options import TableOptions

ErrorLine = Callable[[str], str]
Measured = Callable[..., dict[str, Any]]
# The recipes of TensorFlow Lite and of ONNX.
TWO = ("--recipe", "dynamic_wi8_afp32", "--recipe", "dynamic_wi8")


@pytest.fixture(scope="module")
def results(labelled: Path, measured: Measured) -> dict[str, Any]:
    return measured(accuracy.main, "--data", labelled)


def test_one_row_for_each_model_file(results: dict[str, Any], default_bundle: Path) -> None:
    assert results["kind"] == "accuracy"
    assert results["command"].startswith("python benchmarks/accuracy.py --data ")
    assert results["environment"]["emulated"] is False
    assert results["texts"]["count"] == results["texts"]["available"] == 10
    for row, model in zip(results["rows"], Bundle.open(default_bundle).models, strict=True):
        assert (row["engine"], row["recipe"], row["file"]) == (model.engine, model.recipe, model.file)
        assert row["size"] == (default_bundle / model.file).stat().st_size
        # The vocabulary is in every other file.
        expected = (default_bundle / "vocab.txt").stat().st_size if model.engine == "builtin" else None
        assert row.get("vocabulary_size") == expected


def test_numbers_are_those_of_single_classifications(results: dict[str, Any], labelled: Path) -> None:
    reviews = [json.loads(line) for line in labelled.read_text("utf-8").splitlines()]
    truth = [review["label"] for review in reviews]
    for row in results["rows"]:
        classifier = Classifier.load(engine=row["engine"], recipe=row["recipe"])
        labels = [classifier.classify(review["text"]).label for review in reviews]
        right = sklearn.metrics.accuracy_score(truth, labels)
        assert row["accuracy"] == right
        short = [classifier.classify(" ".join(KERAS_IMDB.tokenize(review["text"])[:10])).label for review in reviews]
        assert row["short_accuracy"] == sklearn.metrics.accuracy_score(truth, short)
        assert row["drop_points"] == pytest.approx(100 * (results["keras"]["accuracy"] - right))
        assert row["macro_f1"] == pytest.approx(sklearn.metrics.f1_score(truth, labels, average="macro"), abs=1e-6)


def test_files_agree_with_keras(results: dict[str, Any]) -> None:
    assert {row["engine"] for row in results["rows"]} == {"builtin", "tflite", "onnx"}
    for row in results["rows"]:
        assert 0 < row["mean_difference"] <= row["max_difference"] < 0.1
        assert row["labels_changed"] <= 1
        assert row["labels_as_first"] >= 0.9
    assert results["rows"][0]["labels_as_first"] == 1


def use_engine(monkeypatch: pytest.MonkeyPatch, engine: Callable[[Any], Any]) -> None:
    """Let every model file be run by an engine of the test's, or raise its error."""

    def load(path: str, name: str, *, recipe: str) -> Classifier:
        loaded = real(path, name, recipe=recipe)
        return Classifier(loaded.labels, loaded.encoder, engine(loaded.model), loaded.model)

    real = Classifier.load
    monkeypatch.setattr(Classifier, "load", load)


def test_max_drop(
    monkeypatch: pytest.MonkeyPatch, labelled: Path, measured: Measured, capfd: pytest.CaptureFixture[str]
) -> None:
    """A model that calls everything negative is right for half of the texts."""
    use_engine(monkeypatch, lambda model: FakeEngine(lambda row: [0.1]))
    options = ["--data", labelled, *TWO]
    rows = measured(accuracy.main, *options, "--max-drop", "60")["rows"]
    assert [row["accuracy"] for row in rows] == [0.5, 0.5]
    # F1 of negative is 2/3, that of positive 0.
    assert [row["macro_f1"] for row in rows] == pytest.approx([1 / 3, 1 / 3], abs=1e-6)
    assert rows[0]["confusion"] == {"negative": {"negative": 5}, "positive": {"negative": 5}}
    assert all(row["drop_points"] > 10 for row in rows)
    capfd.readouterr()
    measured(accuracy.main, *options, "--max-drop", "0.5", code=1)
    assert "model.dynamic_wi8.onnx drops" in capfd.readouterr().err


def test_max_drop_must_be_a_number() -> None:
    for wrong in ("nan", "-1", "much"):
        with pytest.raises(SystemExit, match="2"):
            accuracy.main(["--max-drop", wrong])


def test_a_missing_engine_is_a_row_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, labelled: Path, measured: Measured, capfd: pytest.CaptureFixture[str]
) -> None:
    def engine(model: Any) -> FakeEngine:
        if model.engine == "onnx":
            raise EngineError("engine onnx: it is not installed; to install it: do this")
        return FakeEngine(lambda row: [0.1])

    use_engine(monkeypatch, engine)
    tflite, onnx = measured(accuracy.main, "--data", labelled, *TWO, code=2)["rows"]
    assert "to install it: do this" in capfd.readouterr().err
    assert "accuracy" in tflite
    assert "accuracy" not in onnx
    assert onnx["error"].startswith("engine onnx")


def test_classes(labelled: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Two classes are shown only on request."""
    command = ["--data", str(labelled), "--recipe", "wi8_afp64"]
    assert accuracy.main(command) == 0
    assert "recall" not in capfd.readouterr().out
    assert accuracy.main([*command, "--classes"]) == 0
    assert "recall" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--run", "nowhere"], "no run at nowhere"),
        (["--model", "nowhere"], "no bundle at nowhere"),
        (["--data", "nowhere.jsonl"], "nowhere.jsonl: No such file"),
        (["--recipe", "int3"], "no recipe int3"),
    ],
)
def test_mistakes(options: list[str], message: str, capfd: pytest.CaptureFixture[str], error_line: ErrorLine) -> None:
    assert accuracy.main(options) == 2
    assert message in error_line(capfd.readouterr().err)


def test_labels_that_the_bundle_does_not_have() -> None:
    labels = [f"queue {number}" for number in range(99)]
    with pytest.raises(scoring.BenchmarkError, match=r"t1: its label is 'x'.*queue 11, .*\.\.\. \(99 labels\)"):
        scoring.find_targets([Text("a", "t1", "x")], labels)


@pytest.mark.parametrize(("many", "count"), [(2, 9), (7, 400), (60, 900)])
def test_metrics_of_classes(many: int, count: int) -> None:
    """As scikit-learn defines them; the last label occurs nowhere."""
    generator = random.Random(many)
    labels = [f"label {place}" for place in range(many + 1)]
    targets = np.array(generator.choices(range(many), weights=range(1, many + 1), k=count))
    found = np.array([target if generator.random() < 0.6 else generator.randrange(many) for target in targets])
    described = scoring.describe(np.eye(many + 1)[found], targets, labels)
    macro = sklearn.metrics.f1_score(targets, found, average="macro", zero_division=0)
    assert described["macro_f1"] == pytest.approx(macro, abs=1e-6)
    assert described["accuracy"] == pytest.approx((targets == found).mean(), abs=1e-6)
    assert sum(sum(row.values()) for row in described["confusion"].values()) == count
    results = {"labels": labels, "keras": described, "rows": [{"error": "missing"}]}
    shown = layout.render(accuracy.class_tables(results))
    classes = {label: scores for label, scores in described["classes"].items() if scores["texts"]}
    worst = min(classes, key=lambda label: classes[label]["f1"])
    assert worst in shown
    assert labels[-1] not in described["classes"]


def test_of_a_table_only_what_was_not_fitted(default_run: Path, labelled: Path, tmp_path: Path) -> None:
    run = load_run(default_run)
    assert len(scoring.find_labelled(str(labelled), run, 4).texts) == 4
    table = tmp_path / "t.csv"
    table.write_text("text;label\ngreat, great;positive\n", encoding="utf-16")
    assert [(text.text, text.label) for text in scoring.find_labelled(str(table), run, None).texts] == [
        ("great, great", "positive")
    ]
    run.config["data"] = {"files": {"train": {"name": "tickets.csv"}}}
    with pytest.raises(Exception, match=r"was trained on tickets\.csv, not on the reviews: name it with --data"):
        scoring.find_labelled(None, run, None)


def test_json_lines_are_read_as_the_run_was(default_run: Path, tmp_path: Path) -> None:
    """By its columns if the file has them; the trained file is known by its checksum, whatever its name."""
    rows = [{"title": f"T {n}", "msg": f"great {n}", "label": ["negative", "positive"][n % 2]} for n in range(40)]
    trained, copy, newer = tmp_path / "t.jsonl", tmp_path / "copy.jsonl", tmp_path / "newer.jsonl"
    for path in (trained, copy):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    newer.write_text(json.dumps({"title": "T", "msg": "new", "label": "positive"}))
    dataset = read_table(TableOptions(trained, ("msg",), "label"))
    found = load_run(default_run)
    config = {**found.config, "labels": list(dataset.labels), "data": dataset.describe()}
    (tmp_path / "config.json").write_text(json.dumps(config))
    run = dataclasses.replace(found, folder=tmp_path, config=config)
    assert [text.text for text in scoring.find_labelled(str(newer), run, None).texts] == ["new"]
    held_out = [text.text for text in dataset.texts("test")]
    assert [text.text for text in scoring.find_labelled(str(copy), run, None).texts] == held_out
    other = tmp_path / "written.jsonl"
    other.write_text('{"id": "t.jsonl:1", "label": "positive", "text": "of train.texts"}')
    assert [text.text for text in scoring.find_labelled(str(other), run, None).texts] == ["of train.texts"]
