"""Keras to the block that the C library reads; ``edgetext.formats.etx`` writes it."""

from __future__ import annotations

from typing import Any

from edgetext.formats.etx import make_block
from edgetext.vocabulary import Vocabulary
from export.converters import safetensors
from export.converters.model_card import ModelCard
from export.recipes import Recipe
from train.run import Run
from train.run_folder import RunError

PACKAGES = safetensors.PACKAGES


def convert(run: Run, recipe: Recipe) -> bytes:
    """Return a block with the weights of the ``.safetensors`` file, in the layout that the recipe's name ends in.

    Raises:
        RunError: If a block cannot hold the network or the rule set.
    """
    model = safetensors.convert(run, recipe)
    vocabulary = Vocabulary(run.tokens, run.preprocessing.rules)
    layout = recipe.name.rpartition("_")[2]
    try:
        return make_block(run.config["labels"], run.preprocessing, vocabulary, model, layout)
    except ValueError as error:
        raise RunError(f"{run.folder}: {error}") from None


def add_metadata(content: bytes, card: ModelCard) -> bytes:
    """Return the block unchanged: it has no room for a description."""
    return content


def summarize(content: bytes) -> dict[str, Any]:
    """Return an empty record."""
    return {}
