"""The recipes: every way in which a model can be converted, and how far each may stray from Keras."""

from __future__ import annotations

from typing import NamedTuple

from edgetext.bundle.folder import MANIFEST
from train.atomic_folder import Kind

_TEXT = "_text"
# A model file's last part, where it is not the engine's name.
SUFFIXES = {"builtin": "safetensors"}


class Tolerance(NamedTuple):
    """How far a converted model may be from the Keras model on the held-back reviews.

    Attributes:
        max_difference: Of one review's probability, 0 to 1.
        mean_difference: Of the probabilities, averaged over the reviews.
        labels_changed: Share of the reviews that get another label, 0 to 1.
        short_mean_difference: As ``mean_difference``, of ten words of each review.
    """

    max_difference: float
    mean_difference: float
    labels_changed: float
    short_mean_difference: float


class Recipe(NamedTuple):
    """One way to convert a model.

    Attributes:
        engine: The engine that runs the result.
        name: What is quantised to what: ``wi8`` weights and ``ai8`` activations to 8-bit integers (onnxruntime
            makes some of them unsigned), ``afp32`` and ``afp64`` activations in float32 and float64; ``dynamic``
            needs no calibration, ``static`` is calibrated.
        when: When to use it.
        when_not: When not.
        tolerance: What it may cost; past it the export fails.
        default: Whether it is exported when no recipe is named.
        input: What the model takes: ``"ids"``, or ``"text"``, with the tokenisation in its graph.
    """

    engine: str
    name: str
    when: str
    when_not: str
    tolerance: Tolerance
    default: bool = True
    input: str = "ids"

    @property
    def file(self) -> str:
        """The file's name in a bundle."""
        return f"model.{self.name}.{SUFFIXES.get(self.engine, self.engine)}"

    @property
    def quantisation(self) -> str:
        """The name without what says that it takes text."""
        return self.name.removesuffix(_TEXT) if self.input == "text" else self.name


# About two and a half times the largest value seen, with seeds 0, 1 and 2 of the tutorial preset and seed 0 of edge
# (int8: 0.061, 0.01, 0.8 %, and on short texts 0.01): enough for another seed, not enough for a conversion gone wrong
# (one that answers 0.5 to everything has a mean of 0.4). With static recipes the few words of a short text share the
# steps of sums made for long ones: 0.042 with edge. Of many labels, the two most probable are nearer to each other:
# with 300 of them, of which Keras told 73 % right, static recipes changed 3 % of the labels, dynamic ones 0.6 %, and
# float16 had a mean of 2.3e-4, 3.0e-4 on short texts. With 300 labels and the tutorial's network the static recipe of
# onnxruntime had 0.175 and 0.035, though no label changed, and is refused: a probability that is off by a sixth
# misleads. With six labels nothing was past the bounds for two.
_FLOAT32 = Tolerance(1e-5, 1e-6, 0.002, 1e-6)
_FLOAT16 = Tolerance(4e-3, 6e-4, 0.002, 8e-4)
_INT8 = Tolerance(0.15, 0.025, 0.02, 0.025)
_STATIC = _INT8._replace(labels_changed=0.08, short_mean_difference=0.1)

# What a bundle's folder holds; a folder with anything else in it is not replaced.
BUNDLE = Kind(MANIFEST, "vocab.txt", optional="model.*")

# In the order of preference: `auto` takes the first whose engine works on the machine.
_WITH_IDS = (
    Recipe(
        "builtin",
        "wi8_afp64",
        "the usual choice: nothing to install, the quickest start, and next to no loss",
        "networks other than those of the presets",
        _INT8,
    ),
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
        "a CPU, where it is no smaller than dynamic_wi8_afp32 and loses more, above all on short texts; nor for dozens "
        "of labels, whose probabilities come in steps of 1/256",
        _STATIC,
        default=False,
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
        default=False,
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
        _STATIC,
        default=False,
    ),
    Recipe(
        "onnx",
        "float32",
        "the reference, and the start for other tools of the ONNX world",
        "a device: four times the size for nothing that shows",
        _FLOAT32,
        default=False,
    ),
)
# ONNX has operators for strings, so each of its recipes is there with text for its input too.
RECIPES = _WITH_IDS + tuple(
    recipe._replace(name=recipe.name + _TEXT, input="text") for recipe in _WITH_IDS if recipe.engine == "onnx"
)
