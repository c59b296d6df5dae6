"""The teacher: logistic regression on what can be learned of texts without labels.

It labels the unlabelled texts, and says what weights the student, which is the network that is exported, starts with.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from edgetext.text import PAD_ID
from train.distilling.ngrams import count_ngrams
from train.distilling.vectors import learn_vectors
from train.encoding.encoded import Encoded
from train.fitting.crops import crop_texts
from train.models.recipe import Recipe

# The fewest texts that an n-gram must occur in; and the same where there are fewer than FEW_TEXTS.
LEAST_TEXTS, LEAST_OF_FEW = 15, 2
# With fewer texts their singular vectors are added: 1 point better on 200 of 4,369 questions.
FEW_TEXTS, COMPONENTS = 20_000, 300
# Of logistic regression, on features of length 1: of 3, 10 and 30 the best on the reviews with all labels; with 200
# labels there was no difference.
C = 3.0
# If fewer than this share of the texts have labels, the teacher is made surer: fitted to so few, its answers are so
# close that the student learns little. With 200 labelled reviews, three draws, the student gained 1.0 points on
# others whose labels were hidden (0.7 with a margin of 3.5), with 1,000 it gained 0.3; with 15,000 the difference was
# within chance.
FEW_LABELS, SURE = 0.1, 6.0
Logits = npt.NDArray[np.float64]


class Knowledge(NamedTuple):
    """What was learned of texts without their labels."""

    features: tuple[Any, ...]  # arrays, sparse or not, of shape (texts, n), each row of length 1
    short: Any  # vectors of short texts, from their n-grams alone: shape (texts, n), or (crops of each * texts, n)
    ngrams: npt.NDArray[np.float32]  # vectors of n-grams, shape (ngrams, n)
    places: npt.NDArray[np.int64]  # the feature of the network that each n-gram adds to, shape (ngrams,)
    counts: npt.NDArray[np.float64]  # in how many texts each n-gram occurs, shape (ngrams,)


def learn(texts: Encoded, recipe: Recipe) -> Knowledge | None:
    """Learn from texts without their labels.

    Args:
        texts: All that may be learned from, those with labels too.
        recipe: The network, and its crops.

    Returns:
        None if no n-gram occurs in enough texts.
    """
    seed, choices = recipe.settings.seed, recipe.choices
    is_few = len(texts) < FEW_TEXTS
    ngrams = count_ngrams(texts, recipe.vocabulary_size, LEAST_OF_FEW if is_few else LEAST_TEXTS)
    if not len(ngrams.keys):
        return None
    occurs = ngrams.find(texts, recipe.vocabulary_size)
    vectors = learn_vectors(occurs, seed)
    counts = np.bincount(occurs.indices, minlength=occurs.shape[1]).astype(np.float64)
    weighted = normalize(occurs @ sparse.diags(np.log(len(texts) / counts) + 1)).astype(np.float32)  # tf-idf
    sums = normalize(occurs @ vectors.ngrams)
    features = [weighted, vectors.texts, sums]
    if is_few and min(occurs.shape) > COMPONENTS:
        with _one_thread():
            components = TruncatedSVD(COMPONENTS, random_state=seed).fit_transform(weighted)
        features.append(normalize(components))
    short = sums
    if choices.crops:
        generator = np.random.default_rng(seed)
        crops = (crop_texts(texts, choices.crop_words, generator) for _ in range(choices.crops))
        short = np.vstack([normalize(ngrams.find(crop, recipe.vocabulary_size) @ vectors.ngrams) for crop in crops])
    places = ngrams.find_features(recipe.vocabulary_size, choices.buckets, choices.word_ngrams)
    return Knowledge(tuple(features), short, vectors.ngrams, places, counts)


def label(
    knowledge: Knowledge, chosen: npt.NDArray[np.int64], targets: npt.NDArray[np.int64], recipe: Recipe
) -> Logits:
    """Fit a teacher to texts with labels, and return the logits of all texts.

    Args:
        knowledge: Of all texts.
        chosen: The places of the texts to fit.
        targets: Indices of their labels, of the same shape.
        recipe: Class weights, and the number of labels.

    Returns:
        Shape (texts, labels), those of labels that no text has far below the others.
    """
    rows = sparse.hstack([sparse.csr_matrix(part[chosen]) for part in knowledge.features], "csr")
    classifier = _fit_logistic(rows, targets, recipe.class_weights[targets])
    widths = np.cumsum([part.shape[1] for part in knowledge.features])[:-1]
    parts = zip(knowledge.features, np.split(classifier.coef_, widths, axis=1))
    with _one_thread():
        logits = sum(part @ weights.T for part, weights in parts) + classifier.intercept_
    return _spread(logits, classifier, recipe)


def make_surer(logits: Logits) -> Logits:
    """Return logits, shape (texts, labels), of which the best leads by at least ``SURE`` in the root mean square."""
    second, first = np.partition(logits, -2, axis=1)[:, -2:].T
    margin = float(np.sqrt(np.mean((first - second) ** 2)))
    return logits * max(SURE / (margin or SURE), 1.0)


def start_weights(
    knowledge: Knowledge, chosen: npt.NDArray[np.int64], targets: npt.NDArray[np.int64], size: int, recipe: Recipe
) -> npt.NDArray[np.float32]:
    """Return the weight of each feature of the network that follows from the vectors of the n-grams that it stands for.

    Logistic regression on sums of the vectors of n-grams is a sum of weights of n-grams, but for the length of the sum.

    Args:
        knowledge: Of all texts.
        chosen: The places of texts to fit, those that the teacher has labelled too.
        targets: Indices of their labels.
        size: Number of features.
        recipe: Number of labels.

    Returns:
        Shape (size, num_outputs), in some unit.
    """
    texts = knowledge.features[0].shape[0]
    copies = len(knowledge.short) // texts
    everything = np.concatenate([chosen + copy * texts for copy in range(copies)])
    classifier = _fit_logistic(knowledge.short[everything], np.tile(targets, copies), None)
    with _one_thread():
        logits = knowledge.ngrams @ classifier.coef_.T
    weights = _spread(logits, classifier, recipe, missing=0.0)  # (ngrams, labels)
    weights = weights[:, 1:] - weights[:, :1] if recipe.num_outputs == 1 else weights
    used = knowledge.places != PAD_ID
    totals = np.bincount(knowledge.places[used], knowledge.counts[used], size)
    sums = [np.bincount(knowledge.places[used], (knowledge.counts * part)[used], size) for part in weights.T]
    return (np.stack(sums, axis=1) / np.maximum(totals, 1)[:, None]).astype(np.float32)


def _fit_logistic(rows: Any, targets: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None) -> Any:
    with _one_thread():
        return LogisticRegression(C=C, max_iter=300).fit(rows, targets, sample_weight=weights)


def _spread(logits: Any, classifier: Any, recipe: Recipe, missing: float = -30.0) -> Logits:
    """Return logits of all labels: shape (texts, labels)."""
    found = np.full((len(logits), recipe.labels), missing)
    found[:, classifier.classes_] = np.hstack([np.zeros_like(logits), logits]) if logits.shape[1] == 1 else logits
    return found


def _one_thread() -> Any:
    """Keep linear algebra to one thread within a ``with`` block: its sums depend on the number of threads."""
    return threadpool_limits(1)
