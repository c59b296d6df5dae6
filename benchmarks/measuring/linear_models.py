"""Linear models over tf-idf of n-grams, chosen as a careful user of scikit-learn would: by cross-validation.

Two grid searches with 5 folds on the training texts: the features, with a quick classifier; then the classifier, with
the best features. The best pipeline is fitted on all of them.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from benchmarks.measuring.errors import BenchmarkError

FOLDS = 5
SEED = 0
WORDS, WORDS_AND_PUNCTUATION = r"\w+", r"\w+|[^\w\s]"
_WEIGHTING: dict[str, list[Any]] = {"sublinear_tf": [True, False], "min_df": [1, 2]}
_NGRAMS = [(1, 1), (1, 2), (1, 3)]
# Options of TfidfVectorizer to try, by what the n-grams consist of.
FAMILIES: dict[str, dict[str, list[Any]]] = {
    "words in lower case": {"token_pattern": [WORDS], "ngram_range": _NGRAMS, "use_idf": [True, False], **_WEIGHTING},
    "words": {
        "token_pattern": [WORDS, WORDS_AND_PUNCTUATION],
        "ngram_range": _NGRAMS,
        "lowercase": [True, False],
        "use_idf": [True, False],
        **_WEIGHTING,
    },
    "characters": {
        "analyzer": ["char_wb"],
        "ngram_range": [(2, 4), (2, 5)],
        "lowercase": [True, False],
        "sublinear_tf": [True],
        "min_df": [1, 2],
    },
}
# For the movie reviews, whose texts are long and many: words and pairs of words, which fastText and our models see.
REVIEWS: dict[str, list[Any]] = {
    "token_pattern": [WORDS],
    "ngram_range": [(1, 2)],
    "sublinear_tf": [True, False],
    "min_df": [1, 2, 5],
}
# Options of the classifiers to try. The default solver of LogisticRegression takes far longer over so many n-grams.
CLASSIFIERS: list[dict[str, list[Any]]] = [
    {"classify": [LinearSVC(random_state=SEED)], "classify__C": [0.03, 0.1, 0.3, 1, 3, 10, 30]},
    {"classify": [LogisticRegression(random_state=SEED, solver="saga", tol=1e-3)], "classify__C": [3, 10, 30, 100]},
]


class Chosen(NamedTuple):
    """The best candidate, fitted on all training texts.

    Attributes:
        pipeline: The fitted pipeline.
        about: ``runtime``, ``features`` and ``classifier`` in words, ``cross_validation``, the accuracy from 0 to 1,
            and ``seconds`` for the whole search.
    """

    pipeline: Pipeline
    about: dict[str, Any]


def search(
    texts: Sequence[str], labels: Sequence[str], options: dict[str, list[Any]], *, balance: bool = True
) -> Chosen:
    """Search features and classifiers by cross-validation; of equally good candidates the first one is taken.

    Args:
        texts: The training texts.
        labels: Their labels.
        options: The options of TfidfVectorizer to try.
        balance: Whether to try class weights, and LogisticRegression too.

    Raises:
        BenchmarkError: If fewer than two labels have two texts.
    """
    counts = Counter(labels)
    if sum(count > 1 for count in counts.values()) < 2:
        raise BenchmarkError("cross-validation needs at least two texts of at least two labels")
    started = time.perf_counter()
    folds = StratifiedKFold(min(FOLDS, max(counts.values())), shuffle=True, random_state=SEED)
    features = {f"features__{name}": values for name, values in options.items()}
    classifiers = [{**one, "classify__class_weight": [None, "balanced"]} for one in CLASSIFIERS]
    with tempfile.TemporaryDirectory() as cache, warnings.catch_warnings():
        # A class with fewer texts than folds is missing from some of them; a fit that has not converged counts.
        warnings.simplefilter("ignore")
        steps = [("features", TfidfVectorizer()), ("classify", LinearSVC(random_state=SEED))]
        pipeline = Pipeline(steps, memory=cache)
        settings = {"cv": folds, "n_jobs": os.cpu_count()}
        first = GridSearchCV(pipeline, features, refit=False, **settings).fit(texts, labels).best_params_
        grid = classifiers if balance else CLASSIFIERS[:1]
        found = GridSearchCV(pipeline.set_params(**first), grid, **settings).fit(texts, labels)
        best = found.best_estimator_.set_params(memory=None)
    about = {
        "runtime": f"scikit-learn {sklearn.__version__}",
        "features": ", ".join(f"{name.partition('__')[2]}={value}" for name, value in first.items()),
        "classifier": repr(best.named_steps["classify"]),
        "cross_validation": round(float(found.best_score_), 6),
        "seconds": round(time.perf_counter() - started, 1),
    }
    return Chosen(best, about)


def save(pipeline: Pipeline, folder: Path) -> int:
    """Write a pipeline for two labels, as ``runtimes.scikit_learn`` reads it without a pickle.

    Returns:
        The bytes of the pipeline as joblib would write it.
    """
    features, classifier = pipeline.named_steps["features"], pipeline.named_steps["classify"]
    names = ("analyzer", "token_pattern", "ngram_range", "lowercase", "sublinear_tf", "use_idf")
    described = {
        "settings": {name: getattr(features, name) for name in names},
        "vocabulary": features.get_feature_names_out().tolist(),
        "labels": classifier.classes_.tolist(),
    }
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps(described), encoding="utf-8")
    weights, bias = classifier.coef_[0], classifier.intercept_[0]
    np.savez(folder / "weights.npz", idf=features.idf_, weights=weights, bias=bias)
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer)
    return len(buffer.getvalue())
