"""The networks of the presets, as Keras models.

Each takes int32 ids of shape (batch, max_length) and gives the probability of the second label, shape (batch, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from train.choices import MULTIPLIERS, Choices

Ratios = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def build_tutorial(vocabulary_size: int, max_length: int) -> keras.Model:
    """Build the network of TensorFlow's text-classification tutorial: 160,289 parameters for 10,000 ids.

    Padding is averaged in like any other id, as published: embedding without a mask, average over all positions.
    """
    model = keras.Sequential(
        [
            keras.Input((max_length,), dtype="int32", name="ids"),  # (batch, max_length)
            layers.Embedding(vocabulary_size, 16),  # (batch, max_length, 16)
            layers.GlobalAveragePooling1D(),  # (batch, 16)
            layers.Dense(16, activation="relu"),  # (batch, 16)
            layers.Dense(1, activation="sigmoid"),  # (batch, 1)
        ],
        name="tutorial",
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def build_edge(vocabulary_size: int, max_length: int, choices: Choices) -> keras.Model:
    """Build the network of words and bigrams: weights are looked up, added, divided by a power of the length.

    Its weights are zero until ``take_over`` sets them.
    """
    unigrams = layers.Embedding(vocabulary_size, 1, embeddings_initializer="zeros", name="unigrams")
    bigrams = layers.Embedding(choices.buckets, 1, embeddings_initializer="zeros", name="bigrams")
    return _edge(unigrams, bigrams, max_length, choices)


def build_edge_training(ratios: Ratios, choices: Choices) -> keras.Model:
    """Build what ``build_edge`` builds, to be fitted: each weight is a frozen log-count ratio times a trained factor.

    Args:
        ratios: Of the words, shape (vocabulary, 1), and of the buckets of bigrams, shape (buckets, 1).
        choices: The numbers of the preset.

    Returns:
        A model that takes rows of any length, not yet compiled.
    """

    def scaled(name: str, ratio: npt.NDArray[np.float32]) -> Callable[[Any], Any]:
        factors = layers.Embedding(
            len(ratio),
            1,
            embeddings_initializer=keras.initializers.Constant(choices.initial_weight),
            embeddings_regularizer=keras.regularizers.L2(choices.regularization),
            name=name,
        )
        frozen = layers.Embedding(len(ratio), 1, trainable=False, name=f"{name}_ratio")
        frozen.build()
        frozen.set_weights([ratio])
        return lambda ids: factors(ids) * frozen(ids)

    unigrams, bigrams = ratios
    buckets = Choices(**{**vars(choices), "buckets": len(bigrams)})
    return _edge(scaled("unigrams", unigrams), scaled("bigrams", bigrams), None, buckets)


def _edge(
    unigrams: Callable[[Any], Any], bigrams: Callable[[Any], Any], max_length: int | None, choices: Choices
) -> keras.Model:
    """Connect two tables, each of which turns int32 of shape (batch, n) into weights of shape (batch, n, 1)."""
    ids = keras.Input((max_length,), dtype="int32", name="ids")  # (batch, n)
    first, second = ids[:, :-1], ids[:, 1:]  # (batch, n - 1)
    words = unigrams(ids) * ops.cast(ids > 0, "float32")[:, :, None]  # (batch, n, 1)
    pairs = bigrams(bucket(first, second, choices.buckets)) * ops.cast(second > 0, "float32")[:, :, None]
    total = ops.sum(words, axis=1) + ops.sum(pairs, axis=1)  # (batch, 1)
    count = ops.sum(ops.cast(ids > 0, "float32"), axis=1, keepdims=True)  # (batch, 1)
    total = total * ops.maximum(count, 1.0) ** -choices.exponent
    head = layers.Dense(1, activation="sigmoid", kernel_initializer="ones", name="head")
    return keras.Model(ids, head(total), name="edge")  # (batch, 1)


def bucket(first: Any, second: Any, buckets: int) -> Any:
    """Give the bucket of each pair of ids: integers of any shape, numpy's or Keras', below ``buckets``."""
    return (first * MULTIPLIERS[0] + second * MULTIPLIERS[1]) % buckets


def take_over(model: keras.Model, trained: keras.Model, temperature: float) -> None:
    """Set the weights of ``build_edge``'s model to what ``build_edge_training``'s learned.

    The logits become the trained ones divided by the temperature. All factors go into the tables, so that the head
    only adds its bias.
    """
    kernel, bias = trained.get_layer("head").get_weights()  # (1, 1), (1,)
    for name in ("unigrams", "bigrams"):
        factors, ratios = (trained.get_layer(layer).get_weights()[0] for layer in (name, f"{name}_ratio"))
        model.get_layer(name).set_weights([factors * ratios * kernel / temperature])
    model.get_layer("head").set_weights([np.ones_like(kernel), bias / temperature])
