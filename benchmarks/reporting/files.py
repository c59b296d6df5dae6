"""The model files of a bundle: accuracy, what quantisation changed, size and speed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.latency import make_subject
from benchmarks.measuring import processes, results, texts
from benchmarks.measuring.processes import Protocol
from benchmarks.measuring.text_files import read_texts
from benchmarks.reporting.evaluation import Evaluation, evaluate
from benchmarks.reporting.sources import Labelled
from edgetext import Bundle, EngineError
from export.compare import predict_keras
from export.scoring import load_classifier
from train import metrics
from train.metrics import Probabilities
from train.run import Run

# Fewer than in benchmarks/latency.py: a report shows what to expect, and is not to compare with.
PROTOCOL = Protocol(launches=5, rounds=1)
MOST_TIMED = 1000


def describe_files(bundle: Bundle) -> list[dict[str, Any]]:
    """Return what the manifest says of each model file: ``size`` is what scoring reads, with the vocabulary."""
    rows = []
    for model in bundle.models:
        described = results.describe_file(bundle, model)
        rows.append({**model.record, "size": results.bytes_read(described)})
    return rows


def score_files(bundle: Bundle, rows: list[dict[str, Any]], test: Labelled) -> dict[str, Evaluation]:
    """Score texts with each model file, and add ``measured`` to its row, or the ``error`` of its engine."""
    found = {}
    for model, row in zip(bundle.models, rows):
        try:
            classifier = load_classifier(bundle, model)
        except EngineError as error:
            row["error"] = results.without_folders(str(error))
            continue
        evaluation = found[model.file] = evaluate(classifier, test.description, test.texts, test.targets)
        row["measured"] = metrics.measure(evaluation.probabilities, test.targets, bundle.labels)
    return found


def compare_files(
    run: Run, rows: list[dict[str, Any]], scored: dict[str, Evaluation], labels: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Compare the answers of model files with those of the Keras model that they were converted from.

    Adds ``changed``, how many texts get another label, to the row of each file.

    Returns:
        What ``metrics.measure`` says of Keras; and the texts to which a file gives another label, in their order.
    """
    first = next(iter(scored.values()))
    keras = predict_keras(run, [text.text for text in first.texts])
    expected = keras.argmax(axis=1)
    changed: dict[int, dict[str, Any]] = {}
    for row in rows:
        if (found := scored.get(row["file"])) is None:
            continue
        places = (found.predicted != expected).nonzero()[0].tolist()
        row["changed"] = len(places)
        for place in places:
            text = changed.setdefault(place, _describe_text(first, keras, place, labels))
            answer = {"label": labels[found.predicted[place]], "score": found.scores[place]}
            text["answers"].append({"file": row["file"], **answer})
    return metrics.measure(keras, first.targets, labels), [changed[place] for place in sorted(changed)]


def _describe_text(found: Evaluation, keras: Probabilities, place: int, labels: Sequence[str]) -> dict[str, Any]:
    answer = {"file": "Keras", "label": labels[keras[place].argmax()], "score": keras[place].max()}
    return {**found.texts[place]._asdict(), "label": labels[found.targets[place]], "answers": [answer]}


def time_files(bundle: Bundle, rows: list[dict[str, Any]], run: Run, test: Sequence[str]) -> str:
    """Add ``timed`` to the row of each model file whose engine works here; blocks for C are not timed.

    Returns:
        What the texts are that were timed: those to test on; else those that the run holds, or samples.
    """
    if test:
        description, chosen = "of these texts", test
    elif run.heldout_texts:
        description, chosen = "held-back texts", run.heldout_texts
    else:
        description, chosen = "sample reviews", [text.text for text in read_texts(texts.SAMPLE)]
    chosen = chosen[:MOST_TIMED]
    timed = [(model, row) for model, row in zip(bundle.models, rows) if model.engine != "c"]
    subjects = [make_subject(bundle, model, sys.executable, bundle.folder) for model, _ in timed]
    given = texts.Texts(description, [texts.Text(text) for text in chosen], len(chosen))
    for (_, row), found in zip(timed, processes.measure(subjects, given, PROTOCOL)):
        if "error" not in found:
            row["timed"] = found
    return f"{len(chosen):,} {description}"
