"""Scoring labelled texts with the model files of a bundle, and with the Keras model that they came from."""

from __future__ import annotations

import functools
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix

from benchmarks.measuring import results, texts
from benchmarks.measuring.results import BenchmarkError
from benchmarks.measuring.text_files import ANY_READING, Reading, Text, find_given, is_text_file
from benchmarks.measuring.texts import Texts
from edgetext import Bundle, EngineError
from edgetext.bundle.manifest import ModelFile
from train import metrics
from train.tensorflow_setup import import_tensorflow

import_tensorflow()  # what follows imports Keras

from export.compare import predict_keras
from export.scoring import load_classifier, load_labelled_texts, predict
from train.run import Run
from train.tables.table import Table

# A short text is a review truncated to this many words: quantisation errors that a long text averages away show.
SHORT_WORDS = 10

Probabilities = npt.NDArray[np.float64]  # (texts, labels)
Targets = npt.NDArray[np.int64]  # (texts,)


def find_labelled(data: str | None, run: Run, limit: int | None, reading: Reading = ANY_READING) -> Texts:
    """Find texts that a run was not fitted on: see ``load_labelled_texts``; or any table, if the run has none."""
    files = run.config.get("data", {}).get("files")
    if data and (is_text_file(Path(data)) if files is None else _has_other_columns(data, run, reading)):
        return texts.find(data, limit, reading=reading)
    found = load_labelled_texts(run, data, find_given(reading))
    names = run.config["labels"]
    labelled = [Text(text, id_, names[target]) for text, id_, target in zip(found.texts, found.ids, found.targets)]
    return texts.choose(found.description, labelled, limit)


def _has_other_columns(data: str, run: Run, reading: Reading) -> bool:
    """Return whether a file has JSON lines without the columns of the run, as ``train.texts`` writes them."""
    record = run.config["data"]
    if not data.endswith(".jsonl") or Path(data).name == record["files"]["train"]["name"]:
        return False
    texts = record["text_columns"] if reading.column is None else [reading.column]
    names = Table(Path(data)).written_as(reading.dialect).inspect().names
    return not {record["label_column"], *texts} <= set(names)


def find_targets(given: Sequence[Text], labels: Sequence[str]) -> Targets:
    """Return the index of each text's label."""
    for number, text in enumerate(given, 1):
        if text.label not in labels:
            known = textwrap.shorten(", ".join(labels), 200, placeholder=f" ... ({len(labels)} labels)")
            raise BenchmarkError(f"{text.id or f'text {number}'}: its label is {text.label!r}; the bundle has {known}")
    return np.array([labels.index(str(text.label)) for text in given])


def score_bundle(bundle: Bundle, models: Iterable[ModelFile], run: Run, given: Sequence[Text]) -> dict[str, Any]:
    """Score texts with Keras and with model files, through the classifier that ships.

    Returns:
        ``keras``: what ``describe`` returns, and ``short_accuracy``. ``rows``: for each file what
        ``results.describe_file`` returns, and ``error`` if its engine does not work here; otherwise also the
        ``runtime``, ``seconds``, ``drop_points`` and ``macro_drop_points`` (percentage points below Keras), what
        ``compare`` returns for whole and for short texts, and ``labels_as_first``, the share of texts with the same
        label as from the first file.
    """
    targets, whole = find_targets(given, bundle.labels), [text.text for text in given]
    short = [" ".join(bundle.preprocessing.rules.tokenize(text)[:SHORT_WORDS]) for text in whole]

    def score(model: Callable[[Sequence[str]], Probabilities]) -> tuple[Probabilities, Probabilities, dict[str, Any]]:
        started = time.perf_counter()
        outputs = model(whole)
        described = {"seconds": round(time.perf_counter() - started, 2), **describe(outputs, targets, bundle.labels)}
        short_outputs = model(short)
        return outputs, short_outputs, {**described, "short_accuracy": accuracy(short_outputs, targets)}

    expected, expected_short, keras = score(functools.partial(predict_keras, run))
    rows: list[dict[str, Any]] = []
    first = None
    for model in models:
        row = results.describe_file(bundle, model)
        rows.append(row)
        try:
            classifier = load_classifier(bundle, model)
        except EngineError as error:
            row["error"] = results.without_folders(str(error))
            continue
        found, found_short, described = score(functools.partial(predict, classifier))
        first = found if first is None else first
        row |= {"runtime": classifier.engine.runtime, **described}
        row["drop_points"] = round(100 * (keras["accuracy"] - row["accuracy"]), 4)
        row["macro_drop_points"] = round(100 * (keras["macro_f1"] - row["macro_f1"]), 4)
        row |= compare("", found, expected) | compare("short_", found_short, expected_short)
        row["labels_as_first"] = accuracy(found, first.argmax(axis=1))
    return {"keras": keras, "rows": rows}


def accuracy(probabilities: Probabilities, targets: Targets) -> float:
    """Return the share of texts whose most probable label is the target, to six digits."""
    return round(float((probabilities.argmax(axis=1) == targets).mean()), 6)


def describe(probabilities: Probabilities, targets: Targets, labels: Sequence[str]) -> dict[str, Any]:
    """Return ``accuracy``, ``calibration_error``, ``macro_f1``, ``classes`` and ``confusion``.

    ``classes`` has ``precision``, ``recall``, ``f1`` and ``texts`` by label that occurs; ``confusion``, by true label,
    the count of each label found, without zeros.
    """
    found = metrics.measure(probabilities, targets, labels)
    matrix = confusion_matrix(targets, probabilities.argmax(axis=1), labels=range(len(labels)))  # (true, found)
    rows = [{labels[column]: int(row[column]) for column in np.flatnonzero(row).tolist()} for row in matrix]
    return {
        "accuracy": round(found["accuracy"], 6),
        "calibration_error": round(found["ece"], 4),
        "macro_f1": round(found["macro_f1"], 6),
        "classes": {name: {key: round(one, 6) for key, one in part.items()} for name, part in found["classes"].items()},
        "confusion": dict(zip(labels, rows)),
    }


def compare(prefix: str, ours: Probabilities, theirs: Probabilities) -> dict[str, Any]:
    """Return how many labels differ, and the largest and the mean difference of a text's probabilities."""
    difference = np.abs(ours - theirs).max(axis=1)  # (texts,)
    return {
        f"{prefix}labels_changed": int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum()),
        f"{prefix}max_difference": float(f"{difference.max():.3g}"),
        f"{prefix}mean_difference": float(f"{difference.mean():.3g}"),
    }
