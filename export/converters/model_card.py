"""The description that a model file carries, so that it can be used without the bundle around it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from edgetext import __version__
from edgetext.bundle.single_file import FORMAT_VERSION
from export.recipes import Recipe
from train.run import Run

# The most labels that a description lists.
LISTED_LABELS = 12


@dataclass(frozen=True)
class ModelCard:
    """The description of a model file.

    Attributes:
        run: The run that was converted.
        recipe: The recipe.
        measured: What ``export.compare.compare`` returned for the file.
        author: The author of the model.
        license: The licence of the model.
    """

    run: Run
    recipe: Recipe
    measured: dict[str, Any]
    author: str
    license: str

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.run.config["name"])

    @property
    def labels(self) -> list[str]:
        """The labels, in the order of the outputs."""
        return list(self.run.config["labels"])

    @property
    def version(self) -> str:
        """The exporter's version, a plus sign, and the first digits of the SHA-256 of ``model.keras``."""
        return f"{__version__}+{self.run.model_sha256[:12]}"

    @property
    def description(self) -> str:
        """Labels, recipe and accuracy in two sentences."""
        measured = self.measured
        test = self.accuracy.get("keras_test")
        return (
            f"Text classifier: {_list(self.labels)}. Recipe {self.recipe.name}: {measured['accuracy']:.1%} of "
            f"{measured['texts']:,} held-back texts right, the Keras model {measured['keras_accuracy']:.1%}"
            + (f" (and {test['accuracy']:.2%} of {test['texts']:,} test texts)." if test else ".")
        )

    @property
    def accuracy(self) -> dict[str, Any]:
        """The measured accuracies: for each data set, the share of right labels and the number of texts."""
        measured, test = self.measured, self.run.metrics.get("test")
        accuracies = {
            "heldout": {"accuracy": measured["accuracy"], "texts": measured["texts"]},
            "keras_heldout": {"accuracy": measured["keras_accuracy"], "texts": measured["texts"]},
        }
        if isinstance(test, dict):
            accuracies["keras_test"] = {"accuracy": test["accuracy"], "texts": test["texts"]}
        return accuracies

    def record(self) -> dict[str, Any]:
        """Return the record that ``edgetext.bundle.single_file`` reads."""
        return {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "description": self.description,
            "version": self.version,
            "author": self.author,
            "license": self.license,
            "labels": self.labels,
            "preprocessing": self.run.config["preprocessing"],
            "recipe": self.recipe.name,
            "accuracy": self.accuracy,
        }


def _list(labels: list[str]) -> str:
    """List the labels, or the first few and how many there are."""
    more = f", ... ({len(labels)} labels)" if len(labels) > LISTED_LABELS else ""
    return ", ".join(labels[:LISTED_LABELS]) + more


def dump_json(value: Any) -> str:
    """Return JSON; the same string for equal values."""
    return json.dumps(value, ensure_ascii=False)
