"""The plot of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from train.fitting.plots import is_comparable, main, plot_history


def amounts(path: Path) -> dict[str, list[int]]:
    """Count the pixels of each plot's two colours, left and right: training is the first, validation the second."""
    picture: Any = matplotlib.image.imread(path)[:, :, :3]
    halves = np.array_split(picture, 2, axis=1)
    return {
        name: [int((np.abs(half - to_rgb(colour)).max(axis=2) < 0.02).sum()) for half in halves]
        for name, colour in (("training", "C0"), ("validation", "C1"))
    }


@pytest.mark.parametrize("epochs", [2, 40])
@pytest.mark.slow
def test_all_four_are_drawn(epochs: int, tmp_path: Path) -> None:
    steps = np.linspace(0.2, 0.6, epochs).tolist()
    history = dict.fromkeys(("loss", "accuracy"), steps)
    history |= {f"val_{name}": [0.8 - step for step in steps] for name in ("loss", "accuracy")}
    plot_history(history, tmp_path / "all.png")
    # The same with one curve out of sight each time: what is gone is gone from its half alone.
    full = amounts(tmp_path / "all.png")
    for name, kind, half in (
        ("loss", "training", 0),
        ("accuracy", "training", 1),
        ("val_loss", "validation", 0),
        ("val_accuracy", "validation", 1),
    ):
        plot_history({**history, name: [float("nan")] * epochs}, tmp_path / "less.png")
        less = amounts(tmp_path / "less.png")
        assert less[kind][half] < full[kind][half] - 20, name
        assert less[kind][1 - half] == full[kind][1 - half], name


def test_the_same_history_gives_the_same_file(tmp_path: Path) -> None:
    history = {name: [0.5, 0.4] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    for name in ("one.png", "two.png"):
        plot_history(history, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_what_is_not_comparable_is_not_drawn(tmp_path: Path) -> None:
    history = {name: [0.5, 0.4, 0.6] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    plot_history(history, tmp_path / "apart.png", comparable=False)
    found = amounts(tmp_path / "apart.png")
    assert found["training"][0] > 20
    assert found["validation"][1] > 20
    assert found["training"][1] == found["validation"][0] == 0


@pytest.mark.parametrize(
    ("config", "comparable"),
    [
        ({}, True),
        ({"choices": {"objective": "hinge"}}, True),
        ({"choices": {"objective": "logistic"}}, False),
        ({"class_weights": {"a": 2.0, "b": 0.5}}, False),
    ],
)
def test_what_is_comparable(config: dict[str, Any], comparable: bool) -> None:
    assert is_comparable(config) == comparable


def test_the_default_run_is_drawn_by_this_code(root: Path, tmp_path: Path) -> None:
    """Up to the rendering of letters, which depends on the version of matplotlib."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("history.json", "config.json"):
        (folder / name).write_bytes((root / "train" / "default" / name).read_bytes())
    assert main([str(folder)]) == 0
    shown, drawn = (matplotlib.image.imread(path / "history.png") for path in (root / "train" / "default", folder))
    assert shown.shape == drawn.shape
    assert (np.abs(shown - drawn) > 0.1).mean() < 0.02
