"""The run folder: the results of a training, and everything that exporting needs.

model.keras      the trained model, without the optimizer's state
vocab.txt        the vocabulary: line n is the token with id n
spellings.txt    other spellings of its words, such as "Great", most frequent first, one per line
config.json      preset, labels, preprocessing, settings, description of the dataset, versions
history.json     loss and accuracy per epoch, of training and validation
history.png      the history as a plot
metrics.json     loss, accuracy and more on the validation and the test texts
samples.npz      encoded texts: `calibration_*` from those fitted, to calibrate quantisation; `heldout_*` from those not
                 fitted (without test texts: those to validate, fitted or not; without these: those fitted), to compare
                 converted models with Keras
heldout_texts.jsonl
                 only in a run on a table: the texts of `heldout_*`, one JSON string per line, to compare the tokenizers
                 of other programs with ours
validation.npz   predictions for texts by models that were not fitted on them, calibrated as exported, to measure which
                 scores can be trusted: those of cross-validation, or else of the validation texts; `places`, where the
                 texts are in the dataset's texts for training followed by those for validation; `targets`, the indices
                 of their labels; `probabilities` of each label; `known`, the share of the text's words that the model
                 knows from other texts. Not in a run that held out no texts, nor in older ones
ngrams.txt       pairs and triples of words in the texts that have the largest weights, one per line, most frequent
                 first; not in a run of the preset tutorial, nor in older ones
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgetext.bundle import NGRAMS
from edgetext.encoder import Preprocessing
from edgetext.text import RuleSet
from edgetext.vocabulary import Vocabulary
from train.atomic_folder import replacing
from train.encoding.vocabulary import is_spelling
from train.fitting.plots import is_comparable, plot_history
from train.fitting.validation import Validation, read_validation, write_validation
from train.folder_lock import locked
from train.models.recipe import count_outputs
from train.run_folder import (
    FORMAT_VERSION,
    HELDOUT_TEXTS,
    RUN_FOLDER,
    VALIDATION_FILE,
    RunError,
    RunIdentity,
    read_config,
)

# What reading a damaged file can raise: JSON, zip, deflate, numpy and Keras each have their own exceptions.
_DAMAGE = (OSError, ValueError, LookupError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Run:
    """The content of a run folder, ready to convert."""

    folder: Path
    config: dict[str, Any]
    metrics: dict[str, Any]  # in the words of the current format version
    vocabulary: bytes  # the content of vocab.txt
    tokens: tuple[str, ...]  # the token of each id
    spellings: dict[str, int]  # other spellings and the id of each one's word, most frequent first
    preprocessing: Preprocessing
    model: keras.Model  # int32 ids, shape (batch, max_length), to probabilities, shape (batch, num_outputs)
    model_sha256: str  # of model.keras, which a bundle records as its origin
    calibration: npt.NDArray[np.int32]  # ids of texts that were fitted, shape (texts, max_length)
    heldout: npt.NDArray[np.int32]  # ids of texts to compare with Keras on, shape (texts, max_length)
    heldout_targets: npt.NDArray[np.int64]  # indices of the labels of heldout, shape (texts,)
    heldout_texts: tuple[str, ...] = ()  # the texts of heldout; none if the run does not hold them
    validation: Validation | None = None  # None if the run does not hold it
    ngrams: bytes | None = None  # the content of ngrams.txt; None if the run does not hold it

    @property
    def heldout_is_fitted(self) -> bool:
        """Whether all rows of a table were fitted in the end, ``heldout`` too, because none were held out."""
        measured = {name.removesuffix("_agreement") for name in self.metrics}
        return "test" not in measured and ("refitted" in measured or "validation" not in measured)

    @property
    def identity(self) -> RunIdentity:
        """What tells this run from others."""
        return RunIdentity(self.config, self.model_sha256)


def load_run(folder: Path) -> Run:
    """Read a run folder of any format version in ``READABLE_VERSIONS``.

    Raises:
        RunError: If the folder is missing, incomplete, damaged or of another format version.
    """
    before = _identify(folder)
    config = read_config(folder)
    try:
        vocabulary = (folder / "vocab.txt").read_bytes()
        preprocessing = Preprocessing.from_json(config["preprocessing"])
        parsed = Vocabulary.from_bytes(vocabulary, preprocessing.rules)
        samples = _read_samples(folder, preprocessing, len(parsed))
        run = Run(
            folder=folder,
            config=config,
            metrics=_read_metrics(folder),
            vocabulary=vocabulary,
            tokens=parsed.tokens,
            spellings=_read_spellings(folder / "spellings.txt", parsed, preprocessing.rules),
            preprocessing=preprocessing,
            model=_read_model(folder, len(config["labels"]), len(parsed)),
            model_sha256=hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest(),
            calibration=samples["calibration_ids"].astype(np.int32),
            heldout=samples["heldout_ids"].astype(np.int32),
            heldout_targets=samples["heldout_targets"].astype(np.int64),
            heldout_texts=_read_heldout_texts(folder / HELDOUT_TEXTS, len(samples["heldout_ids"])),
            validation=read_validation(folder / VALIDATION_FILE, len(config["labels"])),
            ngrams=_read_ngrams(folder / NGRAMS, parsed),
        )
    except _DAMAGE as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError(f"{folder}: not a complete run: {reason}") from None
    if _identify(folder) != before:
        raise RunError(f"{folder} was replaced while it was read: run the command again")
    return run


def _identify(folder: Path) -> int:
    """Return the number by which the file system knows a folder; 0 if there is none."""
    return os.stat(folder).st_ino if folder.exists() else 0


def _read_metrics(folder: Path) -> dict[str, Any]:
    """Read ``metrics.json``; the counts that version 1 calls ``reviews`` are called ``texts``."""
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text("utf-8"))
    if not isinstance(metrics, dict):
        raise RunError(f"{folder}: metrics.json is not an object")
    for record in metrics.values():
        if isinstance(record, dict) and "reviews" in record:
            record["texts"] = record.pop("reviews")
    return metrics


def _read_samples(folder: Path, preprocessing: Preprocessing, vocabulary_size: int) -> dict[str, npt.NDArray[Any]]:
    with np.load(folder / "samples.npz", allow_pickle=False) as found:
        samples = {name: found[name] for name in ("calibration_ids", "heldout_ids", "heldout_targets")}
    ngrams = preprocessing.characters.buckets if preprocessing.characters is not None else 0
    for name in ("calibration_ids", "heldout_ids"):
        if samples[name].shape[1] != preprocessing.width or samples[name].max() >= vocabulary_size + ngrams:
            raise RunError(f"{folder}: samples.npz does not fit this run's vocabulary and max_length")
    texts, targets = len(samples["heldout_ids"]), samples["heldout_targets"]
    if targets.shape != (texts,):
        raise RunError(f"{folder}: samples.npz has {targets.size} targets for {texts} held-out texts")
    return samples


def _read_heldout_texts(path: Path, count: int) -> tuple[str, ...]:
    if not path.exists():
        return ()
    texts = tuple(map(json.loads, path.read_text("ascii").splitlines()))
    if len(texts) != count or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{path.name} does not hold the {count} held-out texts")
    return texts


def _read_model(folder: Path, labels: int, vocabulary_size: int) -> keras.Model:
    model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    outputs = model.output_shape[-1]
    if outputs not in (labels, count_outputs(labels)):
        raise RunError(f"{folder}: the model has {outputs} outputs for {labels} labels")
    if vocabulary_size not in {getattr(layer, "input_dim", None) for layer in model.layers}:
        raise RunError(f"{folder}: vocab.txt has {vocabulary_size} tokens, but no embedding of the model has that size")
    return model


def _read_spellings(path: Path, vocabulary: Vocabulary, rules: RuleSet) -> dict[str, int]:
    """Read ``spellings.txt``; ValueError if a line is not a spelling of a word of the vocabulary."""
    known, spellings = vocabulary.ids, {}
    for number, spelling in enumerate(_split_lines(path.name, path.read_bytes()), 1):
        if not is_spelling(spelling, known, rules):
            raise ValueError(f"{path.name}: line {number}: not a spelling of a word of vocab.txt: {spelling!r}")
        spellings[spelling] = known[rules.tokenize(spelling)[0]]
    return spellings


def _split_lines(name: str, content: bytes) -> list[str]:
    *lines, rest = content.decode("utf-8").split("\n")
    if rest:
        raise ValueError(f"{name}: the last line has no end")
    return lines


def _read_ngrams(path: Path, vocabulary: Vocabulary) -> bytes | None:
    """Read ``ngrams.txt``; ValueError if a line is not a pair or triple of words of the vocabulary."""
    if not path.exists():
        return None
    content, known = path.read_bytes(), vocabulary.ids
    for number, line in enumerate(_split_lines(path.name, content), 1):
        words = line.split(" ")
        if not 2 <= len(words) <= 3 or not all(word in known for word in words):
            raise ValueError(f"{path.name}: line {number}: not a pair or triple of words of vocab.txt: {line!r}")
    return content


def write_run(
    out: Path,
    *,
    model: keras.Model,
    vocabulary: Vocabulary,
    spellings: Sequence[str],
    config: dict[str, Any],
    history: dict[str, list[float]],
    metrics: dict[str, Any],
    samples: dict[str, Any],
    heldout_texts: Sequence[str] = (),
    validation: Validation | None = None,
    ngrams: Sequence[str] | None = None,
) -> bool:
    """Write a run folder, completely or not at all; a run that it replaces is kept as ``<out>.previous``.

    Returns:
        Whether it replaced a run.

    Raises:
        OSError: If it cannot be written.
    """
    config = {"format_version": FORMAT_VERSION, **config} | {"format_version": FORMAT_VERSION}
    with locked(out), replacing(out, RUN_FOLDER, keep_previous=True) as new:
        replaces = (out / "config.json").exists()
        folder = Path(new)
        save_model(model, folder / "model.keras")
        (folder / "vocab.txt").write_bytes(vocabulary.to_bytes())
        _write_lines(folder / "spellings.txt", spellings)
        for name, content in (("config", config), ("history", history), ("metrics", metrics)):
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            (folder / f"{name}.json").write_text(text, encoding="utf-8")
        plot_history(history, folder / "history.png", comparable=is_comparable(config))
        np.savez_compressed(folder / "samples.npz", **samples)
        if validation is not None:
            write_validation(folder / VALIDATION_FILE, validation)
        if ngrams is not None:
            _write_lines(folder / NGRAMS, ngrams)
        if heldout_texts:
            (folder / HELDOUT_TEXTS).write_text("".join(f"{json.dumps(text)}\n" for text in heldout_texts), "ascii")
    return replaces


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8"))


# Settings of layers and initializers that Keras 3.15 writes and Keras 3.12 refuses to read, even when they are None.
_NEW_SETTINGS = ("quantization_config", "input_axes", "output_axes")


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model for inference, so that every supported Keras reads it and equal weights produce equal bytes.

    Three things that ``model.save`` writes are left out: the optimizer's moments, which would triple the file;
    unused settings newer than Keras 3.12, the last for Python 3.10; and the time of day.
    """
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    copy.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name in ("config.json", "metadata.json"):
        members[name] = json.dumps(json.loads(members[name], object_hook=_make_portable)).encode("utf-8")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # dated 1980, where zip's calendar begins


def _make_portable(record: dict[str, Any]) -> dict[str, Any]:
    unset = [name for name in _NEW_SETTINGS if record.get(name) is None]
    return {key: value for key, value in record.items() if key not in (*unset, "date_saved")}
