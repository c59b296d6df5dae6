"""The presets: a network each, with the preprocessing and the settings that it was designed for.

This table imports no framework, so that commands which only look at text start fast; the networks are in
``train.models.network``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from edgetext.encoder import Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import Words
from train.models.choices import Choices


@dataclass(frozen=True)
class Settings:
    """How to fit; ``PRESETS`` has the defaults."""

    epochs: int  # the most passes over the training texts
    batch_size: int  # number of texts in a step
    seed: int  # of the initial weights, the order of the batches, and everything else that is random
    validation: int  # number of training texts set aside to validate on; 0 for a table of few rows
    # Stop after this many epochs without a lower validation loss, and restore the best weights; None runs all epochs
    # and keeps the last weights, as the tutorial does.
    patience: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a value is out of range."""
        for name, low in (("epochs", 1), ("batch_size", 1), ("seed", 0), ("patience", 1), ("validation", 0)):
            value = getattr(self, name)
            if value is not None and value < low:
                raise ValueError(f"{name.replace('_', '-')} must be at least {low}, not {value}")
        if self.seed >= 2**32:
            raise ValueError("seed must be below 2**32")


class Preset(NamedTuple):
    """A network and its defaults."""

    name: str
    about: str
    vocabulary_size: int  # the reserved ids included
    preprocessing: Preprocessing
    settings: Settings
    by_movie: bool = False  # whether the validation reviews are of other movies than those fitted
    choices: Choices | None = None  # None if no other numbers were chosen for it


_EDGE = Preset(
    name="edge",
    about="words, hashed bigrams, perhaps character n-grams, one weight each: the most accurate for its size",
    vocabulary_size=Choices.vocabulary,
    # The first ids are kept, as MediaPipe's TextClassifier does.
    preprocessing=Preprocessing(max_length=Choices.max_length, truncating="post", rules=Words(marks=False)),
    settings=Settings(epochs=4, batch_size=256, seed=0, validation=2_500),
    by_movie=True,
    choices=Choices(),
)
PRESETS = {
    preset.name: preset
    for preset in (
        _EDGE,
        _EDGE._replace(
            name="accurate",
            about="as edge, with hashed trigrams too, and four times as many weights of n-grams",
            choices=Choices(buckets=2**20, word_ngrams=3),
        ),
        Preset(
            name="tutorial",
            about="TensorFlow's text-classification tutorial as published: embeddings averaged, one hidden layer",
            vocabulary_size=10_000,
            preprocessing=Preprocessing(max_length=256, truncating="pre", rules=KERAS_IMDB),
            settings=Settings(epochs=40, batch_size=512, seed=2, validation=10_000),
        ),
    )
}
WITH_CHOICES = " and ".join(name for name, preset in PRESETS.items() if preset.choices is not None)
DEFAULT_PRESET = "edge"
