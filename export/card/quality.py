"""What a model card says of a model's quality: accuracy of each file and label, training data, limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from export.card.markdown import SHOWN_LABELS, code, escape, table
from train.metrics import find_missed, show_accuracy
from train.run import Run

# Metrics of a run in the order of preference, and what their texts are.
_MEASURED = {
    "test": "test texts",
    "cross_validation": "texts in cross-validation",
    "validation": "validation texts",
}

# What the texts of a split were for.
_USES = {"train": "texts to fit", "validation": "to validate", "test": "to test"}
_SCORES = {"macro_f1": "macro F1", "ece": "calibration error"}


def describe_quality(run: Run, manifest: Mapping[str, Any]) -> list[str]:
    """Return the sections on accuracy and data."""
    rows = [_describe_file(record, manifest["vocabulary"]["size"]) for record in manifest["models"]]
    head = ["file", "engine", "size", "accuracy", "macro F1", "below Keras", "measured on"]
    about = "Size is what scoring reads, with the vocabulary. Keras is the model before conversion."
    parts = ["## Accuracy", table(head, rows), about]
    source = _find_source(run)
    if source:
        found = run.metrics[source]
        scores = f"accuracy {show_accuracy(found['accuracy'], found['texts'])}"
        scores += "".join(f", {name} {found[key]:.3f}" for key, name in _SCORES.items() if key in found)
        parts.append(f"Keras: {scores}, on {found['texts']:,} {_MEASURED[source]}.")
        parts += _describe_labels(found.get("classes", {}))
    return [*parts, "## Data", " ".join(_describe_data(run))]


def _find_source(run: Run) -> str:
    """Return the metrics that say most of how good the model is; an empty string if there are none."""
    return next((name for name in _MEASURED if name in run.metrics), "")


def _describe_file(record: Mapping[str, Any], vocabulary: int) -> list[str]:
    """Return the row of a model file; ``vocabulary`` is the size of the vocabulary in bytes."""
    size = record["size"] + vocabulary * (record["engine"] == "builtin")
    start = [code(record["file"]), record["engine"], f"{size / 1000:,.0f} kB"]
    if "test" in record:
        found = record["test"]
        macro, drop = (
            f"{found[name]:.{digits}f}" if name in found else ""
            for name, digits in (("macro_f1", 3), ("drop_points", 2))
        )
        drop += " points" * bool(drop)
        return [*start, f"{found['accuracy']:.2%}", macro, drop, f"{found['texts']:,} {escape(found['description'])}"]
    found = record["agreement"]
    drop = f"{100 * (found['keras_accuracy'] - found['accuracy']):.2f} points"
    which = "fitted" if found.get("fitted") else "held-back"
    return [*start, f"{found['accuracy']:.1%}", "", drop, f"{found['texts']:,} {which} texts"]


def _describe_labels(classes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Return the table of labels, those with the lowest F1 if there are many."""
    if not classes:
        return
    worst = sorted(classes.items(), key=lambda item: (item[1]["texts"] == 0, item[1]["f1"]))[:SHOWN_LABELS]
    shown = dict(worst)
    rows = [
        [code(label), *(f"{found[name]:.3f}" for name in ("precision", "recall", "f1")), f"{found['texts']:,}"]
        for label, found in classes.items()
        if label in shown
    ]
    if len(classes) > SHOWN_LABELS:
        yield f"The {SHOWN_LABELS} labels with the lowest F1:"
    yield table(["label", "precision", "recall", "F1", "texts"], rows)


def _describe_data(run: Run) -> Iterator[str]:
    """Yield sentences on what the model was trained on."""
    data = run.config.get("data", {})
    if "name" not in data:
        yield "The run does not say what it was trained on."
        return
    rows = {split: sum(counts.values()) for split, counts in data.get("rows", {}).items()}
    counted = [f"{rows[split]:,} {use}" for split, use in _USES.items() if rows.get(split)]
    if "reviews" in data:
        counted = [f"{data['reviews']['train']:,} reviews"]
    yield f"Trained on {escape(data['name'])}{': ' * bool(counted)}{', '.join(counted)}."
    if unlabelled := run.metrics.get("unlabelled"):
        yield f"{unlabelled:,} texts without a label were learned from too."
    yield "The bundle holds no texts, but the vocabulary holds words of them."


def describe_limits(run: Run) -> list[str]:
    """Return the section on limits."""
    given = run.preprocessing
    adds = "adds up weights of words and of neighbouring words" if "network" in run.config else "averages over words"
    end = "first" if given.truncating == "post" else "last"
    items = [
        f"The model {adds}. It does not understand the structure of a sentence, irony, or facts.",
        f"Of a text it reads the {end} {given.max_words:,} words.",
        "Figures hold for texts like those that were measured. `known` of a prediction is the share of a text's words "
        "that the model knows: where it is low, the label is a guess.",
    ]
    unknown = run.metrics.get("unknown", {}).get("validation") or {}
    if "words" in unknown:
        items.append(f"{unknown['words']:.1%} of the words of validation texts were unknown to it.")
    if source := _find_source(run):
        missed = find_missed(run.metrics[source].get("classes", {}))
        if missed:
            shown = ", ".join(map(escape, missed[:SHOWN_LABELS]))
            items.append(f"It misses more than half of the {_MEASURED[source]} of some labels (recall): {shown}.")
    return ["## Limits", "\n".join(f"- {item}" for item in items)]
