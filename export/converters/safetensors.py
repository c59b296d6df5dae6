"""Keras to safetensors, for the engine ``builtin``; ``edgetext.engines.builtin`` describes the file."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers
from safetensors import deserialize
from safetensors.numpy import save

from edgetext.engines.builtin import FORMAT
from export.converters.inference import fold_padding
from export.converters.model_card import ModelCard
from export.recipes import Recipe
from train.models.network import TABLES
from train.run import Run
from train.run_folder import RunError

PACKAGES = ("keras", "numpy", "safetensors")


def convert(run: Run, recipe: Recipe) -> bytes:
    """Return the content of a ``.safetensors`` file, with the tables in int8; the arithmetic is in float64.

    Raises:
        RunError: If the engine does not support the network.
    """
    network = run.config.get("network")
    model = fold_padding(run.model)
    metadata, tensors = _average(run, model) if network is None else _bigrams(run, model, network)
    metadata |= {"format": FORMAT, "max_length": str(run.preprocessing.width)}
    return _sort_header(save(tensors, metadata))


def _sort_header(content: bytes) -> bytes:
    """Sort the keys in the header of a ``.safetensors`` file; safetensors writes the metadata in arbitrary order."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the format aligns the data to 8 bytes
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def quantize(table: npt.NDArray[np.float32], axis: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Quantise a matrix symmetrically to int8, with one scale for each index along ``axis``, 0 or 1.

    This is TensorFlow Lite's scheme for weights ("symmetric per-axis" in its quantisation specification): the largest
    absolute value becomes 127, zero stays zero, and -128 is not used.

    Returns:
        The quantised table, and the scales, shape (table.shape[axis],); their product approximates ``table``.
    """
    largest = np.abs(table).max(axis=1 - axis, keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1.0).astype(np.float32)
    return np.rint(table / scales).clip(-127, 127).astype(np.int8), scales.ravel()


def _bigrams(run: Run, model: keras.Model, network: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Return metadata and tensors of an ``edge`` network: its tables, and a head that scales and shifts each output."""
    tensors: dict[str, Any]
    names = TABLES if run.preprocessing.characters is not None else TABLES[:2]
    try:
        tables = {name: model.get_layer(name).get_weights()[0] for name in names}
        kernel, bias = _head(model.get_layer("head"))
        metadata = {
            "network": network["kind"],
            "multipliers": " ".join(str(int(factor)) for factor in network["multipliers"]),
            "exponent": str(float(network["exponent"])),
        }
        if network["kind"] != "bigrams":
            tensors = {"bias": bias, "prior": bias + np.diag(kernel) * np.float32(model.get_layer("prior").scale)}
        else:
            tensors = {"bias": bias}
    except (ValueError, KeyError, TypeError, IndexError):
        raise RunError(f"{run.folder}: the model is not the network of bigrams that config.json describes") from None
    diagonal = np.diag(kernel)
    if not np.array_equal(kernel, np.diag(diagonal)):
        raise RunError(f"{run.folder}: the head mixes outputs, which the engine builtin does not compute")
    for name, table in tables.items():
        # (ids, outputs) to (outputs, ids): the weights of one output are contiguous.
        tensors[name], tensors[f"{name}.scale"] = quantize((table * diagonal).T.copy(), axis=0)
    return metadata, tensors


def _head(layer: keras.layers.Layer) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the kernel of a head, shape (outputs, outputs), and its bias, shape (outputs,)."""
    if isinstance(layer, layers.Rescaling):  # with more than two labels the head only adds
        bias = np.array(layer.offset, np.float32)
        return np.eye(len(bias), dtype=np.float32) * np.float32(layer.scale), bias
    kernel, bias = layer.get_weights()
    return kernel, bias


def _average(run: Run, model: keras.Model) -> tuple[dict[str, str], dict[str, Any]]:
    """Return metadata and tensors of a ``tutorial`` network: embedding, average over all positions, dense layers."""
    embedding, pooling, *dense = [layer for layer in model.layers if not isinstance(layer, layers.InputLayer)]
    table = embedding.get_weights()[0]
    activations = [keras.activations.serialize(layer.activation) for layer in dense if type(layer) is layers.Dense]
    if (
        type(embedding) is not layers.Embedding
        or embedding.mask_zero
        or type(pooling) is not layers.GlobalAveragePooling1D
        or activations != ["relu"] * (len(dense) - 1) + ["sigmoid" if model.output_shape[-1] == 1 else "softmax"]
        or table[0].any()
    ):
        raise RunError(
            f"{run.folder}: the engine builtin computes averages of embeddings and bigrams, not this network"
        )
    quantized, scales = quantize(table, axis=1)
    tensors: dict[str, Any] = {"embedding": quantized, "embedding.scale": scales}
    for number, layer in enumerate(dense):
        tensors[f"dense.{number}.kernel"], tensors[f"dense.{number}.bias"] = layer.get_weights()
    return {"network": "average"}, tensors


def add_metadata(content: bytes, card: ModelCard) -> bytes:
    """Return the file unchanged: the engine ``builtin`` reads it from a bundle only."""
    return content


def summarize(content: bytes) -> dict[str, dict[str, int]]:
    """Count the file's tensors by data type."""
    tensors = Counter(record["dtype"].lower() for _, record in deserialize(content))
    return {"tensors": dict(sorted(tensors.items()))}
