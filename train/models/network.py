"""The networks of the presets, made of Keras' own layers only, so that a saved model loads in safe mode.

Each takes int32 ids of shape (batch, max_length) and returns probabilities: for two labels that of the second, shape
(batch, 1); for more, that of each, shape (batch, labels).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers, ops

from edgetext.text import PAD_ID, UNKNOWN_ID
from train.encoding.ngrams import WordCharacters
from train.models.choices import Choices
from train.models.hashing import add_products, shift

# A table of words, one of buckets of bigrams (and trigrams), and perhaps one of buckets of character n-grams, each of
# shape (ids or buckets, num_outputs).
Tables = tuple[npt.NDArray[np.float32], ...]
TABLES = ("unigrams", "bigrams", "characters")


class Weights(NamedTuple):
    """What was fitted: a logit is the sum of the weights, divided by a power of the length, and the bias."""

    tables: Tables  # those of a word's n-grams are not yet added to the word's
    bias: npt.NDArray[Any]  # shape (num_outputs,)


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
    width: int,
    choices: Choices,
    bias: npt.NDArray[np.float64],
    prior: npt.NDArray[np.float64],
) -> keras.Model:
    """Build the network of words and bigrams: weights are looked up, added, and divided by a power of the length.

    If it has trigrams, they share the table of the bigrams. If it has characters, ids from ``vocabulary_size`` on are
    those of character n-grams, which follow the words. Their weights are added too; they do not count in the length.

    Its tables are zero until ``finish_edge`` sets them.

    Args:
        vocabulary_size: Number of ids.
        width: Number of ids of a text, those of n-grams included.
        choices: Those of the network.
        bias: What is added to the sum of each output, shape (num_outputs,).
        prior: The logits of a text without known words, shape (num_outputs,).
    """
    num_outputs = len(bias)
    rows = (vocabulary_size, choices.buckets, *([choices.characters] if choices.characters else []))
    tables = [
        layers.Embedding(count, num_outputs, embeddings_initializer="zeros", name=name)
        for name, count in zip(TABLES, rows)
    ]
    ids, total = _add_up(tables, rows, width, choices)
    has_known = ops.max(ops.cast(ids > UNKNOWN_ID, "float32"), axis=1, keepdims=True)  # (batch, 1)
    total += layers.Rescaling([float(value) for value in prior - bias], name="prior")(1.0 - has_known)
    if num_outputs == 1:
        head = layers.Dense(
            1,
            activation="sigmoid",
            kernel_initializer="ones",
            # Not the prior: for equal shares it is 0, and in int8 a dense layer without bias crashes tflite-runtime
            # 2.14 on ARM.
            bias_initializer=keras.initializers.Constant(float(bias[0])),
            name="head",
        )
        return keras.Model(ids, head(total), name="edge")  # (batch, 1)
    # Only an addition: a dense layer would multiply by a matrix of labels by labels, and be quantised.
    shifted = layers.Rescaling(1.0, [float(value) for value in bias], name="head")(total)
    return keras.Model(ids, layers.Softmax(name="probabilities")(shifted), name="edge")  # (batch, num_outputs)


def build_edge_training(scales: Tables, choices: Choices, word_characters: WordCharacters | None = None) -> keras.Model:
    """Build the network of ``build_edge`` as it is fitted: each weight is a frozen scale times a trained factor.

    With characters, the weights of a word's n-grams are added to that of the word.

    Args:
        scales: Those of each table.
        choices: Those of the network.
        word_characters: The n-grams of the words; None without characters.

    Returns:
        A model that takes texts of any length and returns the margin of each output, not yet compiled.
    """
    tables: list[Callable[[Any], Any]] = [_Scaled(scale, choices, name) for name, scale in zip(TABLES, scales)]
    if word_characters is not None:
        words, _, characters = tables
        tables[0] = _Spelled(words, characters, word_characters, name="spelled")
    ids, total = _add_up(tables, [len(scale) for scale in scales], None, choices)
    # Besides the tables only a bias is trained: a factor would grow instead of them, and escape the regularisation.
    bias = layers.Embedding(1, scales[0].shape[1], embeddings_initializer="zeros", name="head")
    return keras.Model(ids, total + bias(ops.zeros_like(ids[:, 0])), name="edge")  # (batch, num_outputs)


class _Scaled(layers.Embedding):
    """A table of trained factors, each multiplied by a scale."""

    def __init__(self, scale: npt.NDArray[np.float32], choices: Choices, name: str) -> None:
        super().__init__(
            *scale.shape,
            embeddings_initializer=keras.initializers.Constant(choices.initial_weight),
            embeddings_regularizer=keras.regularizers.L2(choices.regularization),
            name=name,
        )
        self.scale = scale

    def call(self, ids: Any) -> Any:
        return super().call(ids) * ops.take(self.scale, ids, axis=0)

    def weights_table(self) -> Any:
        """Return all weights, shape (input_dim, output_dim)."""
        return self.embeddings * self.scale


class _Spelled(layers.Layer):
    """The table of words with the weights of their n-grams added."""

    def __init__(self, words: Any, characters: Any, word_characters: WordCharacters, name: str) -> None:
        super().__init__(name=name)
        self.words, self._characters = words, characters
        for table in (words, characters):
            table.build()
        coordinates = word_characters.tocoo()
        places = np.stack([coordinates.row, coordinates.col], axis=1).astype(np.int64)
        self._ngrams = tf.SparseTensor(places, coordinates.data.astype(np.float32), word_characters.shape)

    def call(self, ids: Any) -> Any:
        spelled = tf.sparse.sparse_dense_matmul(self._ngrams, self._characters.weights_table())
        return self.words(ids) + ops.take(spelled, ids, axis=0)


def _add_up(
    tables: Sequence[Callable[[Any], Any]], rows: Sequence[int], width: int | None, choices: Choices
) -> tuple[Any, Any]:
    """Connect the tables, each of which turns int32 of shape (batch, n) into weights of shape (batch, n, num_outputs).

    Unknown words, n-grams with one, and the start mark alone add nothing. The start mark may begin an n-gram.

    Args:
        tables: As named in ``TABLES``, the last of which may be missing.
        rows: How many rows each has.
        width: The n of the input; None for any.
        choices: The length of the longest n-grams; and the exponent: the sum is divided by this power of the number of
            words.

    Returns:
        The input, ids of shape (batch, n), and the sums, shape (batch, num_outputs).
    """
    everything = keras.Input((width,), dtype="int32", name="ids")  # (batch, n)
    vocabulary_size, buckets, *more = rows
    # N-grams of words are made of words only; larger ids would also be too large for the multipliers.
    ids = everything * ops.cast(everything < vocabulary_size, "int32") if more else everything
    shifted = shift(ids, choices.word_ngrams)
    words = tables[0](ids) * ops.cast(ids > UNKNOWN_ID, "float32")[:, :, None]  # (batch, n, num_outputs)
    is_known = [ops.cast(shifted[0] != UNKNOWN_ID, "float32") * ops.cast(shifted[1] > UNKNOWN_ID, "float32")]
    for word in shifted[2:]:
        is_known.append(is_known[-1][:, :-1] * ops.cast(word > UNKNOWN_ID, "float32"))
    # One look-up for n-grams of all lengths: the table stands in a converted graph once.
    ngrams = tables[1](_join(add_products(shifted)) % buckets) * _join(is_known)[:, :, None]
    total = ops.sum(words, axis=1) + ops.sum(ngrams, axis=1)  # (batch, num_outputs)
    if more:
        characters = ops.maximum(everything - vocabulary_size, 0)
        is_ngram = ops.cast(everything >= vocabulary_size, "float32")
        total += ops.sum(tables[2](characters) * is_ngram[:, :, None], axis=1)
    count = ops.sum(ops.cast(ids != PAD_ID, "float32"), axis=1, keepdims=True)  # (batch, 1)
    return everything, total * ops.maximum(count, 1.0) ** -choices.exponent


def _join(parts: list[Any]) -> Any:
    """Join what there is of bigrams and of trigrams: arrays of shape (batch, n - 1) and (batch, n - 2)."""
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)


def read_weights(trained: keras.Model) -> Weights:
    """Return the weights that the network of ``build_edge_training`` has learned."""
    tables = [layer.words if isinstance(layer, _Spelled) else layer for layer in trained.layers]
    found = {table.name: table.get_weights()[0] * table.scale for table in tables if isinstance(table, _Scaled)}
    return Weights(
        tuple(found[name] for name in TABLES if name in found), trained.get_layer("head").get_weights()[0][0]
    )


def finish_edge(
    weights: Weights,
    width: int,
    choices: Choices,
    temperature: float,
    shares: npt.NDArray[np.float64],
    word_characters: WordCharacters | None = None,
) -> keras.Model:
    """Return the network of ``build_edge`` with weights that were fitted.

    Its logits are the fitted ones divided by the temperature; a text without known words gets the ``shares`` of the
    labels as its probabilities. The weights of a word's n-grams are added to that of the word.
    """
    temperature, bias = np.float64(temperature), weights.bias  # or numpy would divide in float32
    prior = np.log(shares) if len(bias) > 1 else np.log(shares[1:] / shares[:1])
    model = build_edge(len(weights.tables[0]), width, choices, bias / temperature, prior)
    tables = {name: table / temperature for name, table in zip(TABLES, weights.tables)}
    if word_characters is not None:
        tables["unigrams"] += word_characters @ tables["characters"]
    tables["unigrams"][: UNKNOWN_ID + 1] = 0  # these are never added, and were not trained
    for name, table in tables.items():
        model.get_layer(name).set_weights([table])
    return model
