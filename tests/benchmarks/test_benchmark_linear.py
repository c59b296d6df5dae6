"""The linear peers: scores are those of scikit-learn's own pipelines, and the search takes what is best."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from benchmarks import linear_peer, linear_search
from benchmarks.linear_search import Candidate, Classifier, Features

ErrorLine = Callable[[str], str]
TOPICS = {"cook": "stir the pot, Salt and oil! Oil?", "sail": "the mast; wind AND keel... keel", "sew": "thread/needle"}


def make_texts(count: int, seed: int = 0) -> tuple[list[str], np.ndarray[Any, np.dtype[np.str_]]]:
    """Make texts of three classes, each of words that its class prefers and of those of another."""
    generator = random.Random(seed)
    labels = [generator.choice(list(TOPICS)) for _ in range(count)]
    texts = []
    for label in labels:
        words = TOPICS[label].split() + generator.choices([w for text in TOPICS.values() for w in text.split()], k=6)
        generator.shuffle(words)
        texts.append(" ".join(words))
    return texts, np.array(labels)


@pytest.mark.parametrize(
    ("features", "vectorizer"),
    [
        (
            Features("words", True, (1, 2), "sublinear", 2),
            TfidfVectorizer(token_pattern=r"\w+", ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        ),
        (
            Features("words and marks", False, (1, 3), "tfidf", 1),
            TfidfVectorizer(token_pattern=r"\w+|[^\w\s]", lowercase=False, ngram_range=(1, 3)),
        ),
        (
            Features("words", True, (1, 1), "binary", 1),
            make_pipeline(CountVectorizer(token_pattern=r"\w+", binary=True, dtype=np.float64), Normalizer()),
        ),
        (
            Features("words", False, (1, 2), "counts", 2),
            make_pipeline(
                CountVectorizer(token_pattern=r"\w+", lowercase=False, ngram_range=(1, 2), min_df=2, dtype=np.float64),
                Normalizer(),
            ),
        ),
        (
            Features("characters", True, (2, 4), "sublinear", 2),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, min_df=2),
        ),
    ],
    ids=str,
)
def test_scores_are_those_of_a_pipeline(features: Features, vectorizer: Any) -> None:
    """What the counts were made of, longer n-grams too, and what the folds share, must not show."""
    texts, labels = make_texts(90)
    counts = linear_search.count(texts, features.tokens, features.lowercase, (1, 5))
    classifiers = [Classifier("LinearSVC", 0.3), Classifier("LogisticRegression", 3, balanced=True)]
    splitter = StratifiedKFold(5, shuffle=True, random_state=0)
    for found in linear_search.cross_validate(counts, labels, features, classifiers):
        pipeline = make_pipeline(vectorizer, found.classifier.make())
        guesses = cross_val_predict(pipeline, texts, labels, cv=splitter)
        assert found.accuracy == np.mean(guesses == labels)
        unseen, _ = make_texts(40, seed=7)
        unseen.append("nothing known µµµ")
        predicted = linear_search.predict(texts, labels, unseen, found)
        assert (predicted == pipeline.fit(texts, labels).predict(unseen)).all()


def test_classifiers_are_as_they_say() -> None:
    machine = Classifier("LinearSVC", 0.3).make().get_params()
    assert (machine["C"], machine["class_weight"]) == (0.3, None)
    regression = Classifier("LogisticRegression", 30, balanced=True)
    assert (regression.make().get_params()["C"], regression.make().get_params()["class_weight"]) == (30, "balanced")
    assert str(regression) == "LogisticRegression, C=30, balanced"
    assert str(Features("words", False, (1, 2), "tfidf", 2)) == (
        "words, capitals kept, 1–2-grams, tfidf, in 2 or more texts"
    )


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid that is searched in a second, in this process."""
    grid = [Features(tokens, True, (1, 2), "tfidf", 1) for tokens in ("words", "words and marks")]
    monkeypatch.setattr(
        linear_search, "FAMILIES", {"words in lower case": grid[:1], "words": grid, "characters": grid[:1]}
    )
    monkeypatch.setattr(linear_search, "FINALISTS", 1)
    final = [Classifier("LinearSVC", c) for c in (1e-5, 1, 2)]
    monkeypatch.setattr(linear_search, "FINAL", dict.fromkeys(linear_peer.FAMILIES, final))
    monkeypatch.setattr(linear_search.os, "cpu_count", lambda: 1)


@pytest.mark.usefixtures("small")
def test_the_second_step_is_for_the_best_features(monkeypatch: pytest.MonkeyPatch) -> None:
    def validate(counts: Any, labels: Any, features: Features, classifiers: list[Classifier]) -> list[Candidate]:
        best = 0.9 if features.tokens == "words and marks" else 0.8
        return [Candidate(features, classifier, best - classifier.c / 1000) for classifier in classifiers]

    monkeypatch.setattr(linear_search, "cross_validate", validate)
    texts, labels = make_texts(30)
    found = linear_search.search(texts, labels, "words")
    assert {candidate.features.tokens for candidate in found} == {"words and marks"}
    assert [candidate.classifier for candidate in found] == linear_search.FINAL["words"]


def write(path: Path, texts: list[str], labels: Any) -> str:
    lines = [json.dumps({"text": text, "label": str(label)}) for text, label in zip(texts, labels, strict=True)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


@pytest.mark.usefixtures("small")
def test_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    texts, labels = make_texts(120)
    first, second = write(tmp_path / "a", texts[:60], labels[:60]), write(tmp_path / "b", texts[60:90], labels[60:90])
    parts = [f"{name}.jsonl" for name in (first, second)]
    for name, part in zip((first, second), parts, strict=True):
        Path(name).rename(part)
    test = write(tmp_path / "test.jsonl", texts[90:], labels[90:])
    file = tmp_path / "peer.json"
    command = ["--train", *parts, "--test", test, "--json"]
    assert linear_peer.main([*command, str(file)]) == 0
    shown = capfd.readouterr().out
    results = json.loads(file.read_text("utf-8"))
    assert (results["kind"], results["trained_on"], results["texts"]["reviews"]) == ("linear_peer", 90, 30)
    assert [row["family"] for row in results["rows"]] == ["words in lower case", "words", "characters"]
    for row in results["rows"]:
        # So small a C as 1e-5 learns nothing.
        assert "C=1e-05" not in row["classifier"]
        assert row["candidates"] == 3
        right = sum(row["confusion"][label].get(label, 0) for label in TOPICS)
        assert row["accuracy"] == pytest.approx(right / 30, abs=1e-6)
        assert row["accuracy"] > 0.8
        assert f"{row['features']}; {row['classifier']}" in shown
    assert linear_peer.main([*command, str(tmp_path / "again.json"), "--family", "words"]) == 0
    again = json.loads((tmp_path / "again.json").read_text("utf-8"))["rows"]
    assert [{**row, "seconds": 0} for row in again] == [{**results["rows"][1], "seconds": 0}]


@pytest.mark.usefixtures("small")
def test_few_texts_are_few_folds() -> None:
    """Three texts of a class at most are three folds; what there is one of cannot be learnt where it is tested."""
    texts, labels = make_texts(200)
    order = [*(np.flatnonzero(labels == "cook")[:3]), *(np.flatnonzero(labels == "sail")[:2])]
    order.append(np.flatnonzero(labels == "sew")[0])
    (chosen, *_) = linear_search.search([texts[place] for place in order], labels[order], "words")
    assert 0 <= chosen.accuracy <= 5 / 6


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"text": "a"}', "text 1: it has no label"),
        (
            '{"text": "a", "label": "x"}\n{"text": "b", "label": "x"}\n{"text": "c", "label": "y"}',
            "to choose by cross-validation takes two texts at least of two labels",
        ),
    ],
)
def test_mistakes(
    lines: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], error_line: ErrorLine
) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text(lines)
    assert linear_peer.main(["--train", str(file), "--test", str(file)]) == 2
    assert error_line(capfd.readouterr().err) == message
