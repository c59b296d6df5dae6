"""The presets: a network each, with the preprocessing and the settings that it was designed for.

This table imports no framework, so that commands which only look at text start at once; the networks themselves are
in ``train.models.network``.
"""

from __future__ import annotations

from typing import NamedTuple

from edgetext.encoder import Preprocessing
from train.models.choices import Choices
from train.models.settings import Settings


class Preset(NamedTuple):
    """What belongs to a network.

    Attributes:
        about: What it is, in a line.
        vocabulary_size: Ids, the reserved ones included.
        preprocessing: Length of a row, and which end of a long text is cut.
        settings: How it is fitted, where the command line does not say.
        by_movie: Whether validated reviews are of other movies than those fitted.
        choices: What else was chosen for it; None for a preset that has nothing of the kind.
    """

    about: str
    vocabulary_size: int
    preprocessing: Preprocessing
    settings: Settings
    by_movie: bool = False
    choices: Choices | None = None


PRESETS = {
    "edge": Preset(
        about="words and hashed bigrams, one weight each: the most accurate for its size, on short texts too",
        vocabulary_size=Choices.vocabulary,
        # The first ids are kept, as MediaPipe's TextClassifier does.
        preprocessing=Preprocessing(max_length=Choices.max_length, truncating="post"),
        settings=Settings(epochs=4, batch_size=256, seed=0, validation=2_500),
        by_movie=True,
        choices=Choices(),
    ),
    "tutorial": Preset(
        about="TensorFlow's text-classification tutorial as published: embeddings averaged, one hidden layer",
        vocabulary_size=10_000,
        preprocessing=Preprocessing(max_length=256, truncating="pre"),
        settings=Settings(epochs=40, batch_size=512, seed=2, validation=10_000),
    ),
}
DEFAULT_PRESET = "edge"
