"""Keras to TensorFlow Lite, for the engine ``tflite``."""

from __future__ import annotations

import warnings
from collections import Counter

import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from edgetext.engines.process import muted_stderr
from export.converters import tflite_metadata
from export.converters.calibration import calibration_batches
from export.converters.inference import inference_function
from export.converters.model_card import ModelCard
from export.recipes import Recipe
from train.run import Run

PACKAGES = ("tensorflow", "keras", "flatbuffers", "ai-edge-litert")


def convert(run: Run, recipe: Recipe) -> bytes:
    """Return the content of a ``.tflite`` file.

    Its input is ``ids``, int32 (batch, max_length), its output the probabilities, float32 (batch, labels).
    """
    function = convert_variables_to_constants_v2(inference_function(run).get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if recipe.name != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe.name == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if recipe.name == "static_wi8_ai8":
        # All operations in int8. The input stays int32 ids; the output stays float32, which costs nothing.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: ([batch] for batch in calibration_batches(run))
    with muted_stderr(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about input statistics, which only quantised inputs need
        return bytes(converter.convert())


def add_metadata(content: bytes, card: ModelCard) -> bytes:
    """Add TensorFlow Lite metadata; see ``tflite_metadata.add_metadata``."""
    return tflite_metadata.add_metadata(content, card)


def summarize(content: bytes) -> dict[str, dict[str, int]]:
    """Count the file's operations by name, and its tensors by data type."""
    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    operators = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    types = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
    codes = (model.OperatorCodes(graph.Operators(i).OpcodeIndex()) for i in range(graph.OperatorsLength()))
    # Files older than schema 3a have the code in the deprecated field; the larger of the two is valid.
    ops = Counter(operators[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())] for code in codes)
    tensors = Counter(types[graph.Tensors(i).Type()] for i in range(graph.TensorsLength()))
    return {"ops": dict(sorted(ops.items())), "tensors": dict(sorted(tensors.items()))}
