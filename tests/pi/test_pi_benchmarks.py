"""The benchmarks with emulated machines: they run, they say what was emulated, and no command has become dear."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks import counting, records
from benchmarks.emulation import Prepared


@pytest.fixture(scope="module")
def measured(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory, run_python: Any) -> Path:
    """A quick measurement by the folders that are copied to a device."""
    machine = next(one for one in prepared.machines if one.error is None)
    file = tmp_path_factory.mktemp("latency") / "pi.json"
    command = [prepared.device / "benchmarks" / "latency.py", "--quick", "--emulated", "--limit", "3", "--json", file]
    package = next(iter(machine.packages), None)
    result = run_python(*command, "--python", shlex.join(machine.python(package)), env={"PYTHONPATH": None})
    assert result.returncode == 0, result.stderr
    assert "the processor was emulated: these are not a device's speeds" in result.stdout
    return file


def test_latency_says_that_it_was_emulated(measured: Path) -> None:
    results = records.read(measured, "latency")
    where = results["environment"]
    assert where["emulated"] is True
    assert where["processor"].endswith(" emulated by qemu")
    assert where["machine"] in ("aarch64", "armv7l")
    assert where["python"].startswith("CPython 3.11.")
    assert {row["engine"] for row in results["rows"] if "error" not in row} >= {"builtin"}


def test_report_merges_it(measured: Path, prepared: Prepared, tmp_path: Path, run_python: Any) -> None:
    readme = tmp_path / "README.md"
    blocks = "".join(f"<!-- begin {name} -->\n<!-- end {name} -->\n" for name in ("latency", "startup"))
    report = prepared.device / "benchmarks" / "report.py"
    own = shutil.copy(records.FOLDER / "latency.json", tmp_path / "own.json")
    readme.write_text(blocks)
    refused = run_python(report, own, measured, "--readme", readme)
    assert refused.returncode == 2
    assert "made with --quick" in refused.stderr
    results = json.loads(measured.read_text("utf-8"))
    results["protocol"]["quick"] = False
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(results), encoding="utf-8")
    merged = run_python(report, own, whole, "--readme", readme)
    assert merged.returncode == 0, merged.stderr
    latency, _, startup = readme.read_text("utf-8").partition("<!-- end latency -->")
    for text in (latency, startup):
        device, mark, emulated = text.partition("Emulated; ")
        assert mark
        assert " ms |" in device or " µs |" in device
        assert "it is not a device's speed" in emulated
        assert " ms |" not in emulated
        assert " µs |" not in emulated


def test_counts_repeat(prepared: Prepared) -> None:
    if prepared.counter is None:
        pytest.skip(prepared.counter_error or "")
    platform = next(machine.platform for machine in prepared.machines if machine.error is None)
    counts = []
    for _ in range(2):
        with counting.start(prepared, platform) as counted:
            counts.append(counted.once(None))
    assert 10e6 < counts[0] < 100e6
    assert counts[1] == pytest.approx(counts[0], rel=0.001)


def test_the_command_has_not_become_dear(prepared: Prepared, run_python: Any) -> None:
    if prepared.counter is None:
        pytest.skip(prepared.counter_error or "")
    result = run_python("benchmarks/instructions.py", "--pi", prepared.folder, "--check")
    print(result.stdout)
    assert result.returncode == 0, result.stderr
