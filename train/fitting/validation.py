"""What the model says of texts that it was not fitted on, which tells how far its scores can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from edgetext.text import UNKNOWN_ID
from train.encoding.encoded import Encoded, Splits
from train.fitting.calibration import temperature_of, to_probabilities
from train.fitting.loop import predict_probabilities
from train.models.recipe import Fitted
from train.models.rules import MIN_COUNT


class Validation(NamedTuple):
    """Predictions for texts by models that were not fitted on them, calibrated as the exported model."""

    places: npt.NDArray[np.int64]  # of the texts, among those for training followed by those for validation
    targets: npt.NDArray[np.int32]  # the index of each text's label, shape (texts,)
    probabilities: npt.NDArray[np.float32]  # of each label, shape (texts, labels)
    known: npt.NDArray[np.float32]  # the share of the text's words that other texts have too, shape (texts,)


def predict_validation(model: keras.Model, fitted: Fitted, texts: Splits) -> Validation | None:
    """Return the predictions of cross-validation; without it, those of the validation texts.

    Texts with probabilities in place of a label are left out, because no label of theirs is right.

    Args:
        model: The calibrated model, fitted on the texts for training only.
        fitted: How it was fitted.
        texts: The encoded texts.

    Returns:
        The predictions; None if no text with a label was held out.
    """
    if fitted.cross_validated:
        assert fitted.unseen is not None
        assert fitted.unseen.places is not None
        places = fitted.unseen.places
        probabilities = to_probabilities(fitted.unseen.logits / temperature_of(fitted))
    elif len(texts.validation):
        places = len(texts.train) + np.arange(len(texts.validation))
        probabilities = predict_probabilities(model, texts.validation)
    else:
        return None
    everything = texts.train.joined(texts.validation)
    if everything.is_soft is not None:
        has_label = ~everything.is_soft[places]
        places, probabilities = places[has_label], probabilities[has_label]
    if not len(places):
        return None
    known = _measure_known(everything, texts.unlabelled, places, fitted.recipe.vocabulary_size)
    return Validation(
        places, everything.targets[places].astype(np.int32), probabilities.astype(np.float32), known.astype(np.float32)
    )


def read_validation(path: Path, labels: int) -> Validation | None:
    """Read ``validation.npz`` of a run with this number of labels; None if there is no such file.

    Raises:
        ValueError: If its arrays do not fit each other or the labels.
        OSError, zipfile.BadZipFile, KeyError: If it is damaged in another way.
    """
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as found:
        validation = Validation(*(found[name] for name in Validation._fields))
    places, targets, probabilities, known = validation
    texts = len(places)
    if not texts or places.shape != targets.shape or places.shape != known.shape:
        raise ValueError(f"{path.name}: the arrays are of different numbers of texts, or of none")
    if probabilities.shape != (texts, labels) or targets.min() < 0 or targets.max() >= labels:
        raise ValueError(f"{path.name} does not fit the {labels} labels of this run")
    if not all(((shares >= 0) & (shares <= 1)).all() for shares in (probabilities, known)):
        raise ValueError(f"{path.name} has values that are not from 0 to 1")
    return validation


def write_validation(path: Path, validation: Validation) -> None:
    """Write ``validation.npz``."""
    np.savez_compressed(path, **validation._asdict())


def _measure_known(
    texts: Encoded, unlabelled: Encoded, places: npt.NDArray[np.int64], vocabulary_size: int
) -> npt.NDArray[np.float64]:
    """Return the share of the words of some texts that the vocabulary would have without the text, shape (places,).

    The vocabulary is made from these texts too: a word that occurs in only one of them is as little known from others
    as a new word of a new text.
    """
    counts = np.zeros(vocabulary_size, np.int64)
    for part in (texts, unlabelled):
        for ids, _ in part.chunks():
            counts += np.bincount(ids[ids < vocabulary_size], minlength=vocabulary_size)
    shares = np.zeros(len(places))
    for number, ids in enumerate(ids for chunk, _ in texts.subset(places).chunks() for ids in chunk):
        words = ids[(ids >= UNKNOWN_ID) & (ids < vocabulary_size)]
        found, own = np.unique(words, return_counts=True)
        is_known = (found > UNKNOWN_ID) & (counts[found] - own >= MIN_COUNT)
        shares[number] = own[is_known].sum() / max(len(words), 1)
    return shares
