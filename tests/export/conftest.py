"""Fixtures of the export tests: two runs, and all recipes of one of them exported once."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from edgetext import Bundle
from edgetext.encoder import Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from export.command import main
from export.recipes import EXTENSIONS
from train.encoding.vocabulary import is_spelling
from train.tensorflow_setup import import_tensorflow

if TYPE_CHECKING:
    from train.run import Run

import_tensorflow()  # before anything imports it without these settings

# The options of all exports of all recipes.
EVERYTHING = (
    ("builtin", ()),
    ("tflite", ()),
    ("onnx", ()),
    ("onnx", ("--input", "text")),
    ("c", ()),
)


class Exported(NamedTuple):
    """A bundle with all recipes, and what the exporters printed, by engine."""

    folder: Path
    bundle: Bundle
    printed: dict[str, str]

    def read(self, engine: str, recipe: str) -> bytes:
        """Return the content of a model file."""
        return (self.folder / f"model.{recipe}.{EXTENSIONS.get(engine, engine)}").read_bytes()


@pytest.fixture(scope="session")
def default_run(root: Path) -> Path:
    """The folder of the committed run."""
    return root / "train" / "default"


@pytest.fixture(scope="session")
def tutorial_run(default_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the tutorial's network, fitted to the 600 reviews in the committed run."""
    import keras

    from train.models import network
    from train.run import save_model

    folder = tmp_path_factory.mktemp("runs") / "tutorial"
    shutil.copytree(default_run, folder, ignore=shutil.ignore_patterns("ngrams.txt", "validation.npz"))
    tokens = (default_run / "vocab.txt").read_bytes().split(b"\n")[:10_000]
    (folder / "vocab.txt").write_bytes(b"\n".join(tokens) + b"\n")
    known = {token.decode() for token in tokens}
    spellings = (default_run / "spellings.txt").read_text("utf-8").splitlines()
    kept = [f"{spelling}\n" for spelling in spellings if is_spelling(spelling, known, KERAS_IMDB)]
    (folder / "spellings.txt").write_text("".join(kept), encoding="utf-8")
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
    config["preprocessing"] = Preprocessing(256, "pre", KERAS_IMDB).to_json()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    keras.utils.set_random_seed(1)
    model = network.build_tutorial(10_000, 256)
    model.compile(optimizer=model.optimizer, loss=model.loss, steps_per_execution=38)  # an epoch; twice as fast
    encoded, targets = (
        np.concatenate([samples[f"{part}_{kind}"] for part in ("calibration", "heldout")]).astype(np.float32)
        for kind in ("ids", "targets")
    )
    short = np.where(np.arange(256) < 11, encoded, 0)  # so that it can tell short texts apart too
    model.fit(np.concatenate([encoded, short]), np.concatenate([targets, targets]), epochs=60, batch_size=32, verbose=0)
    save_model(model, folder / "model.keras")
    return folder


@pytest.fixture(scope="session")
def run(tutorial_run: Path) -> Run:
    """The run of the tutorial's network; must not be changed."""
    from train.run import load_run

    return load_run(tutorial_run)


@pytest.fixture(scope="session")
def edge_run(default_run: Path) -> Run:
    """The committed run, of the preset edge; must not be changed."""
    from train.run import load_run

    return load_run(default_run)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, export: Callable[..., int]) -> Exported:
    """All recipes of the tutorial's run, in one bundle."""
    folder = tmp_path_factory.mktemp("exported") / "bundle"
    printed: dict[str, str] = {}
    for engine, options in EVERYTHING:
        with io.TextIOWrapper(io.BytesIO(), encoding="utf-8") as output:
            with contextlib.redirect_stdout(output):
                assert export(engine, "--recipe", "all", *options, "--out", folder) == 0
            output.seek(0)
            printed[engine] = printed.get(engine, "") + output.read()
    return Exported(folder, Bundle.open(folder), printed)


@pytest.fixture(scope="session")
def keras_answers(run: Run) -> dict[str, Any]:
    """Keras' probabilities of the second label, ``long`` for the held-back texts and ``short`` for their first words.

    ``long_ids`` and ``short_ids`` are the encoded texts.
    """
    ids = run.heldout
    short = ids.copy()
    short[:, 11:] = 0  # the start id and ten words
    return {
        "long_ids": ids,
        "short_ids": short,
        "long": run.model.predict(ids, verbose=0)[:, 0].astype(np.float64),
        "short": run.model.predict(short, verbose=0)[:, 0].astype(np.float64),
    }


@pytest.fixture
def run_copy(tutorial_run: Path, tmp_path: Path) -> Path:
    """A copy of the tutorial's run, to damage."""
    return Path(shutil.copytree(tutorial_run, tmp_path / "run"))


@pytest.fixture(scope="session")
def other_run(tutorial_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that differs from the tutorial's only in its weights."""
    import keras

    folder = tmp_path_factory.mktemp("runs") / "other"
    shutil.copytree(tutorial_run, folder)
    model = keras.saving.load_model(folder / "model.keras")
    model.set_weights([weights * 1.01 for weights in model.get_weights()])
    model.save(folder / "model.keras")
    return folder


@pytest.fixture(scope="session")
def export(tutorial_run: Path) -> Callable[..., int]:
    """Run an exporter in this process, ``export("tflite", "--out", folder)``, and return its exit code.

    It exports the tutorial's run unless ``--run`` names another.
    """
    return lambda engine, *options: main(engine, "Export.", ["--run", str(tutorial_run), *map(str, options)])
