"""The networks: vocabulary size and row length in, a compiled Keras model out.

Each takes int32 ids of shape (batch, max_length) and gives the probability of the second label, shape (batch, 1).
"""

from __future__ import annotations

import keras
from keras import layers


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
