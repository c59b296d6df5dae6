"""The presets: a network each, with the preprocessing that it was designed for.

This table imports no framework, so that commands which only look at text start at once; the networks themselves are
in ``train.network``.
"""

from __future__ import annotations

from typing import NamedTuple

from edgetext.text import Preprocessing


class Preset(NamedTuple):
    """What belongs to a network.

    Attributes:
        about: What it is, in a line.
        vocabulary_size: Ids, the reserved ones included.
        preprocessing: Length of a row, and which end of a long text is cut.
        network: The name of the function in ``train.network`` that builds it.
    """

    about: str
    vocabulary_size: int
    preprocessing: Preprocessing
    network: str


PRESETS = {
    "tutorial": Preset(
        about="TensorFlow's text-classification tutorial as published: embeddings averaged, one hidden layer",
        vocabulary_size=10_000,
        preprocessing=Preprocessing(max_length=256, truncating="pre"),
        network="build_tutorial",
    ),
}
