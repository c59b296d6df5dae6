"""Keras to TensorFlow Lite."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from edgetext.engines.stderr import muted_stderr
from export.inference import inference_function
from export.recipes import Recipe
from export.tflite_metadata import attach
from train.run import Run

__all__ = ["PACKAGES", "attach", "convert", "summarize"]

PACKAGES = ("tensorflow", "keras", "flatbuffers", "ai-edge-litert")


def convert(run: Run, recipe: Recipe) -> bytes:
    """Convert a run's model.

    Args:
        run: The run; its calibration rows serve the static recipe.
        recipe: A recipe of the ``tflite`` engine.

    Returns:
        The content of a ``.tflite`` file: int32 ids (batch, max_length) in, float32 probabilities (batch, labels) out.
    """
    function = convert_variables_to_constants_v2(inference_function(run).get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if recipe.name != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe.name == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if recipe.name == "static_wi8_ai8":
        # All operations in int8. The input stays int32 ids; the output is left float, which costs nothing.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: _one_by_one(run)
    with muted_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that input statistics were not given, which only quantised inputs need
        content: bytes = converter.convert()
    return content


def _one_by_one(run: Run) -> Iterator[list[Any]]:
    for row in run.calibration:
        yield [row[None]]  # (1, max_length)


def summarize(content: bytes) -> dict[str, dict[str, int]]:
    """Count a file's operations, and its tensors by data type."""
    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    operators = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    types = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
    codes = (model.OperatorCodes(graph.Operators(i).OpcodeIndex()) for i in range(graph.OperatorsLength()))
    # Files before schema 3a keep a small code in the deprecated field; the larger of the two is right.
    ops = Counter(operators[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())] for code in codes)
    tensors = Counter(types[graph.Tensors(i).Type()] for i in range(graph.TensorsLength()))
    return {"ops": dict(sorted(ops.items())), "tensors": dict(sorted(tensors.items()))}
