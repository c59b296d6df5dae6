"""The network of words and bigrams as the linear support vector machine that it is, fitted by LIBLINEAR in a second.

With the objective ``"hinge"`` both minimise the same loss, so that their margins differ by little: Adam stops a little
early. What LIBLINEAR fits is used to choose and to calibrate; what is exported is fitted by Keras.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from edgetext.text import PAD_ID
from train.encoding.encoded import Encoded
from train.encoding.ngrams import count_ngrams
from train.models.hashing import find_features
from train.models.network import Tables
from train.models.recipe import Recipe

Features = Any  # a scipy.sparse.csr_matrix of shape (texts, vocabulary_size + buckets); scipy has no types

# LIBLINEAR regularises the bias too: with this factor by a hundredth of the weights, which is next to nothing.
BIAS_FACTOR = 10.0


def count_features(texts: Encoded, recipe: Recipe) -> Features:
    """Return how often each word and bucket occurs in each text, divided as the network divides its sum.

    Returns:
        Shape (texts, vocabulary_size + buckets), where the buckets of character n-grams follow those of n-grams of
        words. A character n-gram counts in every word.
    """
    size, parts = recipe.vocabulary_size + recipe.choices.buckets, []
    for part, _ in texts.chunks():
        ids = part.astype(np.int64)  # (texts, max_length)
        features = find_features(ids, recipe.vocabulary_size, recipe.choices.buckets, recipe.choices.word_ngrams)
        present = features != PAD_ID
        rows = np.broadcast_to(np.arange(len(ids))[:, None], features.shape)[present]
        counts = sparse.csr_matrix((np.ones(len(rows)), (rows, features[present])), (len(ids), size))
        if recipe.word_characters is not None:
            counts = sparse.hstack([counts, count_ngrams(ids, recipe.word_characters)])
        is_word = (ids != PAD_ID) & (ids < recipe.vocabulary_size)
        lengths = np.maximum(is_word.sum(axis=1), 1.0)
        parts.append(sparse.diags(lengths**-recipe.choices.exponent) @ counts)
    return sparse.vstack(parts, "csr")


def predict_margins(
    fitted: Features,
    targets: npt.NDArray[np.int64],
    asked: Features,
    scales: Tables,
    recipe: Recipe,
) -> npt.NDArray[np.float64]:
    """Fit some texts and return the margins of others.

    Args:
        fitted: The features of the texts to fit, as ``count_features`` returns.
        targets: The indices of their labels.
        asked: The features of the texts to predict.
        scales: Those of the texts to fit, as ``naive_bayes.find_scales`` returns.
        recipe: The regularisation and the class weights.

    Returns:
        Shape (asked,) for one output, else (asked, num_outputs).
    """
    weights, margins = recipe.class_weights[targets], []
    occurring = np.bincount(fitted.indices, minlength=fitted.shape[1]) > 0
    for place, scale in enumerate(np.vstack(scales).astype(np.float64).T):
        is_label = targets == (place if recipe.num_outputs > 1 else 1)
        if is_label.all() or not is_label.any():
            margins.append(np.full(asked.shape[0], 1.0 if is_label.all() else -1.0))
            continue
        used = np.flatnonzero((scale != 0) & occurring)
        used = used if len(used) else np.array([PAD_ID])  # a column of zeros, which leaves the bias
        scaling = sparse.diags(scale[used])
        machine = LinearSVC(
            C=1 / (2 * recipe.choices.regularization * fitted.shape[0]),
            dual=False,
            tol=1e-3,
            intercept_scaling=BIAS_FACTOR,
        )
        with threadpool_limits(1):  # on two cores one thread fits 7 times as fast as several, and gives equal weights
            machine.fit(fitted[:, used] @ scaling, is_label, sample_weight=weights)
        margins.append(machine.decision_function(asked[:, used] @ scaling))
    return margins[0] if recipe.num_outputs == 1 else np.stack(margins, axis=1)
