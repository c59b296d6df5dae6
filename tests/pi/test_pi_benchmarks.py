"""The benchmarks with emulated machines: they run, they say what was emulated, and no command has become dear."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measuring import emulation, results
from benchmarks.measuring.emulation import Prepared


@pytest.fixture(scope="module")
def measured(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory, run_python: Any) -> Path:
    """A quick measurement by the folders that are copied to a device."""
    machine = next(one for one in prepared.machines if one.error is None)
    file = tmp_path_factory.mktemp("latency") / "pi.json"
    command = [prepared.device / "benchmarks" / "latency.py", "--quick", "--emulated", "--limit", "3", "--json", file]
    package = next(iter(machine.packages), None)
    result = run_python(*command, "--python", shlex.join(machine.python(package)), env={"PYTHONPATH": None})
    assert result.returncode == 0, result.stderr
    assert "it is not a device's speed" in result.stdout
    return file


def test_latency_says_that_it_was_emulated(measured: Path) -> None:
    found = results.read(measured, "latency")
    where = found["environment"]
    assert where["emulated"] is True
    assert where["processor"].endswith(" emulated by qemu")
    assert where["machine"] in ("aarch64", "armv7l")
    assert where["python"].startswith("CPython 3.11.")
    assert {row["engine"] for row in found["rows"] if "error" not in row} >= {"builtin"}


def test_report_shows_ratios_only(measured: Path, prepared: Prepared, tmp_path: Path, run_python: Any) -> None:
    readme = tmp_path / "README.md"
    blocks = "".join(f"<!-- begin {name} -->\n<!-- end {name} -->\n" for name in ("latency", "startup"))
    report = prepared.device / "benchmarks" / "report.py"
    readme.write_text(blocks)
    refused = run_python(report, measured, "--readme", readme)
    assert refused.returncode == 2
    assert "made with --quick" in refused.stderr
    found = json.loads(measured.read_text("utf-8"))
    found["protocol"]["quick"] = False
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(found), encoding="utf-8")
    written = run_python(report, whole, "--readme", readme)
    assert written.returncode == 0, written.stderr
    latency, _, startup = readme.read_text("utf-8").partition("<!-- end latency -->")
    for text in (latency, startup):
        assert "it is not a device's speed" in text
        assert " ms |" not in text
        assert " µs |" not in text


def test_counts_repeat(prepared: Prepared) -> None:
    if prepared.counter is None:
        pytest.skip(prepared.counter_error or "")
    platform = next(machine.platform for machine in prepared.machines if machine.error is None)
    counts = []
    for _ in range(2):
        with emulation.start(prepared, platform) as counted:
            counts.append(counted.once(None))
    assert 10e6 < counts[0] < 100e6
    assert counts[1] == pytest.approx(counts[0], rel=0.001)


def test_the_command_has_not_become_dear(prepared: Prepared, run_python: Any) -> None:
    if prepared.counter is None:
        pytest.skip(prepared.counter_error or "")
    result = run_python("benchmarks/instructions.py", "--pi", prepared.folder, "--check")
    print(result.stdout)
    assert result.returncode == 0, result.stderr
