"""The same answers on ARM as here, from the same file and the same version of the interpreter."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.instructions import PACKAGES
from edgetext import Bundle
from tests.pi.machines import Machine, Prepared

ROOT = Path(__file__).resolve().parent.parent.parent
TFLITE_PYTHON = ROOT / ".venv-tflite" / "bin" / "python"
SCRIPT = Path(__file__).with_name("scores.py")
STATIC = "static_wi8_ai8"
# Floating-point sums are made in another order there.
TOLERANCE = 1e-6

Answers = dict[str, Any]


@pytest.fixture(scope="module")
def here(prepared: Prepared, review_file: Path) -> Callable[[str | None, str, str], Answers]:
    """Score on this machine, once with each file and interpreter."""

    @functools.cache
    def score(package: str | None, engine: str, recipe: str) -> Answers:
        python = sys.executable
        if package == "tflite-runtime":
            if not TFLITE_PYTHON.exists():
                pytest.skip("no .venv-tflite: `make pi-test` makes it where a Python 3.11 on Linux is found")
            python = str(TFLITE_PYTHON)
        command: list[str | Path] = [python, SCRIPT, prepared.folder / "bundle", engine, recipe, review_file]
        env = {**os.environ, "PYTHONPATH": str(prepared.device / "runtime")}
        result = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", check=False)
        assert result.returncode == 0, result.stderr
        answers: Answers = json.loads(result.stdout)
        return answers

    return score


def test_answers(
    machine: Machine, package: str | None, prepared: Prepared, review_file: Path, guest: Any, here: Any
) -> None:
    models = [model for model in Bundle.open(prepared.folder / "bundle").models if package in PACKAGES[model.engine]]
    assert models
    for model in models:
        command = [SCRIPT, prepared.folder / "bundle", model.engine, model.recipe, review_file]
        result = guest(machine, package, *command, paths=[prepared.device / "runtime"])
        assert result.returncode == 0, result.stderr
        found, expected = json.loads(result.stdout), here(package, model.engine, model.recipe)
        if found["runtime"] != expected["runtime"]:
            pytest.skip(f"{expected['runtime']} is here, {found['runtime']} there")
        assert [label for label, _ in found["answers"]] == [label for label, _ in expected["answers"]]
        values, references = ([value for _, value in answers["answers"]] for answers in (found, expected))
        difference = max(abs(value - reference) for value, reference in zip(values, references, strict=True))
        print(f"{model.file}: {len(values)} texts, largest difference {difference:.3g}")
        assert difference <= (0 if model.recipe == STATIC else TOLERANCE), model.file
