"""Explanations of whole reviews by the bundles in this repository."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from edgetext import Classifier


@pytest.mark.parametrize("bundle", [None, "runtime/bundles/accurate"])
def test_effects_in_reviews_add_up(bundle: str | None, root: Path) -> None:
    classifier = Classifier.load(None if bundle is None else root / bundle, "builtin")
    reviews = (root / "benchmarks" / "sample_reviews.txt").read_text("utf-8").splitlines()
    assert len(reviews) > 20
    # The first round scores the ids one by one; from some thousand on, other code scores all ids of a text at once.
    for review in [*reviews, *reviews, "\n".join(reviews)]:
        explanation, prediction = classifier.explain(review), classifier.classify(review)
        odds = prediction.probabilities[explanation.label] / prediction.probabilities[explanation.against]
        assert explanation.logit == pytest.approx(math.log(odds), abs=1e-9)
        for parts in (explanation.parts, explanation.by_word()):
            assert math.fsum(part.effect for part in parts) + explanation.bias == pytest.approx(
                explanation.logit, abs=1e-9
            )
