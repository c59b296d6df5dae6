"""The table of recipes: every way to convert a model, when to use it, and how far it may differ from Keras."""

from __future__ import annotations

from typing import NamedTuple

_TEXT = "_text"
# The extension of an engine's model files, where it is not the engine's name.
EXTENSIONS = {"builtin": "safetensors", "c": "etx"}


class Tolerance(NamedTuple):
    """How far a converted model may differ from the Keras model on the held-back texts.

    Attributes:
        max_difference: Largest difference of a probability, 0 to 1.
        mean_difference: Mean difference of the probabilities, 0 to 1.
        labels_changed: Share of the texts that get another label, 0 to 1.
        short_mean_difference: Like ``mean_difference``, for the first ten words of each text.
    """

    max_difference: float
    mean_difference: float
    labels_changed: float
    short_mean_difference: float


class Recipe(NamedTuple):
    """One way to convert a model.

    Attributes:
        engine: The engine that runs the result.
        name: What is quantised: ``wi8`` weights and ``ai8`` activations to 8-bit integers (onnxruntime makes some of
            them unsigned), ``afp32`` and ``afp64`` activations in float32 and float64. ``dynamic`` recipes need no
            calibration, ``static`` ones are calibrated.
        tolerance: How far it may differ from Keras; the export fails if it differs more.
        when: When to use it.
        when_not: When not to use it.
        default: Whether it is exported when no recipe is named.
        input: What the model takes: ``"ids"``, or ``"text"`` with the tokenisation in its graph or in the C library.
    """

    engine: str
    name: str
    tolerance: Tolerance
    when: str
    when_not: str
    default: bool = False
    input: str = "ids"

    @property
    def file(self) -> str:
        """The name of the file in a bundle."""
        return f"model.{self.name}.{EXTENSIONS.get(self.engine, self.engine)}"

    @property
    def quantisation(self) -> str:
        """The name without the suffix of recipes that take text."""
        return self.name.removesuffix(_TEXT) if self.input == "text" else self.name


# About two and a half times the largest value measured; export/README.md has the measurements.
_FLOAT32 = Tolerance(1e-5, 1e-6, 0.002, 1e-6)
_FLOAT16 = Tolerance(4e-3, 6e-4, 0.002, 8e-4)
_INT8 = Tolerance(0.15, 0.025, 0.02, 0.025)
_STATIC = _INT8._replace(labels_changed=0.08, short_mean_difference=0.1)

# In order of preference: engine="auto" takes the first whose engine works on the machine.
_WITH_IDS = (
    Recipe(
        *("builtin", "wi8_afp64", _INT8),
        "the usual choice: nothing to install, the fastest start, almost no loss of accuracy",
        "networks other than those of the presets",
        default=True,
    ),
    Recipe(
        *("tflite", "dynamic_wi8_afp32", _INT8),
        "the usual choice: int8 weights, almost no loss of accuracy",
        "accelerators that compute in integers only",
        default=True,
    ),
    Recipe(
        *("tflite", "static_wi8_ai8", _STATIC),
        "integer-only accelerators and microcontrollers",
        "CPUs, where it is no smaller than dynamic_wi8_afp32 and less accurate, especially on short texts; or for "
        "dozens of labels, because its probabilities are multiples of 1/256",
    ),
    Recipe(
        *("tflite", "float16", _FLOAT16),
        "GPU delegates that compute in half precision",
        "CPUs, which convert it to float32 when loading: only the file is smaller",
    ),
    Recipe(
        *("tflite", "float32", _FLOAT32),
        "reference measurements",
        "devices: the weights are four times as large, without a visible gain",
    ),
    Recipe(
        *("onnx", "dynamic_wi8", _INT8),
        "the usual choice with ONNX Runtime: int8 weights, almost no loss of accuracy",
        "accelerators that compute in integers only",
        default=True,
    ),
    Recipe(
        *("onnx", "static_wi8_ai8", _STATIC),
        "integer-only accelerators that read QDQ models",
        "CPUs, where it is no smaller than dynamic_wi8 and less accurate, especially on short texts",
    ),
    Recipe(
        *("onnx", "float32", _FLOAT32),
        "reference measurements, and input for other ONNX tools",
        "devices: the weights are four times as large, without a visible gain",
    ),
)
# ONNX has string operators, so each of its recipes also exists with text as the model's input.
_WITH_TEXT = tuple(
    recipe._replace(name=recipe.name + _TEXT, input="text") for recipe in _WITH_IDS if recipe.engine == "onnx"
)
# The weights and results of wi8_afp64, in the two layouts of a block.
_BLOCKS = (
    Recipe(
        *("c", "wi8_afp64_fast", _INT8),
        "programs in C and web pages: the words are a hash table",
        "flash memory that is short: it takes about twice as much as wi8_afp64_small",
        default=True,
        input="text",
    ),
    Recipe(
        *("c", "wi8_afp64_small", _INT8),
        "firmware, and downloads: the words are sorted and front-coded",
        "long texts where time counts: finding a word takes several times as long",
        default=True,
        input="text",
    ),
)
RECIPES = _WITH_IDS + _WITH_TEXT + _BLOCKS
