"""The description that a model file carries, so that it can be used without the bundle around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgetext import __version__
from edgetext.bundle.single_file import FORMAT_VERSION
from export.recipes import Recipe
from export.tokenizers import Tokenizer
from train.run import Run

# The most labels that a description lists.
LISTED_LABELS = 12


@dataclass(frozen=True)
class ModelCard:
    """The description of a model file.

    ``measured`` is what ``export.compare.compare`` returned for it, ``tokenizer`` what
    ``export.tokenizers.check_tokenizer`` did.
    """

    run: Run
    recipe: Recipe
    measured: dict[str, Any]
    author: str
    license: str
    tokenizer: Tokenizer | None = None

    @property
    def claims_tokenizer(self) -> bool:
        """Whether another program may split text for this file."""
        return self.tokenizer is None or self.tokenizer.objection is None

    @property
    def spellings(self) -> Mapping[str, int]:
        """The spellings that such a program needs."""
        return self.run.spellings if self.claims_tokenizer else {}

    def record(self) -> dict[str, Any]:
        """Return the record that ``edgetext.bundle.single_file`` reads.

        Its version is the exporter's, a plus sign, and the first digits of the SHA-256 of ``model.keras``.
        """
        accuracy = self._accuracy()
        return {
            "format_version": FORMAT_VERSION,
            "name": self.run.config["name"],
            "description": self._describe(accuracy),
            "version": f"{__version__}+{self.run.model_sha256[:12]}",
            "author": self.author,
            "license": self.license,
            "labels": self.run.config["labels"],
            "preprocessing": self.run.config["preprocessing"],
            "recipe": self.recipe.name,
            "accuracy": accuracy,
        }

    def _accuracy(self) -> dict[str, dict[str, Any]]:
        """Return the share of right labels and the number of texts of each data set that was measured."""
        measured, test = self.measured, self.run.metrics.get("test")
        accuracies: dict[str, dict[str, Any]] = {
            "heldout": {name: measured[name] for name in ("accuracy", "texts", "fitted") if name in measured},
            "keras_heldout": {"accuracy": measured["keras_accuracy"], "texts": measured["texts"]},
        }
        if self.tokenizer is not None and self.tokenizer.record and self.claims_tokenizer:
            accuracies["tokenizer"] = self.tokenizer.record
        if isinstance(test, dict):
            accuracies["keras_test"] = {"accuracy": test["accuracy"], "texts": test["texts"]}
        return accuracies

    def _describe(self, accuracy: dict[str, dict[str, Any]]) -> str:
        """Return labels, recipe and accuracy in two sentences; of many labels the first few and their number."""
        labels, heldout, test = self.run.config["labels"], accuracy["heldout"], accuracy.get("keras_test")
        more = f", ... ({len(labels)} labels)" if len(labels) > LISTED_LABELS else ""
        which = "fitted" if heldout.get("fitted") else "held-back"
        return (
            f"Text classifier: {', '.join(labels[:LISTED_LABELS])}{more}. Recipe {self.recipe.name}: "
            f"{heldout['accuracy']:.1%} of {heldout['texts']:,} {which} texts right, "
            f"the Keras model {accuracy['keras_heldout']['accuracy']:.1%}"
            + (f" (and {test['accuracy']:.2%} of {test['texts']:,} test texts)." if test else ".")
        )
