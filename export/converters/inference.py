"""The network as TensorFlow Lite and ONNX get it: a function of token ids that returns a probability for each label."""

from __future__ import annotations

import keras
import tensorflow as tf

from export.converters.rewriting import fold_padding, split_sigmoid
from train.run import Run


def inference_function(run: Run) -> tf.types.experimental.PolymorphicFunction:
    """Return the run's model as a TensorFlow function to convert.

    The function takes ``ids``, int32 (batch, max_length), and returns ``probabilities``, float32 (batch, labels).

    It computes what the Keras model computes, but its graph differs in three ways. The contribution of padding is
    folded out of the embedding (see ``fold_padding``). A single sigmoid becomes one output per label (see
    ``split_sigmoid``). And look-ups are plain gathers: Keras' Embedding wraps each one in nine operations that handle
    negative indices, which ids never are.
    """
    source = split_sigmoid(fold_padding(run.model))

    def with_plain_gather(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = _GatherEmbedding if type(layer) is keras.layers.Embedding else type(layer)
        return kind.from_config(layer.get_config())

    model = keras.models.clone_model(source, clone_function=with_plain_gather)
    model.set_weights(source.get_weights())
    signature = tf.TensorSpec((None, run.preprocessing.max_length), tf.int32, name="ids")

    @tf.function(input_signature=[signature])
    def infer(ids: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": model(ids, training=False)}

    return infer


class _GatherEmbedding(keras.layers.Embedding):
    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.embeddings, ids)
