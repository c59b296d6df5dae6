"""Fixtures of the export tests: the committed run, and all its recipes exported once by the real commands."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from edgetext import Bundle
from export.command import main
from export.recipes import EXTENSIONS
from train.tensorflow_setup import import_tensorflow

if TYPE_CHECKING:
    from train.run import Run

import_tensorflow()  # with its settings, before anything imports it without them

# The scripts, by engine.
SCRIPTS = {"builtin": "export/to_safetensors.py", "tflite": "export/to_tflite.py", "onnx": "export/to_onnx.py"}
ENGINES = tuple(SCRIPTS)
# What makes the model take text, by engine.
TEXT_OPTIONS = {"onnx": ("--input", "text")}


class Exported(NamedTuple):
    """What the real commands wrote, and what they printed, by engine; what took ids and what took text, one by one."""

    folder: Path
    bundle: Bundle
    printed: dict[str, str]

    def read(self, engine: str, recipe: str) -> bytes:
        """Give the content of a model file."""
        return (self.folder / f"model.{recipe}.{EXTENSIONS.get(engine, engine)}").read_bytes()


@pytest.fixture(scope="session")
def default_run(root: Path) -> Path:
    """The folder of the committed run."""
    return root / "train" / "default"


@pytest.fixture(scope="session")
def tutorial_run(default_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the tutorial's network, fitted to the 600 reviews whose ids the committed run holds."""
    import keras

    from train.models import network
    from train.run import save_model

    folder = tmp_path_factory.mktemp("runs") / "tutorial"
    shutil.copytree(default_run, folder)
    tokens = (default_run / "vocab.txt").read_bytes().split(b"\n")[:10_000]
    (folder / "vocab.txt").write_bytes(b"\n".join(tokens) + b"\n")
    known = {token.lower() for token in tokens}
    spellings = (default_run / "spellings.txt").read_bytes().split(b"\n")
    kept = [spelling + b"\n" for spelling in spellings if spelling.lower() in known]
    (folder / "spellings.txt").write_bytes(b"".join(kept))
    with np.load(default_run / "samples.npz") as found:
        samples = dict(found)
    for name in ("calibration_ids", "heldout_ids"):
        ids = samples[name][:, :256]
        samples[name] = np.where(ids < 10_000, ids, 2).astype(np.uint16)
    np.savez_compressed(folder / "samples.npz", **samples)
    config = json.loads((default_run / "config.json").read_text("utf-8"))
    for name in ("network", "choices"):
        del config[name]
    config |= {"name": "imdb-tutorial", "preset": "tutorial"}
    config["preprocessing"] |= {"max_length": 256, "truncating": "pre"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    keras.utils.set_random_seed(1)
    model = network.build_tutorial(10_000, 256)
    rows, targets = (
        np.concatenate([samples[f"{part}_{kind}"] for part in ("calibration", "heldout")]).astype(np.float32)
        for kind in ("ids", "targets")
    )
    short = np.where(np.arange(256) < 11, rows, 0)  # so that it has an opinion of short texts too
    model.fit(np.concatenate([rows, short]), np.concatenate([targets, targets]), epochs=60, batch_size=32, verbose=0)
    save_model(model, folder / "model.keras")
    return folder


@pytest.fixture(scope="session")
def run(tutorial_run: Path) -> Run:
    """The run of the tutorial's network; not to be changed."""
    from train.run import load_run

    return load_run(tutorial_run)


@pytest.fixture(scope="session")
def edge_run(default_run: Path) -> Run:
    """The committed run, of the preset edge; not to be changed."""
    from train.run import load_run

    return load_run(default_run)


@pytest.fixture(scope="session")
def exported(
    tmp_path_factory: pytest.TempPathFactory,
    run_python: Callable[..., subprocess.CompletedProcess[str]],
    tutorial_run: Path,
) -> Exported:
    """All recipes of the tutorial's run, written into one bundle by the scripts as a user starts them."""
    folder = tmp_path_factory.mktemp("exported") / "bundle"
    printed: dict[str, str] = {}
    for engine, script in SCRIPTS.items():
        for options in ((), TEXT_OPTIONS.get(engine)):
            if options is not None:
                result = run_python(script, "--recipe", "all", *options, "--run", tutorial_run, "--out", folder)
                assert (result.returncode, result.stderr) == (0, "")
                printed[engine] = printed.get(engine, "") + result.stdout
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
def run_copy(tutorial_run: Path, tmp_path: Path) -> Path:
    """A copy of the tutorial's run, to damage."""
    return Path(shutil.copytree(tutorial_run, tmp_path / "run"))


@pytest.fixture(scope="session")
def other_run(tutorial_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that differs from the tutorial's in its weights alone."""
    import keras

    folder = tmp_path_factory.mktemp("runs") / "other"
    shutil.copytree(tutorial_run, folder)
    model = keras.saving.load_model(folder / "model.keras")
    model.set_weights([weights * 1.01 for weights in model.get_weights()])
    model.save(folder / "model.keras")
    return folder


@pytest.fixture(scope="session")
def export(tutorial_run: Path) -> Callable[..., int]:
    """Run an exporter's command in this process: ``export("tflite", "--out", folder)``; give its exit code.

    It exports the tutorial's run, unless ``--run`` names another.
    """
    return lambda engine, *options: main(engine, "Export.", ["--run", str(tutorial_run), *map(str, options)])
