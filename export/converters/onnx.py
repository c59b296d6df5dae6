"""Keras to ONNX, through tf2onnx, for the engine ``onnx``."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before onnxruntime is first imported, as the engine does

import onnx
import tf2onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from edgetext.engines.process import muted_stderr
from edgetext.formats.onnx import add_checksum
from export.converters.calibration import calibration_batches
from export.converters.inference import inference_function
from export.converters.model_card import ModelCard
from export.converters.onnx_text_graph import add_text_input
from export.recipes import Recipe
from train.run import Run

PACKAGES = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime")
# The oldest opset with all operators needed here; onnxruntime 1.10, the oldest in a distribution in use, reads it.
OPSET = 15


def convert(run: Run, recipe: Recipe) -> bytes:
    """Return the content of an ``.onnx`` file that passed ``onnx.checker``.

    Its input is ``ids``, int32 (batch, max_length), its output ``probabilities``, float32 (batch, labels); for a recipe
    that takes text they are those of ``add_text_input``.

    Raises:
        RunError: As for ``add_text_input``.
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
        model = add_text_input(model, run)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _quantize(model: onnx.ModelProto, recipe: str, run: Run) -> onnx.ModelProto:
    """Quantise with onnxruntime's tools, which read and write files."""
    logging.disable(logging.WARNING)  # they recommend a shape inference that changes nothing in these graphs
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, fused, target = (Path(folder) / f"{name}.onnx" for name in ("float32", "fused", "quantized"))
            onnx.save(model, source)
            if recipe == "dynamic_wi8":
                # Nearly all the weights are in the tables. Quantising the dense layers too would save 800 bytes, and
                # a text's score would depend on the other texts of its batch, because activations are scaled by batch.
                quantize_dynamic(source, target, op_types_to_quantize=["Gather"], weight_type=QuantType.QInt8)
            else:
                # Fuses each matrix product with its bias, so that the bias is quantised to int32 rather than uint8.
                quant_pre_process(source, fused, skip_symbolic_shape=True)
                quantize_static(
                    fused,
                    target,
                    _CalibrationReader(run),
                    quant_format=QuantFormat.QDQ,
                    # On x86-64 onnxruntime runs uint8 activations much faster than int8 ones; see export/README.md.
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                    # Quantised, these would return one of only 256 probabilities, among them exactly one half.
                    nodes_to_exclude=[node.name for node in model.graph.node if node.op_type in ("Sigmoid", "Softmax")],
                )
            return onnx.load(target)
    finally:
        logging.disable(logging.NOTSET)


class _CalibrationReader(CalibrationDataReader):
    def __init__(self, run: Run) -> None:
        self._batches = iter(calibration_batches(run))

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"ids": batch}


def canonicalize(model: onnx.ModelProto) -> None:
    """Sort a graph's nodes and tensors and rename them, in place, so that equal models are equal bytes.

    tf2onnx iterates over sets, so the names and the order of its nodes depend on the process's string hash seed. It
    describes the graph by a name with a number that counts the functions TensorFlow has made; this is removed.

    Nodes are sorted in the order in which the outputs need them and named after their operation: ``Gather_0``. A node's
    output is named after the node, ``Gather_0:0``, and a stored tensor after the first node input that reads it,
    ``Gather_0/0``; the graph's inputs and outputs keep their names. Nodes and tensors that no output needs are removed,
    and so are the recorded types and shapes of intermediate values, which readers infer. Nodes have no subgraphs.
    """
    graph = model.graph
    graph.doc_string = ""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes = _in_order(graph)
    names = {value.name: value.name for value in (*graph.input, *graph.output)}
    counts: Counter[str] = Counter()
    for node in nodes:
        node.name = f"{node.op_type}_{counts[node.op_type]}"
        counts[node.op_type] += 1
        for position, name in enumerate(node.input):
            if name in stored:
                names.setdefault(name, f"{node.name}/{position}")
        for position, name in enumerate(node.output):
            names.setdefault(name, f"{node.name}:{position}")
    names[""] = ""  # an optional input or output that is not used
    for node in nodes:
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    tensors = [stored[name] for name in names if name in stored]
    for tensor in tensors:
        tensor.name = names[tensor.name]
    nodes, tensors = ([type(part).FromString(part.SerializeToString()) for part in parts] for parts in (nodes, tensors))
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensors)


def _in_order(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes that the outputs need, each after the nodes that it needs, in the order of its inputs."""
    producers = {output: node for node in graph.node for output in node.output}
    nodes: dict[str, onnx.NodeProto] = {}  # by their first output

    def add(name: str) -> None:
        node = producers.get(name)
        if node is not None and node.output[0] not in nodes:
            for value in node.input:
                add(value)
            nodes[node.output[0]] = node

    for value in graph.output:
        add(value.name)
    return list(nodes.values())


def add_metadata(content: bytes, card: ModelCard) -> bytes:
    """Add the card as ``metadata_props``, which ``edgetext.bundle.single_file`` reads.

    Lists and objects are JSON. A model that takes ids also gets its ``vocabulary``, one token per line in the order of
    the ids; one that takes text has it in its graph. The last property is a checksum of the file before it.
    """
    model, record = onnx.load_from_string(content), card.record()
    properties = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in record.items()
    }
    if card.recipe.input == "ids":
        properties["vocabulary"] = "\n".join(card.run.tokens)
    onnx.helper.set_model_props(model, properties)
    model.doc_string = record["description"]
    return add_checksum(model.SerializeToString(deterministic=True))


def summarize(content: bytes) -> dict[str, dict[str, int]]:
    """Count the file's operations by name, and its stored tensors by data type."""
    graph = onnx.load_from_string(content).graph
    ops = Counter(node.op_type for node in graph.node)
    tensors = Counter(onnx.TensorProto.DataType.Name(tensor.data_type).lower() for tensor in graph.initializer)
    return {"ops": dict(sorted(ops.items())), "tensors": dict(sorted(tensors.items()))}
