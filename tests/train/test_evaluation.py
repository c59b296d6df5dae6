"""What is measured of a model, against scikit-learn and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]
from scipy.special import log_softmax  # type: ignore[import-untyped]
from sklearn.metrics import classification_report, f1_score, log_loss

from train.fitting.calibration import find_temperature
from train.metrics import CALIBRATION_BINS, expected_calibration_error, label_probabilities, measure, print_metrics


def random_answers(seed: int, count: int, labels: int) -> tuple[Any, Any]:
    """Make probabilities, shape (count, labels), and targets that have something to do with them."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(count, labels)) * 3
    probabilities = np.exp(log_softmax(logits, axis=1))
    targets = np.array([generator.choice(labels, p=row) for row in probabilities])
    return probabilities, targets


@pytest.mark.parametrize(("count", "labels"), [(500, 2), (300, 3), (400, 12), (60, 200), (1, 5)])
def test_as_scikit_learn_has_it(count: int, labels: int) -> None:
    probabilities, targets = random_answers(labels, count, labels)
    names = [f"label {number}" for number in range(labels)]
    measured = measure(probabilities, targets, names)
    chosen = probabilities.argmax(axis=1)
    present = sorted({*targets.tolist(), *chosen.tolist()})
    wanted = classification_report(
        targets, chosen, labels=present, target_names=[names[place] for place in present], output_dict=True,
        zero_division=0,
    )  # fmt: skip
    assert list(measured["classes"]) == [names[place] for place in present]
    for name, found in measured["classes"].items():
        assert [found[key] for key in ("precision", "recall", "f1", "texts")] == pytest.approx(
            [wanted[name][key] for key in ("precision", "recall", "f1-score", "support")]
        )
    assert measured["macro_f1"] == pytest.approx(f1_score(targets, chosen, average="macro", zero_division=0))
    assert measured["accuracy"] == pytest.approx(float(np.mean(targets == chosen)))
    assert measured["loss"] == pytest.approx(log_loss(targets, probabilities, labels=list(range(labels))), rel=1e-5)
    assert measured["texts"] == count
    assert ("positive" in measured) == (labels == 2)


def test_a_label_that_is_never_chosen_and_one_that_is_never_right() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1, 0.0], [0.6, 0.3, 0.1, 0.0], [0.1, 0.1, 0.8, 0.0]])
    classes = measure(probabilities, np.array([0, 1, 0]), "abcd")["classes"]
    assert list(classes) == ["a", "b", "c"]  # d does not occur
    assert classes["b"] == {"precision": 0, "recall": 0, "f1": 0, "texts": 1}
    assert classes["c"] == {"precision": 0, "recall": 0, "f1": 0, "texts": 0}


def test_labels_that_are_missed(capsys: pytest.CaptureFixture[str]) -> None:
    """A label that the test has too few texts of is judged by the cross-validation, the others are not twice."""

    def measure_rows(*counts: int) -> dict[str, Any]:
        """Return the metrics of a model that always says 'a', on texts of which `counts` have each label."""
        targets = np.repeat(np.arange(3), counts)
        return measure(np.eye(3)[0 * targets], targets, "abc")

    print_metrics({"test": measure_rows(20, 4, 2), "cross_validation": measure_rows(80, 16, 8)})
    *_, first, second = capsys.readouterr().out.splitlines()
    assert first == "warning: recall below 50% in test: 'b' 0% of 4"
    assert second == "warning: recall below 50% in cross-validation: 'c' 0% of 8"


def test_the_shape_of_outputs() -> None:
    assert label_probabilities(np.array([[0.25], [1.0]], np.float32)).tolist() == [[0.75, 0.25], [0.0, 1.0]]
    many = np.array([[0.25, 0.5, 0.25]], np.float32)
    assert label_probabilities(many).tolist() == many.tolist()


@pytest.mark.parametrize("labels", [2, 3, 20])
def test_calibration_error_bin_by_bin(labels: int) -> None:
    probabilities, targets = random_answers(labels + 50, 700, labels)
    probabilities[:3] = np.eye(labels)[0]  # entirely sure
    wanted = 0.0
    for number in range(CALIBRATION_BINS):
        low, high = number / CALIBRATION_BINS, (number + 1) / CALIBRATION_BINS
        inside = [
            (row.max(), row.argmax() == target)
            for row, target in zip(probabilities, targets)
            if low <= row.max() < high or (number == CALIBRATION_BINS - 1 and row.max() == 1)
        ]
        if inside:
            sure, right = np.array(inside, float).mean(axis=0)
            wanted += len(inside) / 700 * abs(sure - right)
    assert expected_calibration_error(probabilities, targets) == pytest.approx(wanted)
    assert wanted > 0.005


@pytest.mark.parametrize("seed", range(12))
def test_temperature_as_scipy_finds_it(seed: int) -> None:
    """For few texts and many, logits small and large, of two labels and of many."""
    generator = np.random.default_rng(seed)
    count, labels = int(generator.integers(5, 400)), (2, 3, 12, 40)[seed % 4]
    scale, noise = 10 ** generator.uniform(-1, 1.5), 10 ** generator.uniform(-1, 1)
    logits = generator.normal(size=(count, labels)) * scale
    targets = (logits + generator.gumbel(size=(count, labels)) * scale * noise).argmax(axis=1)

    def loss(inverse: float) -> float:
        return float(-log_softmax(inverse * logits, axis=1)[np.arange(count), targets].sum())

    found = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-9})
    best = min(found.fun, loss(0.1), loss(10))
    assert loss(1 / find_temperature(logits, targets)) == pytest.approx(best, rel=1e-6)
    if labels == 2:  # for two labels, the difference of the logits is equivalent
        assert find_temperature(logits[:, 1] - logits[:, 0], targets) == pytest.approx(
            find_temperature(logits, targets)
        )


@pytest.mark.parametrize("seed", range(8))
def test_smooth_temperature_as_scipy_finds_it(seed: int) -> None:
    """With texts that are all right, too: sure of them, but not without bound."""
    generator = np.random.default_rng(seed)
    count, labels = int(generator.integers(20, 200)), (2, 5)[seed % 2]
    logits = generator.normal(size=(count, labels))
    targets = logits.argmax(axis=1) if seed < 4 else (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    smooth = np.full(logits.shape, 1 / (count + labels))
    smooth[np.arange(count), targets] += count / (count + labels)

    def loss(inverse: float) -> float:
        return float(-(smooth * log_softmax(inverse * logits, axis=1)).sum())

    found = minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-9})
    assert find_temperature(logits, targets, smooth=True) == pytest.approx(1 / found.x, rel=1e-4)
    if labels == 2:
        assert find_temperature(logits[:, 1] - logits[:, 0], targets, smooth=True) == pytest.approx(
            1 / found.x, rel=1e-4
        )
    if seed < 4:
        assert find_temperature(logits, targets) == pytest.approx(0.1)  # the bound
        assert find_temperature(logits, targets, smooth=True) > 0.11


def test_temperature_of_several_labels_finds_the_right_one() -> None:
    generator = np.random.default_rng(9)
    logits = generator.normal(size=(50_000, 5)) * 3
    targets = (logits / 1.7 + generator.gumbel(size=logits.shape)).argmax(axis=1)
    assert find_temperature(logits, targets) == pytest.approx(1.7, rel=0.02)


@pytest.mark.parametrize("labels", [2, 5])
def test_temperature_of_probabilities(labels: int) -> None:
    generator = np.random.default_rng(labels)
    logits = generator.normal(size=(500, labels)) * 3
    asked = logits[:, 1] - logits[:, 0] if labels == 2 else logits
    assert find_temperature(asked, np.exp(log_softmax(logits / 1.7, axis=1))) == pytest.approx(1.7)
    # Labels are probabilities of 0 and 1.
    targets = (logits / 1.7 + generator.gumbel(size=logits.shape)).argmax(axis=1)
    for smooth in (False, True):
        expected = find_temperature(asked, targets, smooth=smooth)
        assert find_temperature(asked, np.eye(labels)[targets], smooth=smooth) == pytest.approx(expected)
