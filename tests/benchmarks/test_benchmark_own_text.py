"""benchmarks/own_text.py: with stand-ins for training and exporting, and once for real, with accuracy.py after it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import accuracy, blocks, linear_search, own_text, own_text_rows
from benchmarks.linear_search import Classifier, Features

ErrorLine = Callable[[str], str]


@pytest.fixture
def stand_ins(
    monkeypatch: pytest.MonkeyPatch, default_run: Path, default_bundle: Path, labelled: Path
) -> list[tuple[str, ...]]:
    """Let the shipped run and bundle stand for what is trained and exported, and nine or ten reviews for a split."""
    calls: list[tuple[str, ...]] = []

    def train(options: list[str], out: Path) -> dict[str, Any]:
        calls.append(("train", *options))
        shutil.copytree(default_run, out)
        return {"fit_seconds": 12.3}

    def export(name: str, run: Path, out: Path) -> None:
        calls.append((name, run.name, out.name))
        if not out.exists():
            shutil.copytree(default_bundle, out)

    def ask(data: Path, out: Path, *options: str) -> None:
        calls.append(("texts", data.name, *options[2:]))
        lines = labelled.read_text("utf-8").splitlines(keepends=True)
        if "train" in options:
            del lines[1]  # a negative one
        out.write_text("".join(lines), encoding="utf-8")

    monkeypatch.setattr(own_text.seeds, "train", train)
    monkeypatch.setattr(own_text, "export", export)
    monkeypatch.setattr(own_text.labelled, "ask_texts", ask)
    monkeypatch.setattr(linear_search, "FAMILIES", {"words": [Features("words", True, (1, 1), "tfidf", 1)]})
    monkeypatch.setattr(linear_search, "FINAL", {"words": [Classifier("LinearSVC", 1)]})
    monkeypatch.setattr(linear_search.os, "cpu_count", lambda: 1)
    return calls


def test_results(
    stand_ins: list[tuple[str, ...]], tmp_path: Path, labelled: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data, test = (shutil.copy(labelled, tmp_path / name) for name in ("mine.csv", "held.csv"))
    file = tmp_path / "own.json"
    command = ["--task", f"mine={data},{test}", "--task", f"other={data}", "--family", "words", "--json", str(file)]
    assert own_text.main(command) == 0
    text = file.read_text("utf-8")
    results = json.loads(text)
    start = "python benchmarks/own_text.py --task mine=mine.csv,held.csv --task other=mine.csv --family words --json "
    assert results["command"] == start + str(file)
    assert text.count(str(tmp_path)) == 1  # the results file itself, in the command
    assert stand_ins[0] == ("train", "--data", str(data), "--test", str(test))
    assert stand_ins[1:4] == [(name, "run", "bundle") for name in ("to_safetensors", "to_tflite", "to_onnx")]
    assert stand_ins[4:7] == [
        ("texts", "mine.csv", "--split", split, "--test", str(test)) for split in ("train", "validation", "test")
    ]
    assert stand_ins[7] == ("train", "--data", str(data))
    assert stand_ins[-1] == ("texts", "mine.csv", "--split", "test")
    row, other = results["rows"]
    assert (row["name"], other["name"]) == ("mine", "other")
    assert row["texts"] == {"train": 9, "validation": 10, "test": 10}
    assert (row["rare"], row["fit_seconds"]) == ("negative", 12.3)
    assert row["choices"]["vocabulary"] == 20_000
    assert row["keras"]["accuracy"] == 1
    assert [(model["engine"], model["accuracy"]) for model in row["files"]] == [
        ("builtin", 1),
        ("tflite", 1),
        ("onnx", 1),
    ]
    (peer,) = row["peers"]
    assert peer["accuracy"] == 1  # it was trained on what it is tested on
    assert own_text_rows.NOTE in capfd.readouterr().out


def test_missing_engine(stand_ins: Any, tmp_path: Path, labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import scoring
    from edgetext import EngineError

    def load(*arguments: Any, **options: Any) -> Any:
        raise EngineError("not here")

    monkeypatch.setattr(scoring.Classifier, "load", load)
    file = tmp_path / "own.json"
    assert own_text.main(["--task", f"a={labelled}", "--family", "words", "--json", str(file)]) == 2
    shown = own_text_rows.table(json.loads(file.read_text("utf-8")))
    assert shown.count("not measured") == 3


def scored(accuracy: float, macro: float, spam: float) -> dict[str, Any]:
    return {"accuracy": accuracy, "macro_f1": macro, "classes": {"ham": {"f1": 0.99}, "spam": {"f1": spam}}}


def results() -> dict[str, Any]:
    file = {"recipe": "wi8", "engine": "builtin", "size": 123_456, "runtime": "edgetext", **scored(0.98, 0.97, 0.95)}
    row = {
        "name": "sms",
        "task": "sms=sms.tsv",
        "labels": ["ham", "spam"],
        "rare": "spam",
        "texts": {"train": 4000, "validation": 400, "test": 1000},
        "median_words": 12.5,
        "choices": {"vocabulary": 5000, "buckets": 65536, "crops": [1, 2]},
        "preprocessing": {"max_length": 64},
        "fit_seconds": None,
        "keras": scored(0.981, 0.971, 0.951),
        "files": [{**file, "drop_points": 0.1, "macro_drop_points": 0.12, "labels_as_first": 1.0}],
        "peers": [
            {"family": "words", "library": "scikit-learn 1.9", "features": "F", "classifier": "C"}
            | scored(0.99, 0.96, 0.94)
        ],
    }
    three = {**row, "name": "three", "labels": ["a", "b", "c"], "rare": None, "choices": None, "preprocessing": None}
    where = {"processor": "P", "machine": "M", "cores": 2, "system": "S", "python": "CPython 3", "date": "2026-01-01"}
    return {"kind": "own_text", "environment": {**where, "emulated": False}, "rows": [row, three]}


def test_block() -> None:
    shown = blocks.own_text_tables([results()])
    for line in (
        "| sms | 2 | 4,000 | 400 | 1,000 | 12.5 | 5,000 | 65,536 | 64 |  |",
        "| sms | wi8 (builtin) | 123 kB | 98.00% | 97.00% | 95.00% | 0.10 | 0.12 | 100.00% |",
        "| sms | Keras |  | 98.10% | 97.10% | 95.10% |  |  |  |",
        "| sms | words | 99.00% | 96.00% | 94.00% | -1.00 | +1.00 | +1.00 | F; C |",
        "| three | 3 | 4,000 | 400 | 1,000 | 12.5 |  |  |  |  |",
        "| three | words | 99.00% | 96.00% |  | -1.00 | +1.00 |  | F; C |",
        "P, M, 2 cores, S, CPython 3; edgetext, scikit-learn 1.9; 2026-01-01.",
    ):
        assert line in shown.splitlines()
    for table in own_text_rows.parts(results()):
        assert {len(line) for line in table[1]} == {len(table[0])}


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
        own_text.main(["--task", task])
    assert message in capfd.readouterr().err


def test_an_export_that_fails_has_said_why(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    from benchmarks.common import BenchmarkError

    with pytest.raises(BenchmarkError, match=r"^$"):
        own_text.export("to_safetensors", tmp_path / "nowhere", tmp_path / "out")
    assert "nowhere" in error_line(capfd.readouterr().err)


TOPICS = {
    "garden": ("spade", "seed", "hedge", "lawn", "tulip"),
    "kitchen": ("oven", "spoon", "dough", "kettle", "plate"),
    "workshop": ("chisel", "vice", "solder", "lathe", "rivet"),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of three classes, ``things.csv``, and what the benchmark kept of it."""
    folder = tmp_path_factory.mktemp("things")
    lines = ["note,place"]
    for number in range(180):
        place, words = list(TOPICS.items())[number % 3]
        first, second = words[number % 5], words[number // 3 % 5]
        lines.append(f"take the {first} and the {second} to number {number},{place}")
    (folder / "things.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ["--task", f"things={folder / 'things.csv'}", "--family", "words", "--keep", str(folder / "kept")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear_search, "FAMILIES", {"words": [Features("words", True, (1, 1), "tfidf", 1)]})
        patch.setattr(linear_search.os, "cpu_count", lambda: 1)
        columns = ["--", "--text-column", "note", "--label-column", "place"]
        assert own_text.main([*command, "--json", str(folder / "own.json"), *columns]) == 0
    return folder


@pytest.mark.slow
def test_for_real(kept: Path) -> None:
    results = json.loads((kept / "own.json").read_text("utf-8"))
    assert results["command"].endswith(" -- --text-column note --label-column place")
    (row,) = results["rows"]
    assert row["labels"] == list(TOPICS)
    assert row["rare"] is None
    assert sum(row["texts"].values()) == 180
    assert {file["engine"] for file in row["files"]} == {"builtin", "tflite", "onnx"}
    assert all(file["size"] > 0 and file["accuracy"] > 0.9 for file in row["files"])
    assert row["preprocessing"]["max_length"] == row["choices"]["max_length"]
    assert row["peers"][0]["accuracy"] > 0.9
    # The rows are those of the table, each in one split.
    texts = [
        json.loads(line)["text"]
        for split in own_text.SPLITS
        for line in (kept / "kept" / "things" / f"{split}.jsonl").read_text("utf-8").splitlines()
    ]
    table = (kept / "things.csv").read_text("utf-8").splitlines()[1:]
    assert sorted(texts) == sorted(line.rpartition(",")[0] for line in table)


@pytest.mark.slow
def test_accuracy_of_its_bundle(kept: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = kept / "kept" / "things"
    file = kept / "accuracy.json"
    command = ["--model", str(folder / "bundle"), "--run", str(folder / "run"), "--json", str(file)]
    assert accuracy.main([*command, "--data", str(kept / "things.csv")]) == 0
    shown = capfd.readouterr().out
    (own,) = json.loads((kept / "own.json").read_text("utf-8"))["rows"]
    results = json.loads(file.read_text("utf-8"))
    assert results["texts"]["source"] == "test rows of things.csv"
    assert results["texts"]["reviews"] == own["texts"]["test"]
    assert results["keras"] == own["keras"]
    for ours, theirs in zip(results["rows"], own["files"], strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}
    # Of three classes each is shown without being asked for.
    assert "confusion, " in shown
    for label in TOPICS:
        assert f"\n{label}" in shown
    assert accuracy.main(command) == 2
    assert "name it with --data things.csv" in capfd.readouterr().err
