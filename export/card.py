"""What a model file tells of itself, so that it can be used without the bundle around it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from edgetext import __version__
from edgetext.bundle.single_file import FORMAT_VERSION
from edgetext.command.info import MANY_LABELS
from export.recipes import Recipe
from train.run import Run


@dataclass(frozen=True)
class Card:
    """What is written into a model file.

    Attributes:
        run: What was converted: its name, labels, preprocessing, vocabulary and metrics.
        recipe: How.
        measured: What ``export.compare.compare`` said of the file.
        author: Who made the model.
        license: On what terms it may be used.
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
        """The classes, in the order of the outputs."""
        return list(self.run.config["labels"])

    @property
    def version(self) -> str:
        """The exporter's version and, behind a plus, the beginning of the Keras model's checksum."""
        return f"{__version__}+{self.run.model_sha256[:12]}"

    @property
    def description(self) -> str:
        """What the model is, and how good, in a few sentences for people."""
        measured = self.measured
        test = self.accuracy.get("keras_test")
        return (
            f"Text classifier: {_list(self.labels)}. Recipe {self.recipe.name}: {measured['accuracy']:.1%} of "
            f"{measured['reviews']:,} held-back texts right, the Keras model {measured['keras_accuracy']:.1%}"
            + (f" (and {test['accuracy']:.2%} of {test['texts']:,} test texts)." if test else ".")
        )

    @property
    def accuracy(self) -> dict[str, Any]:
        """The measured accuracies: each a share, 0 to 1, and of how many texts."""
        measured, test = self.measured, self.run.metrics.get("test")
        found = {
            "heldout": {"accuracy": measured["accuracy"], "texts": measured["reviews"]},
            "keras_heldout": {"accuracy": measured["keras_accuracy"], "texts": measured["reviews"]},
        }
        if isinstance(test, dict):
            found["keras_test"] = {"accuracy": test["accuracy"], "texts": test["texts"]}
        return found

    def record(self) -> dict[str, Any]:
        """Give what ``edgetext.bundle.single_file`` reads back."""
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
    """List labels, or of many the first few and how many there are."""
    more = f", ... ({len(labels)} labels)" if len(labels) > MANY_LABELS else ""
    return ", ".join(labels[:MANY_LABELS]) + more


def dump(value: Any) -> str:
    """Write JSON, always the same way."""
    return json.dumps(value, ensure_ascii=False)
