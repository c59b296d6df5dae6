"""The runtime's unit tests, by unittest, under the other Pythons that it supports and this machine has.

Under the Python that runs pytest they are collected like all others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.c.programs import MissingError, build_wheel

ROOT = Path(__file__).resolve().parent.parent
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
TOO_OLD = ["2.7", "3.6", "3.7", "3.8"]
VERSIONS = [version for version in ("3.9", "3.10", "3.11", "3.12", "3.13") if version != HERE]


def find(version: str) -> str | None:
    """Return an interpreter that starts: from the path, or one of pyenv's, whose shims may not."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    pyenv = [folder.parent / "versions" for folder in folders if folder.name == "shims"]
    candidates = [shutil.which(f"python{version}")]
    candidates += [str(path) for root in pyenv for path in sorted(root.glob(f"{version}.*/bin/python{version}"))]
    for candidate in filter(None, candidates):
        check = f"import sys; sys.exit(sys.version_info[:2] != tuple(map(int, '{version}'.split('.'))))"
        if subprocess.run([candidate, "-c", check], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_runtime_under(version: str) -> None:
    python = find(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    command = [python, "-W", "error", "-m", "unittest", "discover", "-s", "tests/runtime", "-t", "."]
    # The slow tests read damaged files or measure memory, which is the same under each Python.
    env = {**os.environ, "EDGETEXT_SKIP_SLOW": "1"}
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "Ran " in result.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel of the engine native for this machine."""
    folder = tmp_path_factory.mktemp("native")
    try:
        path = build_wheel(os.uname().machine, folder)
    except MissingError as error:
        pytest.skip(str(error))
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != "3.9"])
def test_the_engine_native_under(version: str, wheel: Path) -> None:
    """One wheel for all: it keeps to the stable ABI."""
    python = find(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    command = [
        python,
        "-W",
        "error",
        "runtime/classify.py",
        "--engine",
        "native",
        "great movie",
        "caf\u00e9 \U0001f600",
    ]
    env = {**os.environ, "PYTHONPATH": str(wheel), "PYTHONUTF8": "1"}
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", check=False)
    assert (result.returncode, result.stderr) == (0, "")
    builtin = subprocess.run([python, *command[3:4], *command[6:]], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert result.stdout == builtin.stdout.replace("\tbuiltin\t", "\tnative\t")


@pytest.mark.parametrize("version", TOO_OLD)
def test_a_python_that_is_too_old(version: str) -> None:
    python = find(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    message = f"edgetext needs Python 3.9 or later, and this is {version}\n"
    for arguments in (["great movie"], ["--csv", "text", "--file", "x"]):
        result = subprocess.run([python, "runtime/classify.py", *arguments], cwd=ROOT, capture_output=True, text=True)
        assert (result.returncode, result.stdout, result.stderr) == (2, "", f"error: {message}")
    command = [python, "-B", "-c", "import edgetext"]
    result = subprocess.run(command, cwd=ROOT / "runtime", capture_output=True, text=True, check=False)
    assert result.stderr.endswith(f"ImportError: {message}")
