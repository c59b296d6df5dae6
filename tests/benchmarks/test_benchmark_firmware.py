"""benchmarks/firmware.py and benchmarks/flash.py, with a stand-in for training, on emulated boards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import firmware, flash, sweep
from benchmarks.measuring import firmware as boards
from benchmarks.measuring import layout

Measured = Callable[..., dict[str, Any]]
ErrorLine = Callable[[str], str]

needs_tools = pytest.mark.usefixtures("tools")


@pytest.fixture(scope="session")
def tools() -> None:
    """Skip where something is missing; asking the compiler starts a process, which collecting tests must not."""
    if missing := boards.find_missing():
        pytest.skip(missing)


@pytest.fixture(scope="module")
def export(run_in_process: Any) -> Callable[[Path, Path], None]:
    """Export a run for C."""

    def export(run: Path, out: Path) -> None:
        done = run_in_process("export/to_c.py", "--run", run, "--out", out)
        assert done.returncode == 0, done.stderr

    return export


@needs_tools
@pytest.mark.slow
def test_firmware(measured: Measured, export: Any, default_run: Path, labelled: Path, tmp_path: Path) -> None:
    export(default_run, tmp_path / "bundle")
    found = measured(firmware.main, "--model", tmp_path / "bundle", "--data", labelled)
    assert {row["machine"] for row in found["rows"]} == set(boards.MACHINES)
    for row in found["rows"]:
        assert row["flash"] == sum(row["parts"].values())
        assert row["instructions"]["median"] < row["instructions"]["p95"] < row["open_instructions"]
    shown = layout.render(firmware.tables(found))
    assert f"{found['rows'][0]['flash']:,} B" in shown
    assert "Cortex-M7, `small`" in shown


@needs_tools
@pytest.mark.slow
def test_flash(
    measured: Measured,
    export: Any,
    default_run: Path,
    labelled: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error_line: ErrorLine,
) -> None:
    """The shipped run stands for what is trained: it fits 512 KiB, and it does not fit 256."""
    calls = []

    def call(arguments: list[str]) -> None:
        calls.append(arguments)
        if arguments[0] == "-m":
            shutil.copytree(default_run, arguments[3])
        else:
            export(Path(arguments[2]), Path(arguments[4]))

    monkeypatch.setattr(sweep, "call", call)
    (row,) = measured(flash.main, "--flash", "512", "--data", labelled)["rows"]
    assert calls[0][4:8] == ["--target-size", "496KiB", "--target", "c"]
    assert 400 * 1024 < row["flash"] < 512 * 1024
    assert (row["words"], row["buckets"], row["accuracy"]) == (19_896, 2**18, 1)
    assert "512 KiB" in layout.render(flash.tables({"rows": [row]}))
    capsys.readouterr()
    assert flash.main(["--flash", "256", "--data", str(labelled)]) == 2
    assert "more than 16 KiB without its model" in capsys.readouterr().err


@pytest.mark.parametrize("script", [firmware, flash])
def test_missing_tools(
    script: Any,
    default_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error_line: ErrorLine,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert script.main([]) == 2
    assert "gcc-arm-none-eabi" in error_line(capsys.readouterr().err)


@needs_tools
def test_a_bundle_without_a_block(
    default_bundle: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    assert firmware.main(["--model", str(default_bundle)]) == 2
    assert "no model file for C" in error_line(capsys.readouterr().err)
