"""Keras to ONNX, through tf2onnx."""

from __future__ import annotations

import logging
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the first import of onnxruntime, as in its engine

import onnx
import tf2onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from edgetext.engines.stderr import muted_stderr
from edgetext.formats.onnx import seal
from export.canonical import canonicalize
from export.card import Card, dump
from export.inference import inference_function
from export.onnx_text import take_text
from export.recipes import Recipe
from train.run import Run

PACKAGES = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime")
# Old enough for the onnxruntime of any distribution in use (1.10 reads it), and all that these graphs need.
OPSET = 15
# What turns logits into probabilities.
_PROBABILITIES = ("Sigmoid", "Softmax")


def convert(run: Run, recipe: Recipe) -> bytes:
    """Convert a run's model.

    Args:
        run: The run; its calibration rows serve the static recipes.
        recipe: A recipe of the ``onnx`` engine.

    Returns:
        The content of an ``.onnx`` file that passed ``onnx.checker``: input ``ids``, int32 (batch, max_length), to
        ``probabilities``, float32 (batch, labels); or what ``export.onnx_text.take_text`` makes of that.

    Raises:
        RunError: The vocabulary does not go into a model that takes text.
    """
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    function = inference_function(run)
    with muted_stderr():
        model, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    if recipe.quantisation != "float32":
        model = _quantize(model, recipe.quantisation, run)
    canonicalize(model)
    if recipe.input == "text":
        model = take_text(model, run)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _quantize(model: onnx.ModelProto, recipe: str, run: Run) -> onnx.ModelProto:
    """Quantise with onnxruntime's own tools, which work on files."""
    logging.disable(logging.WARNING)  # they advise a shape inference that changes nothing in these graphs
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, fused, target = (Path(folder) / f"{name}.onnx" for name in ("float32", "fused", "quantized"))
            onnx.save(model, source)
            if recipe == "dynamic_wi8":
                # The tables are all the size. Quantising the small dense layers too would save 800 bytes and let
                # a text's score depend on the others in its batch, for activations are scaled by batch.
                quantize_dynamic(source, target, op_types_to_quantize=["Gather"], weight_type=QuantType.QInt8)
            else:
                # Joins each matrix product with its bias, so that the bias is quantised to int32, as it should be. On
                # its own it becomes uint8, which changed 19 instead of 7 of 500 labels of ten-word texts.
                quant_pre_process(source, fused, skip_symbolic_shape=True)
                quantize_static(
                    fused,
                    target,
                    _Rows(run),
                    quant_format=QuantFormat.QDQ,
                    # uint8 activations ran 2.6 times as fast as int8 ones in onnxruntime 1.32 on x86-64, for
                    # the same result.
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                    # Quantised they would leave 256 probabilities, one of them exactly one half.
                    nodes_to_exclude=[node.name for node in model.graph.node if node.op_type in _PROBABILITIES],
                )
            return onnx.load(target)
    finally:
        logging.disable(logging.NOTSET)


class _Rows(CalibrationDataReader):
    def __init__(self, run: Run) -> None:
        self.rows: Iterator[Any] = iter(run.calibration)

    def get_next(self) -> dict[str, Any] | None:
        row = next(self.rows, None)
        return None if row is None else {"ids": row[None]}  # (1, max_length)


def attach(content: bytes, card: Card) -> bytes:
    """Add what the model tells of itself as ``metadata_props``, which ``edgetext.bundle.single_file`` reads back.

    Lists and records are JSON. A model that takes ids also gets its ``vocabulary``, a token a line in the order of the
    ids; one that takes text has it in its graph. The last property is a checksum of the rest.

    Args:
        content: An ``.onnx`` file.
        card: What to tell.

    Returns:
        The file with metadata; the same bytes for the same arguments.
    """
    model = onnx.load_from_string(content)
    properties = {name: value if isinstance(value, str) else dump(value) for name, value in card.record().items()}
    if card.recipe.input == "ids":
        properties["vocabulary"] = "\n".join(card.run.tokens)
    onnx.helper.set_model_props(model, properties)
    model.doc_string = card.description
    result: bytes = model.SerializeToString(deterministic=True)
    return result + seal(result)


def summarize(content: bytes) -> dict[str, dict[str, int]]:
    """Count a file's operations, and its stored tensors by data type."""
    graph = onnx.load_from_string(content).graph
    ops = Counter(node.op_type for node in graph.node)
    tensors = Counter(onnx.TensorProto.DataType.Name(tensor.data_type).lower() for tensor in graph.initializer)
    return {"ops": dict(sorted(ops.items())), "tensors": dict(sorted(tensors.items()))}
