"""Choosing texts that the model is unsure of, and that are unlike each other.

After Zhdanov, "Diverse mini-batch Active Learning", 2019 (arXiv 1901.05954): of the most uncertain texts, several times
as many as wanted, k-means makes as many groups as texts are wanted; the more uncertain ones have more weight. Of each
group the text nearest to its middle is taken.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from tqdm import tqdm

from edgetext.encoder import Encoder
from edgetext.text import RuleSet
from edgetext.vocabulary import Vocabulary
from train.dataset import UNLABELLED
from train.metrics import label_probabilities
from train.run import Run
from train.tables.index import TableIndex

CANDIDATES = 10  # for each text that is wanted, as in the paper
CHUNK = 512  # texts that are scored at a time
WORDS = 2**14  # by which texts are compared, the most frequent ones; the middles of 1,000 groups take 66 MB
ROUNDS = 30  # of k-means at most
LEAST_WEIGHT = 1e-3  # of a text that the model is certain of, so that not all weights are 0


class Suggestion(NamedTuple):
    """A text to label."""

    text: str
    label: str  # the most probable one
    score: float  # its probability
    line: int  # on which the row begins


class _Scores(NamedTuple):
    """What a model says of some texts; arrays of shape (texts,), 10 bytes a text."""

    labels: npt.NDArray[np.uint16]  # the places of the most probable labels
    scores: npt.NDArray[np.float32]  # their probabilities
    margins: npt.NDArray[np.float32]  # by how much these exceed those of the second labels


def choose(run: Run, texts: TableIndex, count: int) -> list[Suggestion]:
    """Choose which of the unlabelled texts of a file to label, at most ``count``, the least certain first."""
    found, places = _score(run, texts), texts.places(UNLABELLED)
    order = np.argsort(found.margins, kind="stable")[: CANDIDATES * count]
    if len(order) > count:
        written = texts.texts.read(map(int, places[order]))
        order = order[_spread(written, 1 - found.margins[order], count, run.preprocessing.rules)]
    labels, lines = run.config["labels"], texts.lines[places]
    return [
        Suggestion(text, labels[found.labels[place]], float(found.scores[place]), int(lines[place]))
        for place, text in zip(order, texts.texts.read(map(int, places[order])))
    ]


def _score(run: Run, texts: TableIndex) -> _Scores:
    """Score the unlabelled texts of a file, some at a time."""
    encoder = Encoder(Vocabulary.from_bytes(run.vocabulary, run.preprocessing.rules), run.preprocessing)
    rows, parts = texts.rows(UNLABELLED), []
    with tqdm(total=texts.count(UNLABELLED)[0], desc="scoring", unit=" texts", leave=False, disable=None) as bar:
        while chunk := [encoder.encode(text) for _, _, text, _ in itertools.islice(rows, CHUNK)]:
            found = label_probabilities(run.model.predict_on_batch(np.array(chunk, np.int32)))
            second, first = np.partition(found, -2, axis=1)[:, -2:].T.astype(np.float32)
            parts.append(_Scores(found.argmax(axis=1).astype(np.uint16), first, first - second))
            bar.update(len(chunk))
    return _Scores(*map(np.concatenate, zip(*parts)))


def _spread(texts: Iterable[str], weights: npt.NDArray[np.float32], count: int, rules: RuleSet) -> npt.NDArray[np.intp]:
    """Return the places of ``count`` texts that are unlike each other, in their order.

    If there are fewer different texts than that, the first of the others are added.
    """
    vectorizer = TfidfVectorizer(analyzer=rules.split, sublinear_tf=True, max_features=WORDS, dtype=np.float32)
    vectors = vectorizer.fit_transform(texts)
    machine = KMeans(count, n_init=1, max_iter=ROUNDS, random_state=0)
    with threadpool_limits(1), warnings.catch_warnings():  # several threads would add up in another order
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different texts than groups
        distances = machine.fit_transform(vectors, sample_weight=weights + LEAST_WEIGHT)  # (texts, count)
    groups = machine.labels_
    order = np.lexsort((distances[np.arange(len(groups)), groups], groups))
    nearest = order[np.unique(groups[order], return_index=True)[1]]
    others = np.setdiff1d(np.arange(len(groups)), nearest)
    return np.sort(np.concatenate([nearest, others[: count - len(nearest)]]))
