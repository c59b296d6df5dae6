"""Reading a run folder, which ``python -m train`` wrote."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgetext.errors import EdgetextError
from edgetext.text import Preprocessing, Vocabulary, tokenize
from export.rewriting import both_labels, fold_padding

FORMAT_VERSION = 1
# What reading a damaged file of a run can raise: JSON, zip, deflate, numpy and Keras each have exceptions of their own.
_DAMAGE = (OSError, ValueError, LookupError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)


class RunError(EdgetextError):
    """A run folder is missing, damaged or of another format; the message is one line."""


@dataclass(frozen=True)
class Run:
    """A run, read and ready to convert.

    Attributes:
        folder: Where it lies.
        config: The content of ``config.json``.
        metrics: The content of ``metrics.json``.
        vocabulary: The content of ``vocab.txt``, as bytes.
        tokens: The same as a list: the token of each id.
        spellings: How words of the vocabulary are written with capitals, and the id of each, most frequent first.
        preprocessing: How rows of ids were made.
        model: The Keras model: int32 ids, shape (batch, max_length), to probabilities, shape (batch, columns).
        model_sha256: Of ``model.keras``; what a bundle names as its origin.
        calibration: Ids of reviews that were fitted, shape (reviews, max_length), int32.
        heldout: Ids of reviews that were not, likewise.
        heldout_targets: Their labels' indices, shape (reviews,).
    """

    folder: Path
    config: dict[str, Any]
    metrics: dict[str, Any]
    vocabulary: bytes
    tokens: tuple[str, ...]
    spellings: dict[str, int]
    preprocessing: Preprocessing
    model: keras.Model
    model_sha256: str
    calibration: npt.NDArray[np.int32]
    heldout: npt.NDArray[np.int32]
    heldout_targets: npt.NDArray[np.int64]


def load_run(folder: Path) -> Run:
    """Read a run folder.

    Raises:
        RunError: It is missing, incomplete, damaged or of another format version.
    """
    if not (folder / "config.json").is_file():
        raise RunError(f"no run at {folder}: python -m train --out {folder} writes one")
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        if config["format_version"] != FORMAT_VERSION:
            raise RunError(f"{folder}: format_version is {config['format_version']}, and this one is {FORMAT_VERSION}")
        if missing := {"name", "preset", "labels"} - set(config):
            raise RunError(f"{folder}: config.json has no {', '.join(sorted(missing))}")
        vocabulary = (folder / "vocab.txt").read_bytes()
        parsed = Vocabulary.from_bytes(vocabulary)
        size = len(parsed)
        preprocessing = Preprocessing.from_json(config["preprocessing"])
        with np.load(folder / "samples.npz", allow_pickle=False) as samples:
            calibration, heldout = (samples[f"{name}_ids"].astype(np.int32) for name in ("calibration", "heldout"))
            targets = samples["heldout_targets"].astype(np.int64)
        for rows in (calibration, heldout):
            if rows.shape[1] != preprocessing.max_length or rows.max() >= size:
                raise RunError(f"{folder}: samples.npz is not of this run's vocabulary and max_length")
        if targets.shape != heldout.shape[:1]:
            raise RunError(f"{folder}: samples.npz has {targets.size} targets for {len(heldout)} held-back reviews")
        model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
        if (model.output_shape[-1], len(config["labels"])) != (1, 2) and model.output_shape[-1] != len(
            config["labels"]
        ):
            raise RunError(
                f"{folder}: the model has {model.output_shape[-1]} outputs for {len(config['labels'])} labels"
            )
        if size not in {getattr(layer, "input_dim", None) for layer in model.layers}:
            raise RunError(f"{folder}: vocab.txt has {size} tokens, and the model has no embedding of that many")
        spellings = _read_spellings(folder / "spellings.txt", parsed, preprocessing.lowercase)
        return Run(
            folder=folder,
            config=config,
            metrics=json.loads((folder / "metrics.json").read_text("utf-8")),
            vocabulary=vocabulary,
            tokens=parsed.tokens,
            spellings=spellings,
            preprocessing=preprocessing,
            model=model,
            model_sha256=hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest(),
            calibration=calibration,
            heldout=heldout,
            heldout_targets=targets,
        )
    except _DAMAGE as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError(f"{folder}: not a whole run: {reason}") from None


def _read_spellings(path: Path, vocabulary: Vocabulary, lowercase: str) -> dict[str, int]:
    """Read ``spellings.txt``; ValueError for a line that is no spelling, or not of a word of the vocabulary."""
    known, spellings = vocabulary.ids, {}
    *lines, rest = path.read_bytes().decode("utf-8").split("\n")
    if rest:
        raise ValueError(f"{path.name}: the last line has no end")
    for number, spelling in enumerate(lines, 1):
        words = tokenize(spelling, lowercase)
        # Lower-casing can change the length, but what separates words would be missing from the word all the same.
        whole = len(spelling.lower() if lowercase == "unicode" else spelling)
        if len(words) != 1 or len(words[0]) != whole or words[0] == spelling or words[0] not in known:
            raise ValueError(f"{path.name}: line {number}: not a spelling of a word of vocab.txt: {spelling!r}")
        spellings[spelling] = known[words[0]]
    return spellings


def inference_function(run: Run) -> tf.types.experimental.PolymorphicFunction:
    """Give the model as a function to convert.

    It takes ``ids``, int32 (batch, max_length), and gives ``probabilities``, float32 (batch, labels).

    Three things differ from the Keras model, none in what it computes. What padding contributes is folded out of the
    embedding (see ``fold_padding``). A single output becomes one for each label (see ``both_labels``). And Keras'
    Embedding wraps every look-up in nine operations that serve negative indices; ids are never negative, so the copy
    that is converted gathers plainly.
    """
    source = both_labels(fold_padding(run.model))

    def plain(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = _GatherEmbedding if type(layer) is keras.layers.Embedding else type(layer)
        return kind.from_config(layer.get_config())

    model = keras.models.clone_model(source, clone_function=plain)
    model.set_weights(source.get_weights())
    signature = tf.TensorSpec((None, run.preprocessing.max_length), tf.int32, name="ids")

    @tf.function(input_signature=[signature])
    def infer(ids: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": model(ids, training=False)}

    return infer


class _GatherEmbedding(keras.layers.Embedding):
    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.embeddings, ids)
