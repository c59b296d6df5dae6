"""The target `make mcu`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_without_the_tools(root: Path) -> None:
    words = [str(shutil.which("make")), "mcu", "PYTHON=/nowhere/python3"]
    done = subprocess.run(words, cwd=root, env={"PATH": "/nowhere"}, capture_output=True, check=False)
    assert done.returncode == 0
    (line,) = done.stdout.decode().splitlines()
    assert line.startswith("skipped mcu: ")
    assert "gcc-arm-none-eabi" in line
    assert done.stderr == b""
