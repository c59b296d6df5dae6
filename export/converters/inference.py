"""The network as the converters get it: rewritten, without changing the function that it computes."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from edgetext.text import PAD_ID
from train.run import Run


def inference_function(run: Run) -> tf.types.experimental.PolymorphicFunction:
    """Return the run's model as the TensorFlow function that TensorFlow Lite and ONNX are converted from.

    It takes ``ids``, int32 (batch, width), and returns ``probabilities``, float32 (batch, labels).

    It computes what the Keras model computes, but its graph differs in three ways. The contribution of padding is
    folded out of the embedding (see ``fold_padding``). A single sigmoid becomes one output per label (see
    ``split_sigmoid``). And look-ups are plain gathers: Keras' Embedding wraps each one in nine operations that handle
    negative indices, which ids never are.
    """
    source = split_sigmoid(fold_padding(run.model))

    def with_plain_gather(layer: layers.Layer) -> layers.Layer:
        kind = _GatherEmbedding if type(layer) is layers.Embedding else type(layer)
        return kind.from_config(layer.get_config())

    model = keras.models.clone_model(source, clone_function=with_plain_gather)
    model.set_weights(source.get_weights())

    @tf.function(input_signature=[tf.TensorSpec((None, run.preprocessing.width), tf.int32, name="ids")])
    def infer(ids: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": model(ids, training=False)}

    return infer


class _GatherEmbedding(layers.Embedding):
    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.embeddings, ids)


def fold_padding(model: keras.Model) -> keras.Model:
    """Move the contribution of padding to an unmasked average out of the embedding table, into the next bias.

    Where all positions are averaged, padding included, the embedding of the padding id is a constant that every
    position may carry: ``mean(E[ids]) = mean(E[ids] - E[pad]) + E[pad]``, and the dense layer after it can add
    ``E[pad] @ W`` to its bias. The padding is then a vector of zeros, which int8 represents exactly. Otherwise the
    rounding error of that one vector is multiplied by all the padding of a short text.

    Returns:
        A copy with other weights; the model itself if it has no unmasked embedding, average and dense layer in a row.
    """
    for embedding, pooling, dense in zip(model.layers, model.layers[1:], model.layers[2:]):
        if (
            type(embedding) is layers.Embedding
            and not embedding.mask_zero
            and type(pooling) is layers.GlobalAveragePooling1D
            and type(dense) is layers.Dense
            and dense.use_bias
        ):
            break
    else:
        return model
    folded = keras.models.clone_model(model)
    folded.set_weights(model.get_weights())
    table = embedding.get_weights()[0]  # (vocabulary, dimensions)
    weights, bias = dense.get_weights()  # (dimensions, units), (units,)
    folded.get_layer(embedding.name).set_weights([table - table[PAD_ID]])
    folded.get_layer(dense.name).set_weights([weights, bias + table[PAD_ID] @ weights])
    return folded


def split_sigmoid(model: keras.Model) -> keras.Model:
    """Replace a single sigmoid output, the probability p of the second label, by two: (1 - p, p).

    Whoever reads the file alone then sees both labels, and MediaPipe's TextClassifier requires as many outputs as
    labels. As ``1 - sigmoid(z) = sigmoid(-z)``, the last dense layer gets a second unit with the opposite weights; no
    operation is added, and a probability near zero keeps its precision.

    Returns:
        A copy with two outputs; the model itself if its last layer is not a dense layer with a single sigmoid.
    """
    head = model.layers[-1]
    if type(head) is not layers.Dense or head.units != 1 or head.activation is not keras.activations.sigmoid:
        return model

    def widen(layer: layers.Layer) -> layers.Layer:
        settings = layer.get_config()
        return type(layer).from_config({**settings, "units": 2} if layer is head else settings)

    wide = keras.models.clone_model(model, clone_function=widen)
    for old, new in zip(model.layers[:-1], wide.layers[:-1]):
        new.set_weights(old.get_weights())
    # kernel (inputs, 1) to (inputs, 2), bias (1,) to (2,)
    wide.layers[-1].set_weights([np.concatenate([-weights, weights], axis=-1) for weights in head.get_weights()])
    return wide
