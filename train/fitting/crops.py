"""The batches that the preset ``edge`` is fitted on: whole texts, and crops of the same texts."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from edgetext.text import START_ID
from train.encoding.encoded import Encoded, Ids, Targets
from train.models.recipe import Recipe

Batch = tuple[Ids, Targets, npt.NDArray[np.float32]]


def crop(
    ids: Ids, lengths: npt.NDArray[np.int64], words: tuple[int, int], generator: np.random.Generator
) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Take a stretch out of each text, at a random place and of random length from ``words[0]`` to ``words[1]``.

    Args:
        ids: Padded texts, shape (texts, max_length), the start mark first.
        lengths: The number of ids of each text without padding and n-grams, shape (texts,).
        words: The fewest and the most words of a crop; shorter texts give what they have.
        generator: Source of randomness.

    Returns:
        The start mark and the crop, padded: shape (texts, words[1] + 1); and where each crop begins, shape (texts,).
    """
    low, high = words
    wanted = np.minimum(generator.integers(low, high + 1, len(ids)), lengths - 1)
    begins = 1 + (generator.random(len(ids)) * (lengths - wanted)).astype(np.int64)
    offsets = np.arange(high)
    places = np.minimum(begins[:, None] + offsets, ids.shape[1] - 1)  # (texts, high)
    taken = np.where(offsets < wanted[:, None], np.take_along_axis(ids, places, axis=1), 0)
    return np.hstack([np.full((len(ids), 1), START_ID), taken]).astype(np.int32), begins


class CropBatches(keras.utils.PyDataset):
    """Batches of whole texts, each followed by a batch of crops of the same texts."""

    def __init__(self, texts: Encoded, recipe: Recipe, crop_weight: float) -> None:
        """Take the texts, how they are fitted, and the weight of a crop in the loss; 0 leaves the crops out."""
        super().__init__()
        self._texts = texts
        self._recipe = recipe
        self._crop_weight = crop_weight
        self._kinds = 2 if recipe.choices.crops and crop_weight else 1
        self._size = recipe.settings.batch_size
        self._generator = np.random.default_rng(recipe.settings.seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return self._kinds * -(-len(self._texts) // self._size)

    def on_epoch_end(self) -> None:
        """Shuffle the texts."""
        self._order = self._generator.permutation(len(self._texts))

    def __getitem__(self, index: int) -> Batch:
        """Return a batch: ids, targets and weights."""
        number, kind = divmod(index, self._kinds)
        chosen = self._order[number * self._size : (number + 1) * self._size]
        if kind == 0:
            return self._batch(self._texts.take(chosen), chosen, 1.0)
        choices = self._recipe.choices
        chosen = np.repeat(chosen, choices.crops)
        crops, _ = crop(self._texts.take(chosen), self._texts.words[chosen], choices.crop_words, self._generator)
        return self._batch(crops, chosen, self._crop_weight)

    def _batch(self, ids: Ids, chosen: npt.NDArray[np.int64], weight: float) -> Batch:
        targets = self._texts.targets[chosen]
        # A teacher's target is a probability; classes have no weights then.
        weights = self._recipe.class_weights[targets] if targets.dtype == np.int64 else np.ones(len(chosen), np.float32)
        return ids, make_targets(targets, self._recipe), (weight * weights).astype(np.float32)


def make_targets(targets: Targets, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Turn targets as in ``Encoded`` into those of the recipe's objective.

    Returns:
        For ``"logistic"`` the targets unchanged, shape (texts,); for ``"hinge"`` 1 for the text's label and -1 for the
        others, shape (texts, num_outputs).
    """
    if recipe.choices.objective == "logistic":
        return targets.astype(np.float32)
    labels = np.array([1]) if recipe.num_outputs == 1 else np.arange(recipe.labels)
    return np.where(targets[:, None] == labels, 1.0, -1.0).astype(np.float32)
