"""The run folder: everything that a training leaves behind, and all that export needs.

model.keras      the trained model, without the optimizer's state
vocab.txt        the vocabulary, line n is the token with id n
spellings.txt    how its words are written with capitals, most frequent first, a spelling a line
config.json      preset, labels, preprocessing, settings, what the data were, versions
history.json     loss and accuracy per epoch, of training and validation
history.png      the same as two plots
metrics.json     loss, accuracy and more on the texts to validate and to test
samples.npz      encoded texts, so that export needs no data: `calibration_*` from those fitted, to calibrate
quantisation; `heldout_*` from those that were not, to compare converted models with Keras
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Sequence
from heapq import nsmallest
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgetext.text import Vocabulary
from train.atomic_folder import Kind, replacing
from train.corpus import LabelledText
from train.plots import plot_history
from train.rows import Encoded, digest

FORMAT_VERSION = 1
KIND = Kind(
    *("model.keras", "vocab.txt", "spellings.txt", "config.json"),
    *("history.json", "history.png", "metrics.json", "samples.npz"),
)


# 100 to 500 texts are what TensorFlow Lite's guide recommends to calibrate with. Five hundred to compare make one
# changed label 0.2 points, and keep the file at some hundred kilobytes.
COUNTS = {"calibration": 100, "heldout": 500}


def sample(name: str, encoded: Encoded, texts: Iterable[LabelledText]) -> dict[str, npt.NDArray[Any]]:
    """Draw texts for a run to hold, the first in the order of the SHA-256 of their ids: as good as at random.

    Args:
        name: ``"calibration"`` or ``"heldout"``.
        encoded: The texts, encoded.
        texts: The same, for their ids.

    Returns:
        Arrays with ``name`` in front of theirs: ``_reviews``, the ids of the texts; ``_ids``, their rows (uint8 to
        uint32); and ``_targets``, the indices of their labels (uint8 or uint16).
    """
    digests = ((digest(text.id), place, text.id) for place, text in enumerate(texts))
    drawn = nsmallest(COUNTS[name], digests)
    places = np.array([place for _, place, _ in drawn])
    rows, targets = encoded.take(places), encoded.targets[places]
    return {
        f"{name}_reviews": np.array([text_id for *_, text_id in drawn]),
        f"{name}_ids": rows.astype(np.min_scalar_type(int(rows.max()))),
        f"{name}_targets": targets.astype(np.min_scalar_type(int(targets.max()))),
    }


def write_run(
    out: Path,
    *,
    model: keras.Model,
    vocabulary: Vocabulary,
    spellings: Sequence[str],
    config: dict[str, Any],
    history: dict[str, list[float]],
    metrics: dict[str, Any],
    calibration: dict[str, npt.NDArray[Any]],
    heldout: dict[str, npt.NDArray[Any]],
) -> None:
    """Write a run folder, whole or not at all; one that it replaces is kept as ``<out>.previous``.

    Raises:
        OSError: It cannot be written.
    """
    with replacing(out, KIND, keep_previous=True) as new:
        folder = Path(new)
        save_model(model, folder / "model.keras")
        (folder / "vocab.txt").write_bytes(vocabulary.to_bytes())
        (folder / "spellings.txt").write_bytes("".join(f"{spelling}\n" for spelling in spellings).encode("utf-8"))
        for name, content in (("config", config), ("history", history), ("metrics", metrics)):
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            (folder / f"{name}.json").write_text(text, encoding="utf-8")
        plot_history(history, folder / "history.png")
        arrays: dict[str, Any] = {**calibration, **heldout}
        np.savez_compressed(folder / "samples.npz", **arrays)


# What Keras 3.15 writes of layers and initializers and Keras 3.12 refuses to read, even when it is None.
_NEW_SETTINGS = ("quantization_config", "input_axes", "output_axes")


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model for inference, so that every Keras in use reads it and equal weights give equal bytes.

    Three things that ``model.save`` writes are left out: the optimizer's moments, which would triple the file;
    settings newer than Keras 3.12, the last for Python 3.10, where they are not in use; and the time of day.
    """
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    copy.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, without in (("config.json", _drop_unset), ("metadata.json", _drop_date)):
        members[name] = json.dumps(json.loads(members[name], object_hook=without)).encode("utf-8")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # of the date that zip begins with, 1980


def _drop_unset(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in _NEW_SETTINGS or value is not None}


def _drop_date(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "date_saved"}
