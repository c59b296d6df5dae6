"""A run with the rule set ``words-1``, from a table to the answers of every engine."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from onnxruntime import InferenceSession

from edgetext import Bundle, Classifier
from export.command import main as export_command
from train import __main__ as train_command

pytestmark = pytest.mark.slow


def test_text_as_people_write_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chinese without spaces, typographic characters and marks, in every engine; no file claims another tokenizer."""
    monkeypatch.chdir(tmp_path)
    parts = {
        "calm": ("\u623f\u95f4\u5f88\u5b89\u9759", "\u5e8a\u5f88\u8212\u670d", "it wasn\u2019t noisy"),
        "loud": ("\u592a\u5435\u4e86", "\u7a7a\u8c03\u574f\u4e86", "\u201ca noisy street\u201d!"),
    }
    draw = random.Random(1)
    rows = [
        "\uff0c".join(draw.sample([*parts[label], f"\u7b2c{number}\u5929"], 3)) + f"\t{label}"
        for number in range(60)
        for label in parts
    ]
    Path("t.tsv").write_text("text\tlabel\n" + "\n".join(rows), encoding="utf-8")
    fit = ["--data", "t.tsv", "--epochs", "8", "--choice", "stronger="]
    assert train_command.main([*fit, "--tokenizer", "words", "--marks", "on"]) == 0
    record = json.loads(Path("runs/t/config.json").read_text("utf-8"))["preprocessing"]
    assert (record["tokenizer"], record["marks"]) == ("words-1", True)
    assert {"\u5f88", "wasn't", "noisy", "!"} <= set(Path("runs/t/vocab.txt").read_text("utf-8").split("\n"))
    assert json.loads(Path("runs/t/metrics.json").read_text("utf-8"))["test"]["accuracy"] == 1

    for engine in ("builtin", "tflite", "onnx"):
        assert export_command(engine, "", ["--run", "runs/t"]) == 0
        note = "note: model.dynamic_wi8_afp32.tflite has no tokenizer for other programs, "
        assert (note in capsys.readouterr().err) == (engine == "tflite")
    scores = []
    for model in Bundle.open("bundles/t").models:
        found = Classifier.load("bundles/t", model.engine)
        for written, plain in (
            ("\u5e8a\u5f88\u8212\u670d\uff01", "\u5e8a \u5f88 \u8212 \u670d !"),
            ("WASN\u2019T\xa0noisy", "wasn't noisy"),
        ):
            assert found.classify(written).as_dict() == found.classify(plain).as_dict()
            assert found.classify(written).label == "calm"
        scores.append(found.classify("\u7a7a\u8c03\u574f\u4e86").score)
    assert scores == pytest.approx([scores[0]] * 3, abs=0.05)
    assert export_command("onnx", "", ["--run", "runs/t", "--input", "text"]) == 0
    for model in Bundle.open("bundles/t").models:
        if model.engine != "builtin":
            whole = Classifier.load("bundles/t", model.engine, recipe=model.recipe)
            alone = Classifier.load(f"bundles/t/{model.file}")
            for text in ("\u592a\u5435\u4e86\uff01", "It WASN\u2019T \u201cnoisy\u201d", ""):
                assert alone.classify(text) == whole.classify(text)
    graph = InferenceSession("bundles/t/model.dynamic_wi8_text.onnx")
    labels, _ = graph.run(None, {"text": np.array(["\u592a\u5435\u4e86\uff01", "it wasn\u2019t noisy"], dtype=object)})
    assert labels.tolist() == ["loud", "calm"]
