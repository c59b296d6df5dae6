"""The networks of the presets, made of Keras' own layers only, so that a saved model loads in safe mode.

Each takes int32 ids of shape (batch, max_length) and returns probabilities: for two labels that of the second, shape
(batch, 1); for more, that of each, shape (batch, labels).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from edgetext.text import PAD_ID, UNKNOWN_ID
from train.models.choices import MULTIPLIERS, Choices

# A table of words and one of buckets of bigrams, each of shape (ids or buckets, num_outputs).
Tables = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def build_tutorial(vocabulary_size: int, max_length: int, num_outputs: int = 1) -> keras.Model:
    """Build the network of TensorFlow's text-classification tutorial: 160,289 parameters for 10,000 ids and one output.

    Padding is averaged in like any other id, as published: embedding without a mask, average over all positions.
    """
    model = keras.Sequential(
        [
            keras.Input((max_length,), dtype="int32", name="ids"),  # (batch, max_length)
            layers.Embedding(vocabulary_size, 16),  # (batch, max_length, 16)
            layers.GlobalAveragePooling1D(),  # (batch, 16)
            layers.Dense(16, activation="relu"),  # (batch, 16)
            layers.Dense(num_outputs, activation="sigmoid" if num_outputs == 1 else "softmax"),  # (batch, num_outputs)
        ],
        name="tutorial",
    )
    loss = "binary_crossentropy" if num_outputs == 1 else "sparse_categorical_crossentropy"
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model


def build_edge(
    vocabulary_size: int,
    max_length: int,
    choices: Choices,
    bias: npt.NDArray[np.float64],
    prior: npt.NDArray[np.float64],
) -> keras.Model:
    """Build the network of words and bigrams: weights are looked up, added, and divided by a power of the length.

    Its tables are zero until ``finish_edge`` sets them.

    Args:
        vocabulary_size: Number of ids.
        max_length: Number of ids of a text.
        choices: Those of the network.
        bias: What is added to the sum of each output, shape (num_outputs,).
        prior: The logits of a text without known words, shape (num_outputs,).
    """
    num_outputs = len(bias)
    unigrams = layers.Embedding(vocabulary_size, num_outputs, embeddings_initializer="zeros", name="unigrams")
    bigrams = layers.Embedding(choices.buckets, num_outputs, embeddings_initializer="zeros", name="bigrams")
    ids, total = _add_up(unigrams, bigrams, max_length, choices)
    has_known = ops.max(ops.cast(ids > UNKNOWN_ID, "float32"), axis=1, keepdims=True)  # (batch, 1)
    total += layers.Rescaling([float(value) for value in bias - prior], name="bias")(has_known)
    if num_outputs == 1:
        head = layers.Dense(
            1,
            activation="sigmoid",
            kernel_initializer="ones",
            bias_initializer=keras.initializers.Constant(float(prior[0])),
            name="head",
        )
        return keras.Model(ids, head(total), name="edge")  # (batch, 1)
    # Only an addition: a dense layer would multiply by a matrix of labels by labels, and be quantised.
    shifted = layers.Rescaling(1.0, [float(value) for value in prior], name="head")(total)
    return keras.Model(ids, layers.Softmax(name="probabilities")(shifted), name="edge")  # (batch, num_outputs)


def build_edge_training(scales: Tables, choices: Choices) -> keras.Model:
    """Build the network of ``build_edge`` as it is fitted: each weight is a frozen scale times a trained factor.

    Returns:
        A model that takes texts of any length, not yet compiled; with the objective ``"logistic"`` it returns the
        probability of the second label, with ``"hinge"`` the margin of each output.
    """

    def scaled(name: str, scale: npt.NDArray[np.float32]) -> Callable[[Any], Any]:
        factors = layers.Embedding(
            *scale.shape,
            embeddings_initializer=keras.initializers.Constant(choices.initial_weight),
            embeddings_regularizer=keras.regularizers.L2(choices.regularization),
            name=name,
        )
        frozen = layers.Embedding(*scale.shape, trainable=False, name=f"{name}_scale")
        frozen.build()
        frozen.set_weights([scale])
        return lambda ids: factors(ids) * frozen(ids)

    unigrams, bigrams = scales
    buckets = Choices(**{**vars(choices), "buckets": len(bigrams)})
    ids, total = _add_up(scaled("unigrams", unigrams), scaled("bigrams", bigrams), None, buckets)
    if choices.objective == "logistic":
        head = layers.Dense(1, activation="sigmoid", kernel_initializer="ones", name="head")
        return keras.Model(ids, head(total), name="edge")  # (batch, 1)
    # Besides the tables only a bias is trained: a factor would grow instead of them, and escape the regularisation.
    bias = layers.Embedding(1, unigrams.shape[1], embeddings_initializer="zeros", name="head")
    return keras.Model(ids, total + bias(ops.zeros_like(ids[:, 0])), name="edge")  # (batch, num_outputs)


def _add_up(
    unigrams: Callable[[Any], Any], bigrams: Callable[[Any], Any], max_length: int | None, choices: Choices
) -> tuple[Any, Any]:
    """Connect two tables, each of which turns int32 of shape (batch, n) into weights of shape (batch, n, num_outputs).

    Unknown words, pairs with one, and the start mark alone add nothing.

    Returns:
        The input, ids of shape (batch, n), and the sums, shape (batch, num_outputs).
    """
    ids = keras.Input((max_length,), dtype="int32", name="ids")  # (batch, n)
    first, second = ids[:, :-1], ids[:, 1:]  # (batch, n - 1)
    words = unigrams(ids) * ops.cast(ids > UNKNOWN_ID, "float32")[:, :, None]  # (batch, n, num_outputs)
    is_known = ops.cast(first != UNKNOWN_ID, "float32") * ops.cast(second > UNKNOWN_ID, "float32")
    pairs = bigrams(bucket(first, second, choices.buckets)) * is_known[:, :, None]
    total = ops.sum(words, axis=1) + ops.sum(pairs, axis=1)  # (batch, num_outputs)
    count = ops.sum(ops.cast(ids != PAD_ID, "float32"), axis=1, keepdims=True)  # (batch, 1)
    return ids, total * ops.maximum(count, 1.0) ** -choices.exponent


def bucket(first: Any, second: Any, buckets: int) -> Any:
    """Return the bucket of each pair of ids, below ``buckets``: integers of any shape, numpy's or Keras'."""
    return (first * MULTIPLIERS[0] + second * MULTIPLIERS[1]) % buckets


def find_features(ids: npt.NDArray[np.int64], vocabulary_size: int, buckets: int) -> npt.NDArray[np.int64]:
    """Return what adds to the logits of encoded texts: words by their id, pairs by ``vocabulary_size`` plus the bucket.

    Args:
        ids: Shape (texts, n).
        vocabulary_size: Number of ids.
        buckets: Number of buckets of bigrams.

    Returns:
        Shape (texts, 2 * n - 1), with ``PAD_ID`` for what adds nothing; see ``_add_up``.
    """
    first, second = ids[:, :-1], ids[:, 1:]
    pairs = vocabulary_size + bucket(first, second, buckets)
    is_known = (first != UNKNOWN_ID) & (second > UNKNOWN_ID)
    return np.hstack([np.where(ids > UNKNOWN_ID, ids, PAD_ID), np.where(is_known, pairs, PAD_ID)])


def finish_edge(
    trained: keras.Model,
    vocabulary_size: int,
    max_length: int,
    choices: Choices,
    temperature: float,
    shares: npt.NDArray[np.float64],
) -> keras.Model:
    """Return the network of ``build_edge`` with the weights that the one of ``build_edge_training`` learned.

    Its logits are the trained logits or margins divided by the temperature; a text without known words gets the
    ``shares`` of the labels as its probabilities. All factors go into the tables, so that the head only adds.
    """
    head = trained.get_layer("head").get_weights()
    kernel, bias = head if choices.objective == "logistic" else (np.ones((1, 1), np.float32), head[0][0])
    temperature = np.float64(temperature)  # or numpy would divide in float32
    prior = np.log(shares) if len(bias) > 1 else np.log(shares[1:] / shares[:1])
    model = build_edge(vocabulary_size, max_length, choices, bias / temperature, prior)
    for name in ("unigrams", "bigrams"):
        factors, scales = (trained.get_layer(layer).get_weights()[0] for layer in (name, f"{name}_scale"))
        table = factors * scales * kernel / temperature
        if name == "unigrams":
            table[: UNKNOWN_ID + 1] = 0  # these are never added, and were not trained
        model.get_layer(name).set_weights([table])
    return model
