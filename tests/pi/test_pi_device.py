"""The command on the machines, in the ways in which it reaches a device: a copied folder, and a wheel."""

from __future__ import annotations

import json
import re
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks.instructions import CPUS, PACKAGES
from edgetext import Classifier, engines
from tests.c.programs import build_wheel
from tests.pi.machines import Machine, Prepared

ENGINE = {package: engine for engine, packages in PACKAGES.items() for package in packages}


@pytest.mark.parametrize("way", ["folder", "wheel"])
def test_great_movie(machine: Machine, package: str | None, way: str, prepared: Prepared, guest: Any) -> None:
    wheel = [prepared.folder / "wheel"]
    command, paths = (["-m", "edgetext"], wheel) if way == "wheel" else (["runtime/classify.py"], [])
    # As a user types it who has nothing installed; and with an engine named.
    options = [] if package is None else ["--engine", ENGINE[package]]
    result = guest(machine, package, *command, "great movie", *options, "--json", paths=paths)
    assert (result.returncode, result.stderr) == (0, "")
    row = json.loads(result.stdout)
    assert (row["label"], row["engine"]) == ("positive", ENGINE[package])


def test_the_wheel_is_what_runs(machine: Machine, prepared: Prepared, guest: Any) -> None:
    result = guest(machine, None, "-c", "import edgetext; print(edgetext.__file__)", paths=[prepared.folder / "wheel"])
    assert result.stdout == f"{prepared.folder / 'wheel' / 'edgetext' / '__init__.py'}\n"


@pytest.mark.parametrize("engine", [name for name in engines.ENGINES if name != "builtin"])
def test_what_to_install_there(machine: Machine, engine: str, guest: Any) -> None:
    result = guest(machine, None, "runtime/classify.py", "great movie", "--engine", engine)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    works = {
        ("arm64", "tflite"): "pip install ai-edge-litert",
        ("armhf", "tflite"): "pip install tflite-runtime",
        ("arm64", "onnx"): 'pip install "onnxruntime',
        ("arm64", "native"): "pip install --no-index --find-links build/native edgetext-native",
        ("armhf", "native"): "pip install --no-index --find-links build/native edgetext-native",
    }
    fix = works.get((machine.platform, engine))
    assert fix in result.stderr if fix else "pip install" not in result.stderr


@pytest.mark.skipif(find_spec("ziglang") is None, reason="needs ziglang")
def test_the_engine_native(machine: Machine, guest: Any, tmp_path: Path) -> None:
    """Its wheel for that machine."""
    wheel = build_wheel({"arm64": "aarch64", "armhf": "armv7l"}[machine.platform], tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    options = ["--engine", "native", "--json", "great movie", "\u6620\u753b caf\u00e9 \U0001f600"]
    result = guest(machine, None, "runtime/classify.py", *options, paths=[tmp_path / "site"])
    assert (result.returncode, result.stderr) == (0, "")
    builtin = Classifier.load(engine="builtin")
    for line in map(json.loads, result.stdout.splitlines()):
        assert line["engine"] == "native"
        assert line["probabilities"] == pytest.approx(builtin.classify(line["text"]).probabilities, rel=1e-14)


def test_doctor(machine: Machine, guest: Any) -> None:
    """It reports that the other engines need separate processes, which cannot be started there."""
    result = guest(machine, None, "runtime/classify.py", "--doctor")
    assert (result.returncode, result.stderr) == (0, "")
    assert "builtin     works" in result.stdout


def test_tokenisation(machine: Machine, guest: Any) -> None:
    """The golden files; on one machine of a platform also the test that takes each of Unicode's characters."""
    chosen = ["-k", "test_text"] if machine.cpu == CPUS[machine.platform] else []
    modules = ("tests.runtime.test_text", "tests.runtime.test_words")
    result = guest(machine, None, "-m", "unittest", "-v", "-k", "test_golden_", *chosen, *modules)
    assert result.returncode == 0, result.stderr
    names = ("words", "ids", "words_and_ids", "ngrams_and_probabilities")
    for name in names:
        assert re.search(rf"test_golden_{name} .*ok$", result.stderr, re.MULTILINE)
