"""The metrics of classes, against scikit-learn's, and how they are shown."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics

from benchmarks import classes, confusion, metrics

NAMES = ("precision", "recall", "f1", "support")


def draw(labels: list[str], count: int, seed: int) -> tuple[list[str], list[str]]:
    """Draw a truth, and answers of which about two thirds are right; the last label occurs in neither."""
    generator = random.Random(seed)
    truth = generator.choices(labels[:-1], weights=range(1, len(labels)), k=count)
    return truth, [label if generator.random() < 0.6 else generator.choice(labels[:-1]) for label in truth]


@pytest.mark.parametrize(("many", "count"), [(2, 9), (3, 50), (7, 400), (150, 700)])
def test_as_scikit_learn_defines_them(many: int, count: int) -> None:
    labels = [f"label {place}" for place in range(many, 0, -1)]  # not in the order of the alphabet
    for seed in range(3):
        truth, answers = draw(labels, count, seed)
        found = metrics.describe(truth, answers, labels)
        matrix = metrics.confusion_matrix(truth, answers, labels)
        assert (matrix == sklearn.metrics.confusion_matrix(truth, answers, labels=labels)).all()
        wanted = sklearn.metrics.f1_score(truth, answers, average="macro", zero_division=0)
        assert found["macro_f1"] == pytest.approx(wanted, abs=1e-6)
        scores = sklearn.metrics.precision_recall_fscore_support(truth, answers, labels=labels, zero_division=0)
        for name, values in zip(NAMES, scores, strict=True):
            assert [found["classes"][label][name] for label in labels] == pytest.approx(values.tolist(), abs=1e-6)
        for row, label in zip(matrix, labels, strict=True):
            assert found["confusion"][label] == {
                answer: count for answer, count in zip(labels, row.tolist(), strict=True) if count
            }


def test_a_class_that_is_only_answered_counts_as_zero() -> None:
    """Of two texts of a, one is called b: F1 of a is 2/3, that of b is 0; c is in neither, and does not count."""
    assert metrics.describe(["a", "a"], ["a", "b"], ["a", "b", "c"])["macro_f1"] == pytest.approx(1 / 3, abs=1e-6)


def make(count: int, *, error: bool = False) -> dict[str, Any]:
    """Make results of so many classes, the first file missing if ``error``."""
    labels = [f"class-{place:03d}" for place in range(count)]
    truth, answers = draw([*labels, "nowhere"], 40 * count, 5)
    described = metrics.describe(truth, answers, labels)
    file = {"recipe": "wi8", "engine": "builtin", **({"error": "missing"} if error else described)}
    return {
        "bundle": {"name": "tickets"},
        "texts": {"reviews": len(truth), "source": "test rows of tickets.csv"},
        "labels": labels,
        "keras": described,
        "rows": [file],
    }


def test_few_classes_are_a_matrix() -> None:
    results = make(3)
    shown = classes.tables(results)
    lines = shown.splitlines()
    assert lines[0] == "classes: Keras and then wi8 (builtin)"
    assert lines[1].split() == ["class", "texts", *["precision", "recall", "F1"] * 2]
    scores = results["keras"]["classes"]["class-001"]
    cells = [f"{scores[name]:.2%}" for name in NAMES[:3]]
    assert lines[3].split() == ["class-001", str(scores["support"]), *cells, *cells]
    counts = results["keras"]["confusion"]["class-002"]
    assert lines[-1].split() == ["class-002", *(str(counts.get(label, 0)) for label in results["labels"])]
    assert "columns" in shown


def test_many_classes_are_the_worst_and_the_commonest_confusions() -> None:
    results = make(60)
    unseen = results["labels"][30]  # of which there is no text
    results["keras"]["classes"][unseen] = dict.fromkeys(NAMES, 0)
    shown = classes.tables(results)
    assert unseen not in shown.split("\n\n")[0]
    assert "of 60 classes the 20 of the least F1" in shown
    scores = results["keras"]["classes"]
    listed = [line.split()[0] for line in shown.split("\n\n")[0].splitlines()[2:]]
    assert len(listed) == 20
    best_listed = max(scores[label]["f1"] for label in listed)
    assert best_listed <= min(score["f1"] for label, score in scores.items() if label not in (*listed, unseen))
    pairs = [re.fullmatch(r"(\S+) taken for (\S+): (\d+)", line) for line in shown.split("\n\n")[1].splitlines()[1:]]
    counts = [int(match[3]) for match in pairs if match]
    wrong = [
        count
        for truth, row in results["keras"]["confusion"].items()
        for answer, count in row.items()
        if truth != answer
    ]
    assert counts == sorted(wrong, reverse=True)[:20]
    assert all(match and results["keras"]["confusion"][match[1]][match[2]] == int(match[3]) for match in pairs)


def test_without_a_file_that_works_keras_is_shown() -> None:
    shown = classes.tables(make(3, error=True))
    assert "classes: Keras\n" in shown
    assert "confusion, Keras:" in shown


def test_long_labels_are_cut_in_tables_only() -> None:
    assert classes.shorten("a" * 24) == "a" * 24
    assert classes.shorten("a" * 25) == "a" * 23 + "…"


@pytest.mark.parametrize("count", [2, 20, 21, 120])
def test_picture(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers in the cells are the counts, and there are none in hundreds of cells; the picture is not huge."""
    from matplotlib.axes import Axes
    from PIL import Image

    written: list[str] = []
    real = Axes.text

    def text(axes: Axes, x: float, y: float, s: str, *others: Any, **options: Any) -> Any:
        written.append(s)
        return real(axes, x, y, s, *others, **options)

    monkeypatch.setattr(Axes, "text", text)
    results = make(count)
    file = tmp_path / "deep" / "confusion.png"
    confusion.draw(results, file)
    numbers = [text for text in written if text.isdigit()]
    expected = [
        str(row.get(answer, 0)) for row in results["keras"]["confusion"].values() for answer in results["labels"]
    ]
    assert numbers == (expected if count <= 20 else [])
    with Image.open(file) as image:
        assert image.width < 3000
        assert len(np.unique(np.asarray(image.convert("L")))) > 10
    assert [path.name for path in file.parent.iterdir()] == ["confusion.png"]
