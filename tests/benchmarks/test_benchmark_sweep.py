"""benchmarks/sweep.py, with a stand-in for training, and once for real on tiny reviews."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import sweep
from benchmarks.measuring import layout
from train.models.choices import Choices

Measured = Callable[..., dict[str, Any]]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, default_run: Path) -> list[list[str]]:
    """Let the shipped run stand for whatever is trained; return the options of each training."""
    calls: list[list[str]] = []

    def call(arguments: list[str]) -> None:
        calls.append(arguments)
        if arguments[:2] == ["-m", "train"]:
            shutil.copytree(default_run, arguments[3])

    monkeypatch.setattr(sweep, "call", call)
    return calls


def test_seeds(trained: list[list[str]], measured: Measured, default_run: Path) -> None:
    found = measured(sweep.main, "seeds", "--preset", "tutorial", "--seeds", "3", "4", "3", "--", "--epochs", "1")
    assert [row["seed"] for row in found["rows"]] == [3, 4]
    assert (found["kind"], found["preset"]) == ("seeds", "tutorial")
    assert trained[1][4:] == ["--preset", "tutorial", "--seed", "4", "--epochs", "1"]
    metrics = json.loads((default_run / "metrics.json").read_text("utf-8"))
    assert found["rows"][0]["test_accuracy"] == metrics["test"]["accuracy"]
    shown = layout.render(sweep.tables(found))
    assert f"{metrics['test']['accuracy']:.2%}" in shown
    assert "mean" in shown
    assert "spread" in shown


def test_choices(trained: list[list[str]], measured: Measured) -> None:
    found = measured(sweep.main, "choices", "--only", "crops=0", "--epochs 8")
    assert [row["change"] for row in found["rows"]] == ["", "crops=0", "--epochs 8"]
    assert all("--no-test" in words for words in trained)
    assert trained[1][-2:] == ["--choice", "crops=0"]
    assert trained[2][-2:] == ["--epochs", "8"]
    assert "whole reviews only" in layout.render(sweep.tables(found))


def test_every_choice_is_one_of_the_preset() -> None:
    named = [change.partition("=")[0] for change in sweep.CHOICES if "=" in change]
    assert set(named) <= set(Choices.__dataclass_fields__)


def test_curve(
    trained: list[list[str]],
    measured: Measured,
    monkeypatch: pytest.MonkeyPatch,
    default_bundle: Path,
    labelled: Path,
) -> None:
    monkeypatch.setattr(sweep, "export", lambda run, out, *formats: shutil.copytree(default_bundle, out))
    found = measured(sweep.main, "curve", "--exponents", "18", "--data", labelled)
    (row,) = found["rows"]
    assert row["buckets"] == 2**18
    assert trained[0][4:6] == ["--buckets", str(2**18)]
    assert row["keras_accuracy"] == row["builtin"]["accuracy"] == row["tflite"]["accuracy"] == 1
    assert row["builtin"]["vocabulary_size"] > 100_000
    read = (row["builtin"]["size"] + row["builtin"]["vocabulary_size"]) / 1000
    assert f"{read:,.0f} kB" in layout.render(sweep.tables(found))


@pytest.mark.slow
def test_for_real(tiny_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, measured: Measured) -> None:
    for name, value in tiny_env.items():
        monkeypatch.setenv(name, value)
    options = ["--validation", "8", "--epochs", "1"]
    (row,) = measured(sweep.main, "seeds", "--preset", "tutorial", "--seeds", "5", "--", *options)["rows"]
    assert all(0 <= row[name] <= 1 for name in row if name.endswith("accuracy"))
    assert row["fit_seconds"] > 0


def test_a_training_that_fails_has_said_why(
    capfd: pytest.CaptureFixture[str], error_line: Callable[[str], str]
) -> None:
    assert sweep.main(["seeds", "--seeds", "0", "--data", "/nowhere/at/all"]) == 2
    assert "no reviews at /nowhere/at/all" in error_line(capfd.readouterr().err)
