"""benchmarks/abstaining, with the shipped bundle and a few texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.abstaining import mixture
from benchmarks.measuring import layout
from edgetext import UNCERTAIN, Classifier
from edgetext.bundle import DEFAULT_BUNDLE

OWN = [
    ("excellent wonderful film", "positive"),
    ("a waste of two hours", "negative"),
    ("great movie", "negative"),
    ("movie", "positive"),
]
OTHER = ["What do we have for breakfast today?", "wonderful zzqq qzqz", "excellent", "two"]


def test_counts(measured: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in OWN))
    (tmp_path / "other.txt").write_text("".join(f"{text}\n" for text in OTHER))
    monkeypatch.setattr(mixture, "draw_words", lambda words, count: [mixture.Text("film")] * count)
    found = measured(mixture.main, "--data", str(tmp_path / "own.csv"), "--other", str(tmp_path / "other.txt"))
    own, other, words = found["rows"]
    assert [row["texts"] for row in found["rows"]] == [4, 2, 2]
    for accuracy in mixture.ACCURACIES:
        classifier = Classifier.load(min_accuracy=accuracy)
        labels = [(classifier.classify(text).label, label) for text, label in OWN]
        answered = [label == expected for label, expected in labels if label != UNCERTAIN]
        assert own[str(accuracy)]["limits"] == {"answered": len(answered), "right": sum(answered)}
        assert 0 < sum(answered) < len(answered)
        assert other[str(accuracy)]["limits"]["right"] == 0
        for way in ("limits", "threshold"):
            total = sum(row[str(accuracy)][way]["answered"] for row in (own, other, words))
            assert total == sum(row[str(accuracy)]["limits"]["answered"] for row in (own, other, words))
    shown = layout.render(mixture.tables(found))
    assert "other.txt" in shown
    assert "--min-accuracy 0.95" in shown
    assert found["command"].startswith("python -m benchmarks.abstaining --data ")


def test_random_words() -> None:
    words = [f"word{number}" for number in range(50)]
    drawn = mixture.draw_words(words, 20)
    assert drawn == mixture.draw_words(words, 20)
    assert len({text.text for text in drawn}) == 20
    assert {word for text in drawn for word in text.text.split()} <= {*words}


def test_a_bundle_without_validation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.txt").write_text("a text\n")
    assert (
        mixture.main(
            ["--model", str(Path(DEFAULT_BUNDLE, "model.dynamic_wi8.onnx")), "--other", str(tmp_path / "other.txt")]
        )
        == 2
    )
    assert "no validation.json" in capsys.readouterr().err
