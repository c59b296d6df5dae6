"""Fixtures of the export tests: the committed run, and all its recipes exported once by the real commands."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from edgetext import Bundle
from edgetext.quiet import import_tensorflow
from export.command import main

if TYPE_CHECKING:
    from export.runs import Run

import_tensorflow()  # with its settings, before anything imports it without them

ENGINES = ("tflite", "onnx")


class Exported(NamedTuple):
    """What the real commands wrote, and what they printed, by engine."""

    folder: Path
    bundle: Bundle
    printed: dict[str, str]

    def read(self, engine: str, recipe: str) -> bytes:
        """Give the content of a model file."""
        return (self.folder / f"model.{recipe}.{engine}").read_bytes()


@pytest.fixture(scope="session")
def default_run(root: Path) -> Path:
    """The folder of the committed run."""
    return root / "train" / "default"


@pytest.fixture(scope="session")
def run(default_run: Path) -> Run:
    """The committed run; not to be changed."""
    from export.runs import load_run

    return load_run(default_run)


@pytest.fixture(scope="session")
def exported(
    tmp_path_factory: pytest.TempPathFactory, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> Exported:
    """All recipes of the committed run, written into one bundle by the scripts as a user starts them."""
    folder = tmp_path_factory.mktemp("exported") / "bundle"
    printed = {}
    for engine in ENGINES:
        result = run_python(f"export/to_{engine}.py", "--recipe", "all", "--out", folder)
        assert (result.returncode, result.stderr) == (0, "")
        printed[engine] = result.stdout
    return Exported(folder, Bundle.open(folder), printed)


@pytest.fixture(scope="session")
def keras_answers(run: Run) -> dict[str, Any]:
    """The committed model's probabilities of the second label.

    ``long`` of the held-back rows and ``short`` of their heads; ``rows`` and ``short_rows`` are the ids themselves.
    """
    rows = run.heldout
    short = rows.copy()
    short[:, 11:] = 0  # the start mark and ten words
    return {
        "rows": rows,
        "short_rows": short,
        "long": run.model.predict(rows, verbose=0)[:, 0].astype(np.float64),
        "short": run.model.predict(short, verbose=0)[:, 0].astype(np.float64),
    }


@pytest.fixture
def run_copy(default_run: Path, tmp_path: Path) -> Path:
    """A copy of the committed run, to damage."""
    return Path(shutil.copytree(default_run, tmp_path / "run"))


@pytest.fixture(scope="session")
def other_run(default_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that differs from the committed one in its weights alone."""
    import keras

    folder = tmp_path_factory.mktemp("runs") / "other"
    shutil.copytree(default_run, folder)
    model = keras.saving.load_model(folder / "model.keras")
    model.set_weights([weights * 1.01 for weights in model.get_weights()])
    model.save(folder / "model.keras")
    return folder


@pytest.fixture(scope="session")
def export() -> Callable[..., int]:
    """Run an exporter's command in this process: ``export("tflite", "--out", folder)``; give its exit code."""
    return lambda engine, *options: main(engine, "Export.", [str(option) for option in options])
