"""Rules for the checkout as a whole."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def tracked() -> list[Path]:
    result = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if result.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in result.stdout.decode().split("\0") if name and (ROOT / name).exists()]


def test_no_large_files() -> None:
    assert [path.name for path in tracked() if path.stat().st_size > 2_000_000] == []


@pytest.mark.parametrize("stage", ["train", "export", "benchmarks", "runtime"])
def test_no_module_hides_a_real_package(stage: str) -> None:
    """A script's own folder comes before the standard library and site-packages on the path."""
    import importlib.metadata
    import sys

    real = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
    assert {path.stem for path in (ROOT / stage).glob("*.py")} & real == set()
