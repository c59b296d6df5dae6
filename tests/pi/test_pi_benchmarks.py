"""Counting instructions on emulated machines: counts repeat, and no command has become dear."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import instructions
from tests.pi.machines import Prepared


def test_counts_repeat(prepared: Prepared) -> None:
    if prepared.counter is None:
        pytest.skip(prepared.counter_error or "")
    platform = next(machine.platform for machine in prepared.machines if machine.error is None)
    counts = []
    for _ in range(2):
        with instructions.start(prepared.folder, platform) as counted:
            counts.append(counted.once())
    assert 10e6 < counts[0] < 100e6
    assert counts[1] == pytest.approx(counts[0], rel=0.001)


def test_the_command_has_not_become_dear(prepared: Prepared, run_python: Any) -> None:
    if prepared.counter is None:
        pytest.skip(prepared.counter_error or "")
    result = run_python("benchmarks/instructions.py", "--pi", prepared.folder, "--check")
    print(result.stdout)
    assert result.returncode == 0, result.stderr
