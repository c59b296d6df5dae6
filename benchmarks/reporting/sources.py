"""Finding the texts of a report: those that test the model, and those that it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.measuring.results import BenchmarkError
from benchmarks.measuring.scoring import find_labelled, find_targets
from benchmarks.measuring.text_files import Reading, find_given, is_text_file
from benchmarks.reporting.evaluation import Text
from train.dataset import TRAIN, VALIDATION, Dataset
from train.models.presets import PRESETS
from train.reviews.dataset import read_reviews
from train.run import Run
from train.tables.reading import sha256
from train.tables.recorded import read_for_run, read_recorded


class Labelled(NamedTuple):
    """Texts, and the index of each one's label, shape (texts,)."""

    description: str
    texts: Sequence[Text]
    targets: npt.NDArray[np.int64]


class Missing(NamedTuple):
    """Why there are no such texts: the end of a sentence that begins with what needs them."""

    reason: str


def find_test(run: Run, data: str | None, reading: Reading) -> Labelled | Missing:
    """Find the texts that test the model: those that the run held out, or those of another file.

    Raises:
        edgetext.EdgetextError: If ``data`` cannot be read, or has labels that the run does not know.
    """
    if data is None:
        return Missing("needs labelled texts: name them with --data")
    files = run.config.get("data", {}).get("files")
    if files and "test" not in files and _is_trained_on(run, data) and not run.config["data"]["rows"]["test"]:
        return Missing("needs texts that the run held out for testing, and it held none out")
    found = find_labelled(data, run, None, reading)
    texts = [Text(text.id or f"text {number}", text.text) for number, text in enumerate(found.texts, 1)]
    return Labelled(found.source, texts, find_targets(found.texts, run.config["labels"]))


def find_training(run: Run, data: str | None, reading: Reading) -> Labelled | Missing:
    """Find the texts that the run was trained on, followed by those that it was validated on.

    Raises:
        edgetext.EdgetextError: If ``data`` cannot be read, or the run's predictions do not fit it.
    """
    if data is None:
        return Missing("needs the texts of the training: name them with --data")
    is_table = "files" in run.config.get("data", {})
    if not _is_trained_on(run, data) if is_table else is_text_file(Path(data)):
        return Missing("needs the texts of the training, and --data names others")
    found = _read_training(run, data, find_given(reading) if is_table else {})
    texts = list(chain.from_iterable(map(found.texts, (TRAIN, VALIDATION))))
    places = {label: place for place, label in enumerate(run.config["labels"])}
    targets = np.array([places[str(text.label)] for text in texts])
    held = run.validation
    fits = held is None or (held.places.max() < len(texts) and (targets[held.places] == held.targets).all())
    if not fits:
        raise BenchmarkError(f"{run.folder}: its validation.npz is not of the texts in {data}: train again")
    return Labelled(found.name, [Text(text.id, text.text) for text in texts], targets)


def _is_trained_on(run: Run, data: str) -> bool:
    """Return whether a file is the table that a run was trained on."""
    return bool(sha256(Path(data)) == run.config["data"]["files"]["train"]["sha256"])


def _read_training(run: Run, data: str, given: Mapping[str, Any]) -> Dataset:
    if "files" in run.config.get("data", {}):
        return read_for_run(read_recorded(run.folder, Path(data), given), TRAIN)
    by_movie = PRESETS[run.config["preset"]].by_movie
    return read_reviews(data, run.config["settings"]["validation"], by_movie=by_movie)
