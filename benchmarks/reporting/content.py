"""What a report says, gathered from a bundle, its run, and texts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

from benchmarks.measuring import results
from benchmarks.measuring.text_files import make_reading
from benchmarks.reporting import evaluation, figures, files
from benchmarks.reporting.copies import find_copies
from benchmarks.reporting.evaluation import Evaluation, Text
from benchmarks.reporting.sources import Labelled, Missing, find_test, find_training
from benchmarks.reporting.suspicion import find_suspects
from edgetext import Bundle, BundleError, Classifier, EngineError
from train import metrics
from train.run import Run

# The most texts that a list shows, the most labels of the confusion matrix, and the words of a label.
SHOWN, MOST_LABELS, TOP_WORDS = 20, 20, 12


def gather(args: argparse.Namespace, bundle: Bundle, run: Run) -> dict[str, Any]:
    """Return the content of a report by the names that its template has.

    What cannot be said is a ``Missing``, with the reason.
    """
    reading, labels = make_reading(args), bundle.labels
    test, training = find_test(run, args.data, reading), find_training(run, args.data, reading)
    rows = files.describe_files(bundle)
    content: dict[str, Any] = {
        **{"name": bundle.name, "labels": labels, "files": rows, "run": run, "keras": run.metrics.get("test")},
        "environment": results.environment(),
        "changed": test,
    }
    main = None
    if isinstance(test, Labelled):
        scored = files.score_files(bundle, rows, test)
        if scored:
            content["keras"], content["changed"] = files.compare_files(run, rows, scored, labels)
            content["main_file"], main = next(iter(scored.items()))
    content["timed_texts"] = files.time_files(bundle, rows, run, [text.text for text in main.texts] if main else [])
    known = training.texts if isinstance(training, Labelled) else []
    unseen = evaluation.evaluate_validation(run, known)
    content["quality"] = _describe_quality(main or unseen, labels, bundle)
    content["suspects"] = _describe_suspects(unseen, training, labels)
    content["copies"] = _describe_copies(training, test, labels, bundle)
    content["top_words"] = _describe_top_words(bundle)
    return content


def _describe_quality(found: Evaluation | None, labels: Sequence[str], bundle: Bundle) -> dict[str, Any] | Missing:
    """Return what is measured on the texts of an evaluation."""
    if found is None:
        return Missing("needs labelled texts (--data), or a run that holds predictions, which older ones do not")
    measured = metrics.measure(found.probabilities, found.targets, labels)
    matrix = confusion_matrix(found.targets, found.predicted, labels=range(len(labels)))  # (true, found)
    shown = len(labels) <= MOST_LABELS
    wrong = matrix - np.diag(np.diag(matrix))
    most = np.argsort(-wrong, axis=None, kind="stable")[:SHOWN]
    pairs = [(labels[i], labels[j], int(wrong[i, j])) for i, j in zip(*np.unravel_index(most, wrong.shape))]
    rules = bundle.preprocessing.rules
    words = np.array([len(rules.tokenize(text.text)) for text in found.texts], dtype=np.int64)
    no_texts = Missing("needs the texts: name them with --data")
    return {
        "description": found.description,
        "measured": measured,
        "matrix": matrix.tolist() if shown else None,
        "confused": [pair for pair in pairs if pair[2]],
        "thresholds": evaluation.measure_thresholds(found),
        "reliability": figures.draw_reliability(found),
        "coverage": figures.draw_coverage(found),
        "by_length": evaluation.slice_by_length(found, words) if found.texts else no_texts,
        "by_known": evaluation.slice_by_known(found),
        "mistakes": evaluation.find_mistakes(found, labels, SHOWN) if found.texts else no_texts,
    }


def _describe_suspects(
    unseen: Evaluation | None, training: Labelled | Missing, labels: Sequence[str]
) -> list[dict[str, Any]] | Missing:
    """Return the rows of ``find_suspects``."""
    if isinstance(training, Missing):
        return training
    if unseen is None:
        return Missing("needs predictions for the training texts, which older runs do not hold: train again")
    return find_suspects(unseen, labels)


def _describe_copies(
    training: Labelled | Missing, test: Labelled | Missing, labels: Sequence[str], bundle: Bundle
) -> dict[str, Any] | Missing:
    """Return texts of the training and test texts that contradict each other or are nearly the same."""
    if isinstance(training, Missing):
        return training
    parts = [training, *([test] if isinstance(test, Labelled) else [])]
    texts: list[Text] = [*chain.from_iterable(part.texts for part in parts)]
    given = [labels[target] for part in parts for target in part.targets]
    found = find_copies(texts, given, bundle.preprocessing.rules)

    def describe(place: int) -> dict[str, Any]:
        return {**texts[place]._asdict(), "label": given[place], "is_test": place >= len(training.texts)}

    return {
        "conflicts": len(found.conflicts),
        "near": len(found.near),
        "compared": found.compared,
        "leaks": sum(one < len(training.texts) <= other for _, one, other in found.near),
        "shown_conflicts": [list(map(describe, places)) for places in found.conflicts[:SHOWN]],
        "shown_near": [(alike, describe(one), describe(other)) for alike, one, other in found.near[:SHOWN]],
    }


def _describe_top_words(bundle: Bundle) -> dict[str, Any] | Missing:
    """Return the words with the largest weights of the first labels, by label."""
    try:
        classifier = Classifier.load(bundle.folder, "builtin")
        found = classifier.top_words(count=TOP_WORDS)
    except (BundleError, EngineError) as error:
        return Missing(f"needs weights of words: {results.without_folders(str(error))}")
    return dict([*found.items()][:MOST_LABELS])
