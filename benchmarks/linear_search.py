"""Choosing a linear model over bags of n-grams, as a careful user of scikit-learn would: by cross-validation.

Three searches, each over n-grams of something else: words in lower case, which is what our own models see; words, with
marks and capitals if they help; characters within words. Each has two steps: every way to make features is tried with a
quick classifier, then the best of them with every classifier. n-grams are counted once for all rows; what a fold may
know of them (its vocabulary, its document frequencies) is taken from its training rows alone, so that the scores are
those of a pipeline of scikit-learn's own vectoriser and classifier, fold by fold.
"""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

FOLDS = 5
SEED = 0
# So many ways to make features reach the second step.
FINALISTS = 4

Matrix = Any  # a sparse one of scipy's, (texts, n-grams)
Labels = npt.NDArray[np.str_]

# What an n-gram is made of: the analyzer and the token pattern of CountVectorizer.
TOKENS: dict[str, dict[str, Any]] = {
    "words": {"token_pattern": r"\w+"},
    "words and marks": {"token_pattern": r"\w+|[^\w\s]"},
    "characters": {"analyzer": "char_wb"},
}


@dataclass(frozen=True)
class Features:
    """A way to make features of a text.

    Attributes:
        tokens: A key of ``TOKENS``.
        lowercase: Whether capitals are made small letters.
        ngrams: The least and the largest length of an n-gram.
        weighting: ``counts``, ``binary``, ``tfidf``, or ``sublinear``: tf-idf of the logarithm of the counts. A text's
            features have unit length together.
        min_df: Leave out n-grams of fewer training texts.
    """

    tokens: str
    lowercase: bool
    ngrams: tuple[int, int]
    weighting: str
    min_df: int

    def __str__(self) -> str:
        """Say so in a few words."""
        case = "" if self.lowercase else ", capitals kept"
        low, high = self.ngrams
        return f"{self.tokens}{case}, {low}–{high}-grams, {self.weighting}, in {self.min_df} or more texts"


@dataclass(frozen=True)
class Classifier:
    """A classifier: ``LinearSVC`` or ``LogisticRegression``, the inverse of its regularisation, its class weights."""

    kind: str
    c: float
    balanced: bool = False

    def make(self) -> Any:
        """Make it, unfitted."""
        settings = {"C": self.c, "class_weight": "balanced" if self.balanced else None, "random_state": SEED}
        if self.kind == "LinearSVC":
            return LinearSVC(**settings)
        # The default solver takes far longer over so many n-grams.
        return LogisticRegression(**settings, solver="saga", tol=1e-3, max_iter=100)

    def __str__(self) -> str:
        """Say so in a few words."""
        return f"{self.kind}, C={self.c:g}" + (", balanced" if self.balanced else "")


class Candidate(NamedTuple):
    """Features and a classifier, with the accuracy that they reach in cross-validation, 0 to 1."""

    features: Features
    classifier: Classifier
    accuracy: float


def _grid(
    tokens: Sequence[str],
    ngrams: Sequence[tuple[int, int]],
    weightings: Sequence[str],
    lowercase: Sequence[bool] = (True, False),
) -> list[Features]:
    parts = itertools.product(tokens, lowercase, ngrams, weightings, (1, 2))
    return [Features(*part) for part in parts]


WEIGHTINGS = ("sublinear", "tfidf", "binary", "counts")
# The searches; of equally good candidates the earlier one is taken.
FAMILIES = {
    "words in lower case": _grid(("words",), ((1, 1), (1, 2), (1, 3)), WEIGHTINGS, (True,)),
    "words": _grid(("words", "words and marks"), ((1, 1), (1, 2), (1, 3)), WEIGHTINGS),
    "characters": _grid(("characters",), ((2, 4), (2, 5)), WEIGHTINGS[:1]),
}
# What every way to make features is tried with.
QUICK = Classifier("LinearSVC", 1)
_MACHINES, _REGRESSIONS = (
    [Classifier(kind, c, balanced) for c in values for balanced in (False, True)]
    for kind, values in (("LinearSVC", (0.1, 0.3, 1, 3, 10, 30)), ("LogisticRegression", (3, 10, 30, 100)))
)
# Regressions over some hundred thousand n-grams of characters take too long.
FINAL = {
    "words in lower case": _MACHINES + _REGRESSIONS,
    "words": _MACHINES + _REGRESSIONS,
    "characters": _MACHINES,
}


class Counts(NamedTuple):
    """How often n-grams occur in texts: the matrix (texts, n-grams), and the length of each n-gram."""

    matrix: Matrix
    lengths: npt.NDArray[np.int64]

    def take(self, rows: npt.NDArray[np.int64], features: Features) -> Matrix:
        """Give the counts of some texts, of the n-grams of the right length."""
        low, high = features.ngrams
        return self.matrix[rows][:, (self.lengths >= low) & (self.lengths <= high)]


def count(texts: Sequence[str], tokens: str, lowercase: bool, ngrams: tuple[int, int]) -> Counts:
    """Count the n-grams of texts."""
    settings = TOKENS[tokens]
    vectorizer = CountVectorizer(**settings, lowercase=lowercase, ngram_range=ngrams, dtype=np.float64)
    matrix = vectorizer.fit_transform(texts)
    words = "analyzer" not in settings
    lengths = [name.count(" ") + 1 if words else len(name) for name in vectorizer.get_feature_names_out()]
    return Counts(matrix, np.array(lengths))


def weigh(train: Matrix, test: Matrix, features: Features) -> tuple[Matrix, Matrix]:
    """Turn counts into features; what must be learnt for it is learnt from ``train``."""
    kept = np.bincount(train.indices, minlength=train.shape[1]) >= features.min_df
    train, test = train[:, kept], test[:, kept]
    if features.weighting == "binary":
        train, test = train > 0, test > 0
    if features.weighting in ("binary", "counts"):
        return normalize(train.astype(np.float64)), normalize(test.astype(np.float64))
    transformer = TfidfTransformer(sublinear_tf=features.weighting == "sublinear").fit(train)
    return transformer.transform(train), transformer.transform(test)


def cross_validate(
    counts: Counts, labels: Labels, features: Features, classifiers: Sequence[Classifier]
) -> list[Candidate]:
    """Score classifiers on features: each text is labelled by what was fitted on the other folds."""
    guesses = {classifier: labels.copy() for classifier in classifiers}
    with warnings.catch_warnings():
        # A class of fewer texts than folds is missing from some of them; a fit that has not converged scores as it is.
        warnings.simplefilter("ignore")
        folds = min(FOLDS, int(np.unique(labels, return_counts=True)[1].max()))
        splitter = StratifiedKFold(folds, shuffle=True, random_state=SEED)
        for train, test in splitter.split(labels, labels):
            fitted, held = weigh(counts.take(train, features), counts.take(test, features), features)
            for classifier, guess in guesses.items():
                guess[test] = classifier.make().fit(fitted, labels[train]).predict(held)
    return [Candidate(features, classifier, float(np.mean(guess == labels))) for classifier, guess in guesses.items()]


def search(texts: Sequence[str], labels: Labels, family: str) -> list[Candidate]:
    """Try what a family offers; give the candidates of the second step, in the order of the grid."""
    tables = {}
    grid = FAMILIES[family]
    for features in grid:
        key = features.tokens, features.lowercase
        spans = [one.ngrams for one in grid if (one.tokens, one.lowercase) == key]
        if key not in tables:
            tables[key] = count(texts, *key, (min(low for low, _ in spans), max(high for _, high in spans)))

    def run(chosen: Iterable[Features], classifiers: Sequence[Classifier]) -> list[Candidate]:
        calls = [delayed(cross_validate)(tables[one.tokens, one.lowercase], labels, one, classifiers) for one in chosen]
        return list(itertools.chain.from_iterable(Parallel(n_jobs=os.cpu_count())(calls)))

    first = {candidate.features: candidate.accuracy for candidate in run(grid, [QUICK])}
    # Sorting keeps the order of equals.
    finalists = sorted(grid, key=lambda features: -first[features])[:FINALISTS]
    return run([features for features in grid if features in finalists], FINAL[family])


def predict(texts: Sequence[str], labels: Labels, unseen: Sequence[str], chosen: Candidate) -> Labels:
    """Fit a candidate on all rows, and label texts that it has not seen."""
    features = chosen.features
    counts = count([*texts, *unseen], features.tokens, features.lowercase, features.ngrams)
    rows = np.arange(len(texts)), np.arange(len(texts), len(texts) + len(unseen))
    train, test = (counts.take(part, features) for part in rows)
    fitted, held = weigh(train, test, features)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labelled: Labels = chosen.classifier.make().fit(fitted, labels).predict(held)
    return labelled
