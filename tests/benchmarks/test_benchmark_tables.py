"""benchmarks/tables.py once for real on a small table, with accuracy.py after it; and the linear models."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import accuracy_score

from benchmarks import accuracy, sweep, tables
from benchmarks.measuring import layout, linear_models, runtimes
from benchmarks.measuring.results import BenchmarkError

Measured = Callable[..., dict[str, Any]]
TOPICS = {
    "garden": ("spade", "seed", "hedge", "lawn", "tulip"),
    "kitchen": ("oven", "spoon", "dough", "kettle", "plate"),
    "workshop": ("chisel", "vice", "solder", "lathe", "rivet"),
}
SMALL: dict[str, list[Any]] = {"token_pattern": [r"\w+"], "ngram_range": [[1, 1], [1, 2]], "sublinear_tf": [True]}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, measured: Measured) -> Path:
    """A folder with a table of three classes, ``things.csv``, and what the benchmark kept of it."""
    folder = tmp_path_factory.mktemp("things")
    lines = ["note,place"]
    for number in range(180):
        place, words = list(TOPICS.items())[number % 3]
        first, second = words[number % 5], words[number // 3 % 5]
        lines.append(f"take the {first} and the {second} to number {number},{place}")
    (folder / "things.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = ["--task", f"things={folder / 'things.csv'}", "--family", "words", "--keep", folder / "kept"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear_models, "FAMILIES", {"words": SMALL})
        patch.setattr(linear_models.os, "cpu_count", lambda: 1)
        columns = ["--", "--text-column", "note", "--label-column", "place"]
        found = measured(tables.main, *options, *columns)
    (folder / "results.json").write_text(json.dumps(found), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_for_real(kept: Path) -> None:
    results = json.loads((kept / "results.json").read_text("utf-8"))
    (row,) = results["rows"]
    assert row["texts"]["test"] == 36
    assert sum(row["texts"].values()) == 180
    assert (row["labels"], row["minority"]) == (list(TOPICS), None)
    assert [file["engine"] for file in row["files"]] == ["builtin", "tflite", "onnx"]
    assert row["keras"]["accuracy"] > 0.9
    assert all(abs(file["drop_points"]) < 5 for file in row["files"])
    (peer,) = row["peers"]
    assert peer["accuracy"] > 0.9
    shown = layout.render(tables.tables(results))
    assert "things" in shown
    assert "garden" not in shown


@pytest.mark.slow
def test_accuracy_finds_the_rows_that_were_not_fitted(kept: Path, measured: Measured) -> None:
    folder = kept / "kept" / "things"
    options = ["--model", folder / "bundle", "--run", folder / "run", "--recipe", "wi8_afp64"]
    found = measured(accuracy.main, *options, "--data", kept / "things.csv")
    assert (found["texts"]["source"], found["texts"]["count"]) == ("test rows of things.csv", 36)
    (before,) = json.loads((kept / "results.json").read_text("utf-8"))["rows"]
    assert found["keras"]["accuracy"] == before["keras"]["accuracy"]
    other = kept / "others.csv"
    other.write_text((kept / "things.csv").read_text("utf-8") + "take one more spade,garden\n", encoding="utf-8")
    assert measured(accuracy.main, *options, "--data", other)["texts"]["count"] == 181


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("mine", "a task is NAME=FILE"),
        ("=mine.csv", "a task is NAME=FILE"),
        ("a/b=mine.csv", "a task is NAME=FILE"),
        ("mine=nowhere.csv", "nowhere.csv: there is no such file"),
        (f"mine={__file__},nowhere.csv", "nowhere.csv: there is no such file"),
    ],
)
def test_mistakes(task: str, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        tables.main(["--task", task])
    assert message in capfd.readouterr().err


def test_an_export_that_fails_has_said_why(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], error_line: Callable[[str], str]
) -> None:
    with pytest.raises(BenchmarkError, match=r"^$"):
        sweep.export(tmp_path / "nowhere", tmp_path / "out", "safetensors")
    assert "nowhere" in error_line(capfd.readouterr().err)


def make_texts(count: int, topics: list[str], seed: int) -> tuple[list[str], list[str]]:
    generator = random.Random(seed)
    labels = [generator.choice(topics) for _ in range(count)]
    every = [word for topic in topics for word in TOPICS[topic]]
    return [" ".join(generator.choices(TOPICS[label], k=5) + generator.choices(every, k=4)) for label in labels], labels


def test_linear_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It learns, and the model saved without a pickle predicts the same labels."""
    monkeypatch.setattr(linear_models.os, "cpu_count", lambda: 1)
    (texts, labels), (unseen, truth) = (make_texts(count, ["garden", "kitchen"], count) for count in (120, 60))
    pipeline, about = linear_models.search(texts, labels, SMALL, balance=False)
    predicted = pipeline.predict(unseen).tolist()
    assert accuracy_score(truth, predicted) > 0.9
    assert about["cross_validation"] > 0.9
    assert linear_models.save(pipeline, tmp_path / "model") > 1000
    classify = runtimes.scikit_learn(str(tmp_path / "model"))
    assert [classify(text)[0] for text in unseen] == predicted


def test_few_texts_are_few_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_models.os, "cpu_count", lambda: 1)
    texts = ["pot oven", "pot dough", "pot plate", "mast wind", "mast keel", "needle"]
    labels = ["cook"] * 3 + ["sail"] * 2 + ["sew"]
    assert linear_models.search(texts, labels, SMALL)[1]["cross_validation"] <= 1
    with pytest.raises(BenchmarkError, match="at least two texts of at least two labels"):
        linear_models.search(texts[:4], labels[:4], SMALL)
