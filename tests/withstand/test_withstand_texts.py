"""Any text, by every engine: the soak's part, that it tells what is broken, and texts that hypothesis makes up."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings

from edgetext import Classifier
from edgetext.encoder import Encoder
from tests.runtime.strategies import TEXTS
from tests.soaking import Outcome, lengths, scorers, texts
from tests.soaking.families import LONG, blocks, families


@pytest.fixture(scope="module")
def classifiers() -> dict[str, Classifier]:
    return {name: scorers.load(name) for name in scorers.ENGINES}


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return list(texts.run(True, 0))


@pytest.mark.slow
def test_all_promises_hold(outcomes: list[Outcome]) -> None:
    assert [failure for outcome in outcomes for failure in outcome.failures] == []
    kinds = len(LONG) * len(scorers.ALL)
    assert [outcome.tried for outcome in outcomes] == [600, 600, 223, 223, kinds, kinds]
    assert all(outcome.promise and not outcome.promise.endswith(".") for outcome in outcomes)


def test_the_texts_are_hostile() -> None:
    drawn = "".join(texts.draw(120, 0))
    for char in ("\0", "\r", "\ud800", "\u0301", "\u200d", "\U0001f468", "\u202e"):
        assert any(char <= other <= char for other in drawn), ascii(char)
    assert any("<PAD> " in text for text in texts.draw(120, 0))
    assert texts.draw(24, 1) == texts.draw(24, 1) != texts.draw(24, 2)
    every = set("".join(blocks()))
    assert len(every) == 0x110000
    assert all(len(make(1_000)) == 1_000 for make in LONG.values())
    assert all(isinstance(draw(random.Random(0)), str) for draw in families().values())


@settings(max_examples=100)
@given(TEXTS)
def test_made_up_texts(text: str) -> None:
    loaded = _loaded()
    assert [failure for outcome in texts.agree(loaded, [text], "texts") for failure in outcome.failures] == []


_kept: dict[str, Classifier] = {}


def _loaded() -> dict[str, Classifier]:
    if not _kept:
        _kept.update({name: scorers.load(name) for name in scorers.ENGINES})
    return _kept


def failures(classifiers: dict[str, Classifier], text: str) -> list[int]:
    return [outcome.failed for outcome in texts.agree(classifiers, [text, "great movie"], "texts")]


def test_an_exception_is_a_failure(classifiers: dict[str, Classifier], monkeypatch: pytest.MonkeyPatch) -> None:
    fold = Encoder.truncate.__globals__["fold"]

    def strict(text: str, lowercase: str = "ascii") -> bytes:
        text.encode("utf-8")
        return bytes(fold(text, lowercase))

    monkeypatch.setattr("edgetext.encoder.fold", strict)
    assert failures(classifiers, "great") == [0, 0]
    # Not by the engine that takes text; and no pair of engines is without one that has no score.
    assert failures(classifiers, "\ud800") == [3, 3]


def altered(classifier: Classifier, change: Callable[[list[float]], list[float]]) -> Classifier:
    """Return a classifier whose engine's answers are changed."""
    engine = copy.copy(classifier.engine)
    predict = classifier.engine.predict
    engine.predict = lambda encoded: list(map(change, predict(encoded)))  # type: ignore[method-assign]
    return Classifier(classifier.labels, classifier.encoder, engine)


@pytest.mark.parametrize("answer", [[-0.1], [1.1], [float("nan")], [0.4, 0.7]])
def test_no_probability_is_a_failure(answer: list[float], classifiers: dict[str, Classifier]) -> None:
    assert failures({"builtin": altered(classifiers["builtin"], lambda _: answer)}, "great")[0] == 2


def test_a_difference_is_a_failure(classifiers: dict[str, Classifier]) -> None:
    shifted = altered(classifiers["tflite"], lambda row: [row[0] + 2e-5, row[1] - 2e-5])
    assert failures({**classifiers, "tflite": shifted}, "a dull mess") == [0, 2]


@pytest.mark.slow
def test_what_is_not_linear_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    truncate = Encoder.truncate

    def quadratic(encoder: Encoder, text: str) -> list[int]:
        for _ in range(len(text) // 1_000):
            text.lower()
        return truncate(encoder, text)

    monkeypatch.setattr(Encoder, "truncate", quadratic)
    monkeypatch.setattr(lengths, "LONG", {"one word": LONG["one word"]})
    outcome = lengths.linear({"builtin": Classifier.load(engine="builtin")}, (100_000, 1_000_000), 5.0)
    assert (outcome.tried, outcome.failed) == (1, 1)


@pytest.mark.slow
def test_memory_without_bounds_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    truncate = Encoder.truncate
    found = lengths.footprints(Classifier.load(engine="builtin"), 1_000_000)
    assert max(found.values()) < 3

    def hoard(encoder: Encoder, text: str) -> list[int]:
        return truncate(encoder, text) if bytearray(40 * len(text)) else []

    monkeypatch.setattr(Encoder, "truncate", hoard)
    found = lengths.footprints(Classifier.load(engine="builtin"), 1_000_000)
    monkeypatch.setattr(lengths, "in_child", lambda *arguments: found)
    outcome = lengths.bounded(1_000_000)
    assert outcome.tried == len(LONG) * len(scorers.ALL)
    assert outcome.failed >= len(scorers.ALL)
