"""benchmarks/encode.py and seeds.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import common, seeds, texts
from benchmarks.encode import TABLE
from edgetext.text import tokenize


def test_encode(tmp_path: Path, labelled: Path, default_bundle: Path, run_python: Any) -> None:
    file = tmp_path / "encode.json"
    command = ("benchmarks/encode.py", "--data", labelled, "--json", file)
    result = run_python(*command, "--max-ratio", "1000")
    assert (result.returncode, result.stderr) == (0, "")
    results = json.loads(file.read_text("utf-8"))
    ours, plain = results["rows"]
    assert results["kind"] == "encode"
    assert ours["calls"] == plain["calls"] == 50
    assert results["ratio"]["median"] == pytest.approx(ours["median_us"] / plain["median_us"], abs=0.02)
    assert run_python(*command, "--max-ratio", "0").returncode == 1


def test_encode_compares_like_with_like() -> None:
    """Where only spaces separate, both ways of folding give the same words."""
    for review in texts.find(str(texts.SAMPLE)).reviews:
        assert review.text.translate(TABLE).split() == tokenize(review.text)


@pytest.fixture
def stub_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a training command of the test's in place of the real one."""

    def put(body: str) -> None:
        (tmp_path / "train").mkdir()
        (tmp_path / "train" / "__init__.py").touch()
        (tmp_path / "train" / "__main__.py").write_text(body, encoding="utf-8")
        monkeypatch.setattr(common, "ROOT", tmp_path)
        monkeypatch.delenv("PYTHONPATH", raising=False)

    return put


STUB = """
import json, pathlib, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
seed, out = int(options["--seed"]), pathlib.Path(options["--out"])
out.mkdir(parents=True)
metrics = {"validation": {"accuracy": 0.88 + seed / 100}, "test": {"accuracy": 0.87, "loss": 0.3}, "fit_seconds": 9.5}
if seed:
    metrics["validation_sentences"] = {"accuracy": 0.6, "positive": 0.5}
(out / "metrics.json").write_text(json.dumps(metrics))
(out / "options.json").write_text(json.dumps(options))
"""


def test_seeds(stub_root: Callable[[str], None], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stub_root(STUB)
    kept = tmp_path / "kept"
    arguments = ["--seeds", "0", "2", "--keep", str(kept), "--json", "-", "--", "--epochs", "3"]
    assert seeds.main(arguments) == 0
    results = json.loads(capfd.readouterr().out)
    assert results["kind"] == "seeds"
    assert [row["seed"] for row in results["rows"]] == [0, 2]
    assert [row["sentences_accuracy"] for row in results["rows"]] == [None, 0.6]
    assert results["summary"]["validation_accuracy"] == pytest.approx({"mean": 0.89, "spread": 0.02})
    assert results["summary"]["fit_seconds"] == {"mean": 9.5, "spread": 0}
    options = json.loads((kept / "seed-2" / "options.json").read_text())
    assert options == {"--seed": "2", "--preset": "edge", "--epochs": "3", "--out": str(kept / "seed-2")}


def test_seeds_pass_a_failure_on(
    stub_root: Callable[[str], None], capfd: pytest.CaptureFixture[str], error_line: Callable[[str], str]
) -> None:
    stub_root("import sys; print('error: no reviews', file=sys.stderr); sys.exit(2)")
    assert seeds.main(["--seeds", "0", "--json", "/dev/null"]) == 2
    captured = capfd.readouterr()
    assert error_line(captured.err) == "no reviews"


def test_seeds_of_the_real_training(
    tiny_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One epoch on forty reviews: what train writes is what seeds reads."""
    pytest.importorskip("tensorflow")
    for name, value in tiny_env.items():
        monkeypatch.setenv(name, value)
    assert seeds.main(["--seeds", "5", "--json", "-", "--", "--epochs", "1", "--validation", "8"]) == 0
    results = json.loads(capfd.readouterr().out)
    (row,) = results["rows"]
    assert row["seed"] == 5
    assert all(0 <= row[name] <= 1 for name in row if name.endswith("accuracy"))
    assert row["fit_seconds"] > 0
    assert len(seeds.cells(results)) == 4
