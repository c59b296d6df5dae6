"""The fuzz targets: a short run of each finds nothing, and finds mistakes that are put in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

pytest.importorskip("atheris", reason="atheris has wheels for Linux on x86-64 alone")

ROOT = Path(__file__).resolve().parent.parent.parent
RUNS = {"fuzz_text": 10_000, "fuzz_safetensors": 30_000}


def fuzz(target: str, folder: Path, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    corpus = folder / "corpus"
    corpus.mkdir()
    options = [f"-atheris_runs={RUNS[target]}", "-seed=1", "-max_len=2000", "-len_control=0"]
    command = [sys.executable, "-m", f"tests.fuzz.{target}", *options, f"-artifact_prefix={folder}/", str(corpus)]
    return subprocess.run(
        # The fuzzer limits ru_maxrss, which a process inherits from the one that started it: a shell, not these tests.
        ["sh", "-c", '"$@"; exit $?', "sh", *command],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "runtime")])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("target", RUNS)
def test_nothing_is_found(target: str, tmp_path: Path) -> None:
    result = fuzz(target, tmp_path)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert f"Done {RUNS[target]}" in result.stderr
    assert list(tmp_path.glob("crash-*")) == []


@pytest.mark.parametrize(
    ("target", "module", "right", "wrong"),
    [
        ("fuzz_text", "keras_imdb.py", '"utf-8", "surrogatepass").translate', '"utf-8").translate'),
        ("fuzz_text", "encoder.py", "if len(words) == length:", "if len(words) > length:"),
        ("fuzz_text", "ngrams.py", "if byte & 0xC0 != 0x80]", "if byte]"),
        ("fuzz_text", "text.py", r'b"\r\x0b\x0c", b"\xf8\xf9\xfa"', r'b"\r\x0b", b"\xf8\xf9"'),
        ("fuzz_safetensors", "engines/safetensors.py", "type(value) is int and", "isinstance(value, int) and"),
        ("fuzz_safetensors", "engines/safetensors.py", "if begin != position:", "if begin < position:"),
    ],
)
def test_a_mistake_is_found(target: str, module: str, right: str, wrong: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("runtime", "tests"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = root / "runtime" / "edgetext" / module
    assert right in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(right, wrong), encoding="utf-8")
    assert fuzz(target, tmp_path, root).returncode != 0
    assert len(list(tmp_path.glob("crash-*"))) == 1
