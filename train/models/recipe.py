"""The request for a training, the recipe for fitting, the result, and the record of them in a run."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edgetext.encoder import Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RuleSet
from edgetext.vocabulary import Vocabulary
from train.encoding.ngrams import WordCharacters
from train.models.choices import MULTIPLIERS, Choices
from train.models.presets import PRESETS, Preset, Settings

if TYPE_CHECKING:
    import keras

    from train.models.network import Weights


# How a run and a model file name the network, by the words of the longest n-gram, and whether it has character n-grams.
# An engine refuses a name that it does not know, so a network that is computed in another way needs another one.
KINDS = {
    (2, False): "bigrams-2",
    (2, True): "characters",
    (3, False): "trigrams",
    (3, True): "trigrams-characters",
}


@dataclass(frozen=True)
class Request:
    """What the command line asks for; everything else is chosen."""

    preset: Preset
    from_texts: bool = False  # whether the rest is chosen from the texts, as for tables, instead of by the preset
    settings: Mapping[str, int] = field(default_factory=dict)  # those that were given, by name
    changes: Sequence[str] = ()  # the choices that were given, as for Choices.changed
    rules: Sequence[RuleSet] = (KERAS_IMDB,)  # to choose from, the plainest first
    characters: str = "off"  # whether there are character n-grams: "on", "off", or "auto" to choose
    class_weights: str = "none"  # as for rules.weigh_classes
    target_size: int | None = None  # the most bytes of the file that is the target; None for no limit
    target: str = "all"  # one of train.models.file_sizes.TARGETS
    teacher: str = "auto"  # what unlabelled texts are learned from with: "none", "vectors", or "auto" to choose
    refits: bool = True  # whether the model may be fitted on the validation texts too, once they were measured

    @property
    def changed(self) -> set[str]:
        """The names of the choices that were given."""
        return {change.partition("=")[0].replace("-", "_") for change in self.changes}

    @property
    def limits_vocabulary(self) -> bool:
        """Whether the size of the vocabulary, or one that limits it, was given."""
        return self.target_size is not None or "vocabulary" in self.changed


class Plan(NamedTuple):
    """What has been chosen: the vocabulary, other spellings of its words, and how to encode and fit."""

    vocabulary: Vocabulary
    spellings: Sequence[str]
    preprocessing: Preprocessing
    choices: Choices


def count_outputs(labels: int) -> int:
    """Return the number of outputs of a network: one is enough for two labels."""
    return 1 if labels == 2 else labels


class Recipe(NamedTuple):
    """How to fit a network."""

    vocabulary_size: int  # number of ids
    labels: int  # number of labels
    class_weights: npt.NDArray[np.float32]  # the weight of each label's texts in the loss, shape (labels,)
    settings: Settings
    choices: Choices
    preset: str = "edge"  # its name
    refits: bool = False  # whether to fit again, on the validation texts too, once everything is chosen and measured
    weightings: Mapping[str, npt.NDArray[np.float32]] = {}  # class weights to choose from, by name
    cross_validates: bool = False  # whether to choose and calibrate in cross-validation, else on the validation texts
    word_characters: WordCharacters | None = None  # the character n-grams of the words; None without characters

    @property
    def num_outputs(self) -> int:
        """Outputs of the network."""
        return count_outputs(self.labels)

    @property
    def is_linear(self) -> bool:
        """Whether the network adds up weights of words and n-grams, which its preset has choices for."""
        return PRESETS[self.preset].choices is not None


class Predicted(NamedTuple):
    """What a network says of texts that it is not fitted on."""

    logits: npt.NDArray[np.float64]  # of the second of two labels, shape (texts,), or of each, shape (texts, labels)
    targets: npt.NDArray[Any]  # the indices of the right labels, shape (texts,)
    # Of each label, shape (texts, labels); None if all texts have labels.
    probabilities: npt.NDArray[Any] | None = None
    # Where the texts are among those for training followed by those for validation; None if they are not all whole.
    places: npt.NDArray[np.int64] | None = None


class Fitted(NamedTuple):
    """A fitted network."""

    network: keras.Model | Weights  # weights if there are choices for the network, which calibration makes of them
    history: dict[str, list[float]]  # loss and accuracy per epoch
    recipe: Recipe  # how it was fitted, with what was found in fitting
    unseen: Predicted | None = None  # what it is calibrated with; None for a network without calibration
    cross_validated: bool = False  # whether that is of cross-validation; else it is of validation


def make_config(
    name: str, labels: Sequence[str], preprocessing: Preprocessing, recipe: Recipe, data: dict[str, Any]
) -> dict[str, Any]:
    """Return the content of ``config.json``; ``data`` is the description of the dataset."""
    config: dict[str, Any] = {
        "name": name,
        "preset": recipe.preset,
        "labels": list(labels),
        "preprocessing": preprocessing.to_json(),
    }
    if recipe.is_linear:
        # What an exporter needs to compute the network without Keras.
        config["network"] = {
            "kind": KINDS[recipe.choices.word_ngrams, recipe.word_characters is not None],
            "buckets": recipe.choices.buckets,
            "multipliers": list(MULTIPLIERS[: recipe.choices.word_ngrams]),
            "exponent": recipe.choices.exponent,
        }
        config["choices"] = asdict(recipe.choices)
    if not (recipe.class_weights == 1).all():
        config["class_weights"] = dict(zip(labels, map(float, recipe.class_weights)))
    return {
        **config,
        "settings": asdict(recipe.settings),
        "data": data,
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("tensorflow", "keras", "numpy")},
        },
    }
