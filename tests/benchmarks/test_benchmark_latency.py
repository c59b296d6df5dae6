"""benchmarks/latency.py: what it writes, not how fast anything is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import latency, launching, once, timing
from edgetext import Bundle
from edgetext.testing import FakeEngine

ROOT = Path(__file__).resolve().parent.parent.parent

# The recipes of TensorFlow Lite and of ONNX.
TWO = ("--recipe", "dynamic_wi8_afp32", "--recipe", "dynamic_wi8")


@pytest.fixture(scope="module")
def results(labelled: Path, default_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One measurement of all models, on a machine where onnxruntime cannot be imported."""
    folder = tmp_path_factory.mktemp("latency")
    (folder / "onnxruntime.py").write_text("raise ImportError('no such luck')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        file = folder / "latency.json"
        assert (
            latency.main(["--quick", "--emulated", "--data", str(labelled), "--limit", "6", "--json", str(file)]) == 0
        )
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


def test_results(results: dict[str, Any], default_bundle: Path) -> None:
    assert results["kind"] == "latency"
    assert results["bundle"]["name"] == Bundle.open(default_bundle).name
    assert results["texts"] == {
        "source": "texts of labelled.jsonl",
        "reviews": 6,
        "available": 10,
        "median_words": results["texts"]["median_words"],
    }
    assert results["protocol"]["quick"] is True
    where = results["environment"]
    assert where["emulated"] is True
    assert where["python"].endswith(".".join(map(str, sys.version_info[:3])))
    assert set(where) == {
        *("processor", "machine", "cores", "system", "python", "edgetext", "date", "emulated"),
    }


def test_every_model_has_a_row(results: dict[str, Any], default_bundle: Path) -> None:
    models = Bundle.open(default_bundle).models
    assert [row["file"] for row in results["rows"]] == [model.file for model in models]
    for row in results["rows"]:
        if row["engine"] == "onnx":
            assert set(row) == {"engine", "recipe", "file", "size", "error"}
            assert "no such luck" in row["error"]
            assert sys.executable not in row["error"]
            continue
        assert row["load_ms"] > 0 < row["first_us"]
        assert row["startup"]["runs"] == 2
        assert row["startup"]["ratio"] == pytest.approx(
            row["startup"]["median_ms"] / row["startup"]["empty_ms"], rel=0.02
        )
        for kind in ("text_to_label", "model_only", "yardstick"):
            times = row[kind]
            assert 0 < times["median_us"] <= times["p95_us"] <= times["p99_us"]
            assert times["calls"] >= timing.QUICK.calls
        assert row["yardstick"]["ratio"] == 1
        assert row["text_to_label"]["median_us"] > row["model_only"]["median_us"]
        assert set(row["texts_per_second"]) == {"1", "32"}
        # A Python with numpy and an interpreter: not this process, which may hold tensorflow.
        assert (5 if row["engine"] == "builtin" else 15) < row["peak_mb"] < 150


def test_what_the_command_takes_is_started_without_options(default_bundle: Path) -> None:
    model = Bundle.open(default_bundle).models[0]
    task = timing.Task(None, model.engine, model.recipe, "texts.json", timing.QUICK)
    for plain, options in ((True, []), (False, ["--engine", model.engine, "--recipe", model.recipe])):
        subject = launching.Subject(["python"], model, task, plain=plain)
        assert subject._classify == ["python", str(launching.CLASSIFY), *options, "great movie"]


def test_table_shows_what_is_missing(results: dict[str, Any]) -> None:
    table = latency.table(results)
    assert "missing: model.dynamic_wi8.onnx: engine onnx: onnxruntime is not installed" in table
    assert "the processor was emulated: these are not a device's speeds" in table


def test_another_python_without_any_engine(
    labelled: Path, default_bundle: Path, capfd: pytest.CaptureFixture[str], error_line: Callable[[str], str]
) -> None:
    command = ["--quick", "--data", str(labelled), "--python", f"{sys.executable} -S", *TWO]
    assert latency.main(command) == 2
    message = error_line(capfd.readouterr().err)
    assert "engine tflite: no TensorFlow Lite interpreter is installed" in message
    assert "; or engine onnx: onnxruntime is not installed" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--python", "/nowhere/python", "--data", "{labelled}"], "/nowhere/python: No such file or directory"),
        (["--model", "nowhere"], "no bundle at nowhere"),
        (["--data", "nowhere.txt"], "nowhere.txt: No such file or directory"),
        (["--recipe", "int3"], "no recipe int3"),
    ],
)
def test_mistakes(
    arguments: list[str],
    message: str,
    labelled: Path,
    default_bundle: Path,
    capfd: pytest.CaptureFixture[str],
    error_line: Callable[[str], str],
) -> None:
    assert latency.main([argument.format(labelled=labelled) for argument in arguments]) == 2
    assert message in error_line(capfd.readouterr().err)


def test_percentiles() -> None:
    """Of 0, 1, 2, ... 1000 us the 95th percentile is 950 us, whatever the order."""
    times = [1000 * number for number in range(1000, -1, -1)]
    assert timing.summarize(times, yardstick=10.0) == {
        "median_us": 500,
        "p95_us": 950,
        "p99_us": 990,
        "ratio": 50,
        "calls": 1001,
    }


def test_bulk_uses_the_batch_size(default_bundle: Path) -> None:
    from edgetext import Classifier

    loaded = Classifier.load()
    lengths: set[int] = set()
    engine = FakeEngine(lambda row: lengths.add(len(row)) or [0.9])  # type: ignore[func-returns-value]
    engine.ragged = True
    measured = timing.steady(Classifier(loaded.labels, loaded.encoder, engine), ["a", "b", "c"], timing.QUICK)
    assert set(engine.batches) == {1, 32}
    assert lengths == {2}  # the start mark and a word, as such an engine gets them from the classifier
    assert set(measured) == {*timing.KINDS, "texts_per_second"}


def test_peak_memory_is_this_process_own() -> None:
    """A small process started by one of 200 MB reports its own memory."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r}); import once; print(once.peak_memory())"
    large = bytearray(b"x") * 200_000_000
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(large) == 200_000_000
    if sys.platform == "linux":
        assert float(result.stdout) < 100
    own = once.peak_memory()
    assert own is not None
    assert own > 200
