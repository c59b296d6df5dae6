"""Rewriting a network before it is converted, without changing the function that it computes."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from edgetext.text import PAD_ID


def fold_padding(model: keras.Model) -> keras.Model:
    """Move the contribution of padding to an unmasked average out of the embedding table, into the next bias.

    Where all positions are averaged, padding included, the embedding of the padding id is a constant that every
    position may carry: ``mean(E[ids]) = mean(E[ids] - E[pad]) + E[pad]``, and the dense layer after it can add
    ``E[pad] @ W`` to its bias. The padding is then a vector of zeros, which int8 represents exactly. Otherwise the
    rounding error of that one vector is multiplied by all the padding of a short text.

    Args:
        model: Any model.

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

    Args:
        model: Any model.

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
