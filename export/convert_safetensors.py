"""Keras to safetensors, for the engine ``builtin``, which says in ``edgetext.engines.builtin`` what it reads."""

from __future__ import annotations

import json
from collections import Counter
from itertools import count
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers
from safetensors import deserialize
from safetensors.numpy import save

from edgetext.engines.builtin import FORMAT
from export.card import Card
from export.recipes import Recipe
from export.rewriting import fold_padding
from train.run import Run, RunError

PACKAGES = ("keras", "numpy", "safetensors")


def convert(run: Run, recipe: Recipe) -> bytes:
    """Convert a run's model.

    Args:
        run: The run.
        recipe: ``wi8_afp64``, the only one: tables in int8, arithmetic in float64.

    Returns:
        The content of a ``.safetensors`` file.

    Raises:
        RunError: The network is not one that the engine computes.
    """
    network = run.config.get("network")
    model = fold_padding(run.model)
    metadata, tensors = _average(run, model) if network is None else _bigrams(run, model, network)
    metadata |= {"format": FORMAT, "max_length": str(run.preprocessing.max_length)}
    return _in_order(save(tensors, metadata))


def _in_order(content: bytes) -> bytes:
    """Sort the keys in the header of a ``.safetensors`` file, for safetensors writes the metadata in any order."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the data begins at a multiple of 8, as the format asks
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def quantize(table: npt.NDArray[np.float32], axis: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Quantise a table symmetrically to int8, with a scale for each index along ``axis``.

    The scheme is TensorFlow Lite's for weights: the largest absolute value becomes 127, zero stays zero, and -128 is
    not used (its quantisation specification, "symmetric per-axis").

    Args:
        table: Shape (rows, columns).
        axis: 0 or 1.

    Returns:
        The table, and the scales, shape (table.shape[axis],): ``table * scale`` is what it stands for.
    """
    largest = np.abs(table).max(axis=1 - axis, keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1.0).astype(np.float32)
    return np.rint(table / scales).clip(-127, 127).astype(np.int8), scales.ravel()


def _bigrams(run: Run, model: keras.Model, network: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Take the ``edge`` preset's weights: two tables, and a dense layer that only scales and shifts each output."""
    try:
        tables = {name: model.get_layer(name).get_weights()[0] for name in ("unigrams", "bigrams")}
        kernel, bias = _head(model.get_layer("head"))
        metadata = {
            "network": "bigrams",
            "multipliers": " ".join(str(int(factor)) for factor in network["multipliers"]),
            "exponent": str(float(network["exponent"])),
        }
    except (ValueError, KeyError, TypeError, IndexError):
        raise RunError(f"{run.folder}: the model is not the network of bigrams that config.json describes") from None
    diagonal = np.diag(kernel)
    if not np.array_equal(kernel, np.diag(diagonal)):
        raise RunError(f"{run.folder}: the head mixes outputs, which the engine builtin does not compute")
    tensors: dict[str, Any] = {"bias": bias}
    for name, table in tables.items():
        # (rows, outputs) to (outputs, rows): an output's weights lie together.
        tensors[name], tensors[f"{name}.scale"] = quantize((table * diagonal).T.copy(), axis=0)
    return metadata, tensors


def _head(layer: keras.layers.Layer) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Give by what a head multiplies the sums, shape (outputs, outputs), and what it adds, shape (outputs,)."""
    if isinstance(layer, layers.Rescaling):  # of more than two labels, where it only adds
        bias = np.array(layer.offset, np.float32)
        return np.eye(len(bias), dtype=np.float32) * np.float32(layer.scale), bias
    kernel, bias = layer.get_weights()
    return kernel, bias


def _average(run: Run, model: keras.Model) -> tuple[dict[str, str], dict[str, Any]]:
    """Take the weights of a network like the tutorial's: embedding, average over all positions, dense layers."""
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
    for number, layer in zip(count(), dense):
        tensors[f"dense.{number}.kernel"], tensors[f"dense.{number}.bias"] = layer.get_weights()
    return {"network": "average"}, tensors


def attach(content: bytes, card: Card) -> bytes:
    """Leave the file as it is: the engine ``builtin`` reads bundles."""
    return content


def summarize(content: bytes) -> dict[str, dict[str, int]]:
    """Count a file's tensors by data type."""
    tensors = Counter(record["dtype"].lower() for _, record in deserialize(content))
    return {"tensors": dict(sorted(tensors.items()))}
