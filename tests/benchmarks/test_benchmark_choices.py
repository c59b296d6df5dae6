"""benchmarks/choices.py, curve.py and peers.py: what they run, and how their results are shown."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import blocks, choices, common, curve, peers
from train.models.choices import Choices

ErrorLine = Callable[[str], str]
STUB = """
import json, pathlib, sys
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
out.mkdir(parents=True)
scores = {"accuracy": 0.9, "ece": 0.01, "positive": 0.5}
metrics = {"validation": scores, "validation_sentences": scores, "fit_seconds": 60.0}
(out / "metrics.json").write_text(json.dumps(metrics))
with open(pathlib.Path(__file__).parent.parent / "asked.jsonl", "a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """A checkout whose training only notes what it was asked; give what that was, without ``--out``."""
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "__init__.py").touch()
    (tmp_path / "train" / "__main__.py").write_text(STUB, encoding="utf-8")
    monkeypatch.setattr(common, "ROOT", tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def read() -> list[list[str]]:
        lines = (tmp_path / "asked.jsonl").read_text("utf-8").splitlines()
        return [line[2:] for line in map(json.loads, lines)]

    return read


class TestChoices:
    def test_variants_are_choices_that_change_something(self) -> None:
        for change in choices.VARIANTS:
            if change and not change.startswith("--"):
                assert Choices().changed([change]) != Choices()

    def test_only(self, asked: Callable[[], list[list[str]]], capfd: pytest.CaptureFixture[str]) -> None:
        assert choices.main(["--only", "crops=0", "--json", "-"]) == 0
        results = json.loads(capfd.readouterr().out)
        assert results["kind"] == "choices"
        assert [row["change"] for row in results["rows"]] == ["", "crops=0"]
        same = ["--preset", "edge", "--no-test", "--validation", "10000"]
        assert asked() == [same, [*same, "--choice", "crops=0"]]
        shown = blocks.choices_table([results])
        assert "| none | the preset as it is | 90.00% | 0.010 | 90.00% | 50.0% | 60 |" in shown
        assert "| crops=0 |  | 90.00% |" in shown

    def test_a_choice_that_train_refuses(self, capfd: pytest.CaptureFixture[str], error_line: ErrorLine) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(choices, "VARIANTS", {"speed=1": ""})
            assert choices.main(["--json", "/dev/null"]) == 2
        assert error_line(capfd.readouterr().err).startswith("no choice is called 'speed'")


@pytest.fixture
def curve_results() -> dict[str, Any]:
    environment = {"cores": 2, "emulated": False, "processor": "P", "machine": "m", "system": "S", "python": "Python"}
    rows = [
        {
            "exponent": exponent,
            "validation_accuracy": 0.9,
            "sentences_accuracy": 0.7,
            "keras_accuracy": 0.91,
            "builtin": {"size": 20_000 + 2**exponent, "accuracy": 0.909},
            "tflite": {"size": 26_000 + 2**exponent, "accuracy": 0.908},
        }
        for exponent in (14, 16)
    ]
    return {"kind": "curve", "command": "c", "environment": {**environment, "date": "2026-11-22"}, "rows": rows}


class TestCurve:
    def test_table_and_picture(self, curve_results: dict[str, Any], tmp_path: Path) -> None:
        assert "| 2^14 | 90.00% | 70.00% | 91.00% | 36 kB | 90.90% | 42 kB | 90.80% |" in blocks.curve_table(
            [curve_results]
        )
        for name in ("one.png", "two.png"):
            curve.draw(curve_results, tmp_path / name)
        content = (tmp_path / "one.png").read_bytes()
        assert struct.unpack(">II", content[16:24]) == (880, 440)
        assert content == (tmp_path / "two.png").read_bytes()

    def test_a_failing_training(self, capfd: pytest.CaptureFixture[str], error_line: ErrorLine) -> None:
        assert curve.main(["--exponents", "25", "--json", "/dev/null"]) == 2
        assert "buckets must be a power of two" in error_line(capfd.readouterr().err)


class TestPeers:
    def test_a_python_without_fasttext(
        self, labelled: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error_line: ErrorLine
    ) -> None:
        monkeypatch.setattr(peers.texts, "ask_train", lambda data, split="test": labelled)
        assert peers.main(["--trainer", sys.executable, "--peer", sys.executable]) == 2
        assert "No module named 'fasttext'" in error_line(capfd.readouterr().err)

    def test_table(self) -> None:
        startup = {
            name: {"median_ms": ms, "ratio": ms / 10, "runs": 20}
            for name, ms in (("empty", 10.0), ("edgetext", 13.0), ("fasttext", 16.0))
        }
        row = {"p95_us": 99.0, "ratio": 4.0, "calls": 5}
        results = {
            "startup": startup,
            "memory_mb": {"empty": 9.0, "edgetext": 10.5},
            "texts_per_second": {"edgetext": 20_000, "split": 80_000},
            "rows": [
                {"name": "edgetext", "median_us": 40.0, **row, "accuracy": 0.91, "size": 282_000},
                {"name": "split", "median_us": 10.0, **row, "accuracy": None, "size": None},
            ],
        }
        shown = peers.table(results)
        assert "edgetext  13.0 ms   1.30" in shown
        assert "40.0 µs" in shown
        assert "91.00%" in shown
        assert shown.splitlines()[-3].split() == ["ratio", "4.0"]
        assert "10.5 MB" in shown

    def test_memory_of_a_one_shot(self) -> None:
        memory = peers._memory(sys.executable)
        if memory is None:
            pytest.skip("this system has no /proc")
        # Few megabytes more than Python itself: no interpreter of models, no numpy.
        assert 4 < memory["empty"] < memory["edgetext"] < memory["empty"] + 8
