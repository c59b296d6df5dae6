"""How the results of own_text.py are shown: the tasks, what each model makes of them, and the distance to scikit-learn.

A row of the results is a task: ``name``, ``task`` (its files), ``labels``, ``rare`` (the rarer of two), ``texts`` by
split, ``median_words`` of the test texts, ``choices`` and ``preprocessing`` of the run, ``fit_seconds``; ``keras`` and
``files`` as in the results of accuracy.py; and ``peers``, as in those of linear_peer.py.
"""

from __future__ import annotations

from typing import Any

from benchmarks import common

# The head of a table, its rows, and how many columns are aligned left.
Part = tuple[list[str], list[list[str]], int]

NOTE = (
    "Trained and exported with the defaults. F1 of the rarer: of two classes. Drop: percentage points below Keras. As "
    "first: the same labels as the task's first file. Ahead: percentage points by which the first file is above "
    "scikit-learn's model, which was tuned to the task on the same rows."
)


def parts(results: dict[str, Any]) -> list[Part]:
    """Turn the results into tables."""
    tasks, models, peers = [], [], []
    for row in results["rows"]:
        tasks.append(_task(row))
        models += [_model(row, file) for file in row["files"]]
        models.append([row["name"], "Keras", "", *_scores(row, row["keras"]), "", "", ""])
        peers += [_peer(row, peer) for peer in row["peers"]]
    head = ["task", "classes", "train", "validation", "test", "median words", "vocabulary", "buckets", "max_length"]
    scores = ["accuracy", "macro F1", "F1 of the rarer"]
    return [
        ([*head, "fit"], tasks, 1),
        (["task", "model", "size", *scores, "drop", "drop in macro F1", "as first"], models, 2),
        (["task", "n-grams of", *scores, "ahead", "in macro F1", "in F1 of the rarer", "chosen"], peers, 2),
    ]


def measured(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Give what ran, for the line that names the libraries."""
    found = [file for row in results["rows"] for file in row["files"] if "error" not in file]
    return [*found, *({"runtime": peer["library"]} for row in results["rows"] for peer in row["peers"])]


def _task(row: dict[str, Any]) -> list[str]:
    choices = {**(row["preprocessing"] or {}), **(row["choices"] or {})}
    seconds = row["fit_seconds"]
    return [
        row["name"],
        str(len(row["labels"])),
        *(f"{count:,}" for count in row["texts"].values()),
        f"{row['median_words']:g}",
        *(_number(choices.get(name)) for name in ("vocabulary", "buckets", "max_length")),
        "" if seconds is None else f"{seconds:.0f} s",
    ]


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _scores(row: dict[str, Any], scored: dict[str, Any]) -> list[str]:
    """Give accuracy, macro F1 and the F1 of the rarer class."""
    rare = row["rare"]
    return [
        f"{scored['accuracy']:.2%}",
        f"{scored['macro_f1']:.2%}",
        "" if rare is None else f"{scored['classes'][rare]['f1']:.2%}",
    ]


def _model(row: dict[str, Any], file: dict[str, Any]) -> list[str]:
    start = [row["name"], f"{file['recipe']} ({file['engine']})", f"{file['size'] / 1000:.0f} kB"]
    if "error" in file:
        return [*start, "not measured", *[""] * 5]
    return [
        *start,
        *_scores(row, file),
        f"{file['drop_points']:.2f}",
        f"{file['macro_drop_points']:.2f}",
        f"{file['labels_as_first']:.2%}",
    ]


def _peer(row: dict[str, Any], peer: dict[str, Any]) -> list[str]:
    start = [row["name"], peer["family"], *_scores(row, peer)]
    first = next((file for file in row["files"] if "error" not in file), None)
    if first is None:
        return [*start, "", "", "", _chosen(peer)]
    rare = row["rare"]
    pairs = [(first[name], peer[name]) for name in ("accuracy", "macro_f1")]
    if rare is not None:
        pairs.append((first["classes"][rare]["f1"], peer["classes"][rare]["f1"]))
    ahead = [f"{100 * (ours - theirs):+.2f}" for ours, theirs in pairs]
    return [*start, *ahead, *[""] * (3 - len(ahead)), _chosen(peer)]


def _chosen(peer: dict[str, Any]) -> str:
    return f"{peer['features']}; {peer['classifier']}"


def table(results: dict[str, Any]) -> str:
    """Lay out the results for people."""
    return "\n\n".join([*(common.format_table(*part) for part in parts(results)), NOTE])
