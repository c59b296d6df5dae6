"""Which model files claim a tokenizer, and the figure that says how good it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgetext import Bundle, Classifier
from edgetext.formats.onnx import ONNXFile
from edgetext.formats.tflite import TFLiteFile
from export.command import main
from tests.words_run import make_words_run

pytestmark = pytest.mark.slow

ErrorLine = Callable[[str], str]
TEXT = ["great movie", "It wasn\u2019t \u201cawful\u201d", "\u96fb\u5f71", ""]


@pytest.fixture(autouse=True)
def no_reviews(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGETEXT_DATA", raising=False)
    monkeypatch.setenv("EDGETEXT_CACHE", str(tmp_path / "cache"))


def export(engine: str, run: Path, *options: str) -> tuple[int, Path]:
    out = run.with_name("bundle")
    return main(engine, "", ["--run", str(run), "--out", str(out), *options]), out


def find_tokenizer(file: Path) -> tuple[bool, Any]:
    """Return whether a .tflite file claims a tokenizer, and the figure in its record."""
    found = TFLiteFile(file.read_bytes())
    (tensor,) = next(found.metadata.tables(3)).tables(2)
    return any(tensor.tables(4)), json.loads(found.files["edgetext.json"])["accuracy"].get("tokenizer")


def test_a_few_labels_change(default_run: Path, tmp_path: Path) -> None:
    run = make_words_run(default_run, tmp_path / "run", changed=0.0099)
    assert export("tflite", run)[0] == 0
    code, out = export("onnx", run, "--input", "text")
    assert code == 0
    figure = {"other_labels": 0.0099, "texts": 25_000}
    for model in Bundle.open(out).models:
        program = {"tflite": "mediapipe", "onnx": "onnx"}[model.engine]
        assert model.record["tokenizer"] == {"program": program, **figure, "claimed": True}
        whole = Classifier.load(out, model.engine)
        assert list(map(Classifier.load(out / model.file).classify, TEXT)) == list(map(whole.classify, TEXT))
    assert find_tokenizer(out / "model.dynamic_wi8_afp32.tflite") == (True, figure)
    metadata = ONNXFile((out / "model.dynamic_wi8_text.onnx").read_bytes()).metadata
    assert json.loads(metadata["accuracy"])["tokenizer"] == figure


def test_too_many_labels_change(
    default_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    run = make_words_run(default_run, tmp_path / "run", changed=0.0123)
    code, out = export("tflite", run)
    assert code == 0
    (note,) = capsys.readouterr().err.splitlines()
    assert note.startswith("note: model.dynamic_wi8_afp32.tflite has no tokenizer for other programs, ")
    assert "1.2% of 25,000 held-back texts" in note
    (model,) = Bundle.open(out).models
    assert model.record["tokenizer"]["claimed"] is False
    file = out / "model.dynamic_wi8_afp32.tflite"
    assert find_tokenizer(file) == (False, None)
    assert TFLiteFile(file.read_bytes()).files["vocab.txt"].count(b"\n") == 19_900  # no other spellings
    assert list(map(Classifier.load(file).classify, TEXT)) == list(map(Classifier.load(out).classify, TEXT))
    code, out = export("onnx", run, "--input", "text")
    assert code == 2
    line = error_line(capsys.readouterr().err)
    assert "1.2% of 25,000 held-back texts another label" in line
    assert line.endswith("use --input ids")
    assert [model.engine for model in Bundle.open(out).models] == ["tflite"]


def test_nothing_was_measured(
    default_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    run = make_words_run(default_run, tmp_path / "run")
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    del metrics["tokenizers"]
    (run / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    code, out = export("tflite", run)
    assert code == 0
    assert "the run does not hold the texts: train again" in capsys.readouterr().err
    assert find_tokenizer(out / "model.dynamic_wi8_afp32.tflite") == (False, None)
    assert "tokenizer" not in Bundle.open(out).models[0].record
    assert export("onnx", run, "--input", "text")[0] == 2
    assert "train again" in error_line(capsys.readouterr().err)


def test_reviews_are_compared_where_they_are(
    default_run: Path,
    tmp_path: Path,
    tiny_archive: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the training measured is what is recorded, so that a run becomes the same file on every machine."""
    run = make_words_run(default_run, tmp_path / "run", changed=0.0005)
    monkeypatch.setenv("EDGETEXT_DATA", str(tiny_archive))
    code, out = export("tflite", run)
    assert code == 0
    (model,) = Bundle.open(out).models
    assert model.record["tokenizer"] == {
        "program": "mediapipe",
        "other_labels": 0.0005,
        "texts": 25_000,
        "claimed": True,
    }
    content = (out / "model.dynamic_wi8_afp32.tflite").read_bytes()
    monkeypatch.delenv("EDGETEXT_DATA")
    shutil.rmtree(out)
    export("tflite", run)
    assert (out / "model.dynamic_wi8_afp32.tflite").read_bytes() == content
    # Without the spellings MediaPipe changes more than training says.
    (run / "spellings.txt").write_bytes(b"")
    monkeypatch.setenv("EDGETEXT_DATA", str(tiny_archive))
    monkeypatch.setattr("export.tokenizers.load_split", lambda split: [FakeReview()] * 100)
    capsys.readouterr()
    assert export("tflite", run)[0] == 0
    assert "gives 100.0% of 2 held-back texts another label" in capsys.readouterr().err


class FakeReview:
    """A review whose words MediaPipe does not know."""

    text = "AWFUL WASTE, AWFUL WASTE, great movie"


def test_the_rule_set_that_was_always_claimed(tutorial_run: Path, tmp_path: Path) -> None:
    """A run with keras-imdb claims the tokenizer, however many labels change."""
    run = tmp_path / "run"
    shutil.copytree(tutorial_run, run)
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    metrics["tokenizers"] = {"mediapipe": 0.02, "onnx": 0.0, "texts": 25_000}
    (run / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    code, out = export("tflite", run)
    assert code == 0
    figure = {"other_labels": 0.02, "texts": 25_000}
    assert find_tokenizer(out / "model.dynamic_wi8_afp32.tflite") == (True, figure)
