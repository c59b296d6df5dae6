"""The recipes: every way in which a model can be converted, and how far each may stray from Keras."""

from __future__ import annotations

from typing import NamedTuple

from edgetext.bundle import MANIFEST
from edgetext.folders import Kind


class Tolerance(NamedTuple):
    """How far a converted model may be from the Keras model on the held-back reviews.

    Attributes:
        max_difference: Of one review's probability, 0 to 1.
        mean_difference: Of the probabilities, averaged over the reviews; likewise over ten words of each.
        labels_changed: Share of the reviews that get another label, 0 to 1.
    """

    max_difference: float
    mean_difference: float
    labels_changed: float


class Recipe(NamedTuple):
    """One way to convert a model.

    Attributes:
        engine: The engine that runs the result.
        name: What is quantised to what: ``wi8`` weights and ``ai8`` activations to 8-bit integers (onnxruntime
            makes some of them unsigned), ``afp32`` activations left in float32; ``dynamic`` needs no calibration,
            ``static`` is calibrated.
        when: When to use it.
        when_not: When not.
        tolerance: What it may cost; past it the export fails.
        default: Whether it is exported when no recipe is named.
    """

    engine: str
    name: str
    when: str
    when_not: str
    tolerance: Tolerance
    default: bool = True

    @property
    def file(self) -> str:
        """The file's name in a bundle."""
        return f"model.{self.name}.{self.engine}"


# About two and a half times the largest value seen with the tutorial's network and seeds 0, 1 and 2 (int8: 0.044,
# 0.01, 0.8 %): enough for another seed, not enough for a conversion gone wrong (one that answers 0.5 to everything
# has a mean of 0.4).
_FLOAT32 = Tolerance(1e-5, 1e-6, 0.002)
_FLOAT16 = Tolerance(3e-3, 3e-4, 0.002)
_INT8 = Tolerance(0.12, 0.025, 0.02)

# What a bundle's folder holds; a folder with anything else in it is not replaced.
BUNDLE = Kind(MANIFEST, "vocab.txt", optional="model.*")

# In the order of preference: `auto` takes the first whose engine works on the machine.
RECIPES = (
    Recipe(
        "tflite",
        "dynamic_wi8_afp32",
        "the usual choice: a quarter of the size, and next to no loss",
        "an accelerator that computes in integers only",
        _INT8,
    ),
    Recipe(
        "tflite",
        "static_wi8_ai8",
        "integer-only accelerators and microcontrollers",
        "a CPU, where it is no smaller than dynamic_wi8_afp32 and loses more, above all on short texts",
        _INT8,
    ),
    Recipe(
        "tflite",
        "float16",
        "GPU delegates that compute in half precision",
        "a CPU, which widens it back to float32 at load: only the file is smaller",
        _FLOAT16,
        default=False,
    ),
    Recipe(
        "tflite",
        "float32",
        "the reference that the others are measured against",
        "a device: four times the size for nothing that shows",
        _FLOAT32,
    ),
    Recipe(
        "onnx",
        "dynamic_wi8",
        "the usual choice with ONNX Runtime: a quarter of the size, and next to no loss",
        "an accelerator that computes in integers only",
        _INT8,
    ),
    Recipe(
        "onnx",
        "static_wi8_ai8",
        "integer-only accelerators that read QDQ models",
        "a CPU, where it is no smaller than dynamic_wi8 and loses more, above all on short texts",
        _INT8,
    ),
    Recipe(
        "onnx",
        "float32",
        "the reference, and the start for other tools of the ONNX world",
        "a device: four times the size for nothing that shows",
        _FLOAT32,
    ),
)
