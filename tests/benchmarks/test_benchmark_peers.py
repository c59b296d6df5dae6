"""benchmarks/peers.py on tiny reviews, with stand-ins for training and for fastText's packages."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import latency, peers, sweep
from benchmarks.measuring import layout, linear_models
from benchmarks.measuring.processes import Protocol

# Trains by remembering the first label, and predicts that.
FASTTEXT = """
class Model:
    def __init__(self, label): self.label = label
    def quantize(self, **options): pass
    def save_model(self, path): open(path, "w").write(self.label)
    def predict(self, text):
        assert "\\n" not in text
        return (self.label,), (0.75,)
def train_supervised(input, **options): return Model(open(input, encoding="utf-8").read().split()[0])
def load_model(path): return Model(open(path).read())
"""


@pytest.fixture(scope="module")
def results(
    tiny_env: dict[str, str],
    default_bundle: Path,
    tmp_path_factory: pytest.TempPathFactory,
    measured: Callable[..., dict[str, Any]],
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("fasttext")
    (folder / "fasttext.py").write_text(FASTTEXT)
    (folder / "fasttext_predict-0.9.dist-info").mkdir()
    (folder / "fasttext_predict-0.9.dist-info" / "METADATA").write_text("Name: fasttext-predict\nVersion: 0.9\n")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**tiny_env, "PYTHONPATH": str(folder)}.items():
            patch.setenv(name, value)
        patch.setattr(sweep, "train", lambda out, options: {})
        patch.setattr(sweep, "export", lambda run, out, *formats: shutil.copytree(default_bundle, out))
        patch.setattr(linear_models.os, "cpu_count", lambda: 1)
        patch.setattr(peers, "PROTOCOL", Protocol(1, 1))
        words = [
            "--python",
            sys.executable,
            "--trainer",
            sys.executable,
            "--limit",
            "10",
            "--keep",
            str(folder / "kept"),
        ]
        measured(peers.main, *words)
        # Models that were kept are not trained again.
        for owner, name in ((sweep, "train"), (peers, "train_fasttext"), (linear_models, "search")):
            patch.delattr(owner, name)
        return measured(peers.main, *words)


def test_everything_is_measured_in_one_run(results: dict[str, Any]) -> None:
    rows = {row["name"]: row for row in peers.compared(results)}
    assert list(rows) == [
        "edge",
        "accurate",
        *peers.RETRAINED,
        "fastText, lower case",
        "fastText, tokens",
        "scikit-learn",
    ]
    for row in rows.values():
        assert 0 <= row["accuracy"] <= 1
        assert row["size"] > 0
        assert row["text_to_label"]["ratio"] > 0
        assert ("startup" in row) == (row["name"] not in ("accurate", *peers.RETRAINED))
    assert rows["fastText, tokens"]["accuracy"] == rows["fastText, lower case"]["accuracy"] == 0.5
    assert rows["edge"]["vocabulary_size"] > 100_000


def test_one_figure_for_one_claim(results: dict[str, Any]) -> None:
    """The latency and the start-up in every table are those of this run."""
    (edge, *_) = peers.compared(results)
    label, ratio = f"{edge['text_to_label']['median_us']:.0f} µs", f"{edge['startup']['ratio']:.2f}"
    for show, figure in (
        (peers.tables, label),
        (peers.summary_tables, label),
        (latency.latency_tables, label),
        (peers.tables, ratio),
        (peers.summary_tables, ratio),
        (latency.startup_tables, ratio),
    ):
        assert figure in layout.render(show(results))
    assert [row["engine"] for row in latency.engine_rows(results)] == ["builtin", "tflite", "onnx"]


def test_without_fasttext(
    tiny_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(peers.BenchmarkError, match="No module named 'fasttext'"):
        peers.train_fasttext(sys.executable, [], "tokens", str(tmp_path / "model"))
