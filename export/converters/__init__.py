"""Converting a run's Keras model into the model file of each engine.

Every converter is a module with the same three functions; ``load_converter`` imports one with its framework.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol, cast

from export.converters.model_card import ModelCard
from export.recipes import Recipe
from train.run import Run

CONVERTERS = {
    "builtin": "export.converters.safetensors",
    "tflite": "export.converters.tflite",
    "onnx": "export.converters.onnx",
    "c": "export.converters.block",
}


class Converter(Protocol):
    """A converter module; the manifest records the versions of its ``PACKAGES``, on which the file depends."""

    PACKAGES: tuple[str, ...]

    def convert(self, run: Run, recipe: Recipe) -> bytes:
        """Return the content of a model file; RunError if the run cannot be converted with this recipe."""

    def add_metadata(self, content: bytes, card: ModelCard) -> bytes:
        """Return the model file with a description of itself, if the format has room for one."""

    def summarize(self, content: bytes) -> dict[str, Any]:
        """Return the number of stored tensors by type, and of operations by name if the file has a graph.

        A block has no tensors by name, and gets an empty record.
        """


def load_converter(engine: str) -> Converter:
    """Import the converter for an engine; ModuleNotFoundError if one of its packages is not installed."""
    return cast(Converter, importlib.import_module(CONVERTERS[engine]))
