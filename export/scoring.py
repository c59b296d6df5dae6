"""Scoring the test texts of a run, reviews or rows of a table, with the model files of a bundle."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from edgetext import Bundle, BundleError, Classifier
from edgetext.bundle.manifest import ModelFile
from edgetext.engines.process import muted_stderr
from export.block.library import open_block
from train.dataset import DataError, LabelledText
from train.metrics import Probabilities, measure
from train.reviews.dataset import load_split
from train.run import Run
from train.tables.dataset import Text
from train.tables.recorded import read_for_run, read_recorded
from train.tables.report import ReportedError

# Digits of a recorded share; a drop in percentage points has two less.
DIGITS = 6


class LabelledTexts(NamedTuple):
    """Texts that were not fitted, with the index of each one's label, and what they are: ``"test reviews"``."""

    description: str
    texts: list[str]
    targets: list[int]
    ids: Sequence[str] = ()  # such as "tickets.csv:17"


def load_labelled_texts(run: Run, data: str | None, given: Mapping[str, Any] = MappingProxyType({})) -> LabelledTexts:
    """Load the test texts of a run.

    Args:
        run: The run.
        data: For a run that was trained on the movie reviews, their archive or folder; None finds them as training
            does. For a run that was trained on a table, that table, of which the test rows are taken, or another one,
            of which all rows are taken.
        given: Fields of ``TableOptions`` that say how that table is read, and take precedence over the run's.

    Raises:
        DataError: If there are no such texts, or the run was trained on a table and ``data`` is None.
    """
    files = run.config.get("data", {}).get("files")
    found: Sequence[LabelledText]
    if files is None:
        description, found = "test reviews", load_split("test", data)
    elif data is None:
        name = files["train"]["name"]
        raise DataError(f"{run.folder} was trained on {name}, not on the reviews: name it with --data {name}")
    else:
        description, found = _describe(files, Path(data).name), _read_table(run, Path(data), given)
        if any(text.probabilities is not None for text in found):
            description += ", by the most probable label given"
    labels = run.config["labels"]
    targets = [labels.index(row.label) for row in found]
    return LabelledTexts(description, [row.text for row in found], targets, [row.id for row in found])


def _describe(files: dict[str, dict[str, str]], name: str) -> str:
    if name != files["train"]["name"]:
        return f"rows of {name}"
    return f"rows of {files['test']['name']}" if "test" in files else f"test rows of {name}"


def _read_table(run: Run, data: Path, given: Mapping[str, Any]) -> list[Text]:
    """Return the usable rows, only those with a label if there are any; print what is wrong with the others."""
    try:
        table = read_for_run(read_recorded(run.folder, data, given), "test")
    except ReportedError as error:
        for finding in error.findings:
            print(finding, file=sys.stderr)
        raise
    for finding in table.findings:
        print(finding, file=sys.stderr)
    if not table.counts["test"]:
        raise DataError(f"{data}: there are no rows to test on")
    found = list(table.texts("test"))
    return [text for text in found if text.probabilities is None] or found


def load_classifier(bundle: Bundle, model: ModelFile) -> Classifier:
    """Return the classifier of one model file of a bundle; a block is scored by the C library.

    Raises:
        edgetext.EngineError: If the engine does not work here.
        edgetext.BundleError: If the file is damaged, or another one has the same engine and recipe.
    """
    if model.engine == "c":
        return Classifier(bundle.labels, *open_block(bundle, model), model)
    with muted_stderr():
        classifier = Classifier.load(bundle.folder, model.engine, recipe=model.recipe)
    if classifier.model is None or classifier.model.file != model.file:
        raise BundleError(f"{bundle.folder}: two models of engine {model.engine} and recipe {model.recipe}")
    return classifier


def predict(classifier: Classifier, texts: Sequence[str]) -> Probabilities:
    """Return a classifier's probabilities, shape (texts, labels); show the progress on a terminal."""
    predictions = classifier.classify_many(show_progress(classifier, texts))
    return np.array([[prediction.probabilities[label] for label in classifier.labels] for prediction in predictions])


def show_progress(classifier: Classifier, texts: Sequence[str]) -> Iterable[str]:
    """Return the texts, and show on a terminal how many of them a classifier has taken."""
    shown: Iterable[str] = tqdm(
        texts, desc=classifier.model.file if classifier.model else None, leave=False, disable=None
    )
    return shown


def measure_accuracy(probabilities: Probabilities, test: LabelledTexts, labels: Sequence[str]) -> dict[str, float]:
    """Return ``accuracy`` and ``macro_f1`` of a model's probabilities."""
    found = measure(probabilities, np.array(test.targets), labels)
    return {name: round(found[name], DIGITS) for name in ("accuracy", "macro_f1")}


def make_record(found: dict[str, float], keras: dict[str, float], test: LabelledTexts) -> dict[str, Any]:
    """Return what the manifest records as the ``test`` of a model file, given what ``measure_accuracy`` returned.

    ``drop_points`` and ``macro_drop_points`` say by how many percentage points it is below the Keras model.
    """
    drops = {name: round(100 * (keras[name] - found[name]), DIGITS - 2) for name in found}
    return {
        "accuracy": found["accuracy"],
        "texts": len(test.texts),
        "description": test.description,
        "drop_points": drops["accuracy"],
        "macro_f1": found["macro_f1"],
        "macro_drop_points": drops["macro_f1"],
    }
