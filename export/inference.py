"""A run's model as the function that is converted."""

from __future__ import annotations

import keras
import tensorflow as tf

from export.rewriting import both_labels, fold_padding
from train.run import Run


def inference_function(run: Run) -> tf.types.experimental.PolymorphicFunction:
    """Return the model as a function to convert.

    It takes ``ids``, int32 (batch, max_length), and gives ``probabilities``, float32 (batch, labels).

    Three things differ from the Keras model, none in what it computes. What padding contributes is folded out of the
    embedding (see ``fold_padding``). A single output becomes one for each label (see ``both_labels``). And Keras'
    Embedding wraps every look-up in nine operations that serve negative indices; ids are never negative, so the copy
    that is converted gathers plainly.
    """
    source = both_labels(fold_padding(run.model))

    def plain(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = _GatherEmbedding if type(layer) is keras.layers.Embedding else type(layer)
        return kind.from_config(layer.get_config())

    model = keras.models.clone_model(source, clone_function=plain)
    model.set_weights(source.get_weights())
    signature = tf.TensorSpec((None, run.preprocessing.max_length), tf.int32, name="ids")

    @tf.function(input_signature=[signature])
    def infer(ids: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": model(ids, training=False)}

    return infer


class _GatherEmbedding(keras.layers.Embedding):
    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.gather(self.embeddings, ids)
