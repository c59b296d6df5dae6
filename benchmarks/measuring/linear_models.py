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
from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from benchmarks.measuring.results import BenchmarkError

FOLDS = 5
SEED = 0
# Options of TfidfVectorizer to try, by what the n-grams consist of; the movie reviews, long and many, have less to try.
FAMILIES: dict[str, dict[str, list[Any]]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
# Options of the classifiers to try. The default solver of LogisticRegression takes far longer with this many n-grams.
CLASSIFIERS: list[dict[str, list[Any]]] = [
    {"classify": [LinearSVC(random_state=SEED)], "classify__C": [0.03, 0.1, 0.3, 1, 3, 10, 30]},
    {"classify": [LogisticRegression(random_state=SEED, solver="saga", tol=1e-3)], "classify__C": [3, 10, 30, 100]},
]


def search(
    texts: Sequence[str], labels: Sequence[str], options: dict[str, list[Any]], *, balance: bool = True
) -> tuple[Pipeline, dict[str, Any]]:
    """Search features among ``options``, and a classifier; of equally good candidates the first one is taken.

    Without ``balance`` neither class weights nor LogisticRegression are tried. Return the best pipeline, fitted on all
    texts, and what a results file says of it.
    """
    counts = Counter(labels)
    if sum(count > 1 for count in counts.values()) < 2:
        raise BenchmarkError("cross-validation needs at least two texts of at least two labels")
    started = time.perf_counter()
    folds = StratifiedKFold(min(FOLDS, max(counts.values())), shuffle=True, random_state=SEED)
    tuples = {"ngram_range": [tuple(lengths) for lengths in options["ngram_range"]]}
    features = {f"features__{name}": values for name, values in {**options, **tuples}.items()}
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
        "classifier": " ".join(repr(best.named_steps["classify"]).split()),  # without line ends
        "cross_validation": round(float(found.best_score_), 6),
        "seconds": round(time.perf_counter() - started, 1),
    }
    return best, about


def save(pipeline: Pipeline, folder: Path) -> int:
    """Write a pipeline for ``runtimes.scikit_learn``, without a pickle; return how many bytes joblib would write."""
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
