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


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("content", [None, b"", b"\x1f\x8b\0\0", b"ETX2 and so on"])
def test_a_file_that_is_no_model(content: bytes | None, root: Path, tmp_path: Path) -> None:
    """It is found before anything is compiled."""
    path = tmp_path / "any file.bin"
    if content is not None:
        path.write_bytes(content)
    words = ["make", "-C", str(root / "runtime" / "examples" / "firmware"), f"MODEL={path}", f"BUILD={tmp_path}"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"MODEL={path} is not an .etx file that export/to_c.py wrote.  Stop.")
