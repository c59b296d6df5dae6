"""The content of a run's ``config.json``."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from edgetext.encoder import Preprocessing
from train.models.choices import MULTIPLIERS
from train.models.recipe import Recipe


def make_config(
    name: str, labels: Sequence[str], preprocessing: Preprocessing, recipe: Recipe, data: dict[str, Any]
) -> dict[str, Any]:
    """Return the content of ``config.json``.

    Args:
        name: The name of the run.
        labels: The labels, in the order of the outputs.
        preprocessing: How texts are encoded.
        recipe: How the network was fitted.
        data: The description of the dataset.
    """
    config: dict[str, Any] = {
        "name": name,
        "preset": recipe.preset,
        "labels": list(labels),
        "preprocessing": preprocessing.to_json(),
    }
    if recipe.preset == "edge":
        # What an exporter needs to compute the network without Keras.
        config["network"] = {
            "kind": "bigrams",
            "buckets": recipe.choices.buckets,
            "multipliers": list(MULTIPLIERS),
            "exponent": recipe.choices.exponent,
        }
        config["choices"] = asdict(recipe.choices)
    if not (recipe.class_weights == 1).all():
        config["class_weights"] = dict(zip(labels, map(float, recipe.class_weights)))
    return {
        **config,
        "settings": asdict(recipe.settings),
        "data": data,
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("tensorflow", "keras", "numpy")},
        },
    }
