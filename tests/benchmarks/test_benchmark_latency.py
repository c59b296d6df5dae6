"""benchmarks/latency.py on six texts and the shipped bundle, and the processes in which everything is timed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import latency
from benchmarks.measuring import layout, processes, program
from benchmarks.measuring.processes import Subject
from edgetext import Bundle

Measured = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def results(labelled: Path, tmp_path_factory: pytest.TempPathFactory, measured: Measured) -> dict[str, Any]:
    """One measurement of all models, on a machine where onnxruntime cannot be imported."""
    folder = tmp_path_factory.mktemp("latency")
    (folder / "onnxruntime.py").write_text("raise ImportError('no such luck')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        return measured(latency.main, "--quick", "--data", labelled, "--limit", "6")


def test_results(results: dict[str, Any], default_bundle: Path) -> None:
    assert results["kind"] == "latency"
    assert results["bundle"]["name"] == Bundle.open(default_bundle).name
    assert (results["texts"]["count"], results["texts"]["available"]) == (6, 10)
    assert results["protocol"]["quick"] is True
    assert results["environment"]["python"].endswith(".".join(map(str, sys.version_info[:3])))


def test_every_model_has_a_row(results: dict[str, Any], default_bundle: Path) -> None:
    models = Bundle.open(default_bundle).models
    assert [row["file"] for row in results["rows"]] == [model.file for model in models]
    for row in results["rows"]:
        if row["engine"] == "onnx":
            assert "no such luck" in row["error"]
            assert str(Path(sys.executable).parent) not in row["error"]
            continue
        start = row["startup"]
        # Of pairs of starts, so it is near the ratio of the medians and not the same.
        assert start["ratio"] == pytest.approx(start["median_ms"] / start["bare_ms"], rel=0.5)
        assert row["load_ms"] > 0 < row["first_us"]
        for kind in ("text_to_label", "model_only", "split"):
            assert 0 < row[kind]["median_us"] <= row[kind]["p95_us"]
        assert row["text_to_label"]["median_us"] > row["model_only"]["median_us"]
        assert row["texts_per_second"]["median"] > 0
        assert ("explanation" in row) == (row["engine"] == "builtin")
        # A Python with numpy and an interpreter: not this process, which may hold tensorflow.
        assert (5 if row["engine"] == "builtin" else 15) < row["peak_mb"] < 150


def test_what_could_not_be_measured_is_shown(results: dict[str, Any]) -> None:
    shown = layout.render(latency.tables(results))
    assert "onnxruntime is not installed" in shown
    assert " ms" in shown
    assert re.search(r"explanation by builtin takes \d+\.\d times as long", shown)


def test_no_engine_works(
    labelled: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error_line: Callable[[str], str]
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert latency.main(["--quick", "--data", str(labelled)]) == 2
    assert error_line(capfd.readouterr().err) == "its process ended with exit code 1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nowhere"], "no bundle at nowhere"),
        (["--data", "nowhere.txt"], "nowhere.txt: No such file or directory"),
        (["--data", "nowhere.csv.gz"], "nowhere.csv.gz: No such file or directory"),
        (["--recipe", "int3"], "no recipe int3"),
    ],
)
def test_mistakes(
    arguments: list[str],
    message: str,
    labelled: Path,
    capfd: pytest.CaptureFixture[str],
    error_line: Callable[[str], str],
) -> None:
    assert latency.main([argument.format(labelled=labelled) for argument in arguments]) == 2
    assert message in error_line(capfd.readouterr().err)


def test_percentiles() -> None:
    """Of 0, 1, 2, ... 1000 us the 95th percentile is 950 us, whatever the order; the mean is that of tens."""
    times = [1000 * number for number in range(1000, -1, -1)]
    assert processes.summarize(times) == {"mean_us": 500.5, "median_us": 500, "p95_us": 950}
    assert processes.summarize([1000, 3000])["mean_us"] == 2


def test_programs_that_fail(tmp_path: Path) -> None:
    files = processes.write_texts(tmp_path / "texts", ["great"])
    for code, error in (
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "its process died of SIGSEGV"),
        ("import sys; sys.exit('error: cannot open /a/b/model.onnx')", "cannot open model.onnx"),
        ("import sys; sys.exit(3)", "its process ended with exit code 3"),
        ("print('INFO: hello')", "its program printed no JSON"),
    ):
        subject = Subject({}, [sys.executable, "-c", code], sys.executable)
        assert subject.score(files) is None
        # It is left alone from then on.
        subject.launch(files, counted=True, load=True)
        subject.time(files)
        assert subject.result() == {"error": error}


def test_texts_for_the_programs(tmp_path: Path) -> None:
    files = processes.write_texts(tmp_path / "texts", ["great\nmovie", "", "nul\0 caf\u00e9", "lone \ud800 surrogate"])
    content, found = Path(files.plain).read_bytes(), []
    while content:
        size, _, content = content.partition(b"\n")
        found.append(content[: int(size)].decode())
        content = content[int(size) :]
    assert found == ["great\nmovie", "", "nul\0 caf\u00e9", "lone \U0010ffff surrogate"]


def test_peak_memory_is_that_of_the_process_alone() -> None:
    """A small process started by one of 200 MB reports its own memory."""
    code = "from benchmarks.measuring import program; print(program.peak_memory())"
    large = bytearray(b"x") * 200_000_000
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(large) == 200_000_000
    if sys.platform == "linux":
        assert float(result.stdout) < 100
    own = program.peak_memory()
    assert own is not None
    assert own > 200
