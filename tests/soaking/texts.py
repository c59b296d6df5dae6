"""The part ``texts``: every engine scores any string, with equal results, in linear time and memory."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import islice

from edgetext import Classifier, Prediction
from tests.soaking import Outcome, lengths, outcome
from tests.soaking.families import blocks, families
from tests.soaking.scorers import BUILTIN, ENGINES, NGRAMS, ONNX, ONNX_TEXT, TFLITE, load

# How far two of the engines may be apart. The builtin model and the TFLite one hold the same weights of int8; ONNX's
# are rounded in another way, and its activations too; with text for its input it does the same.
TOLERANCES = {(BUILTIN, TFLITE): 1e-5, (BUILTIN, ONNX): 0.15, (ONNX, ONNX_TEXT): 1e-6}
ROUNDING = 1e-6


def run(quick: bool, seed: int) -> Iterator[Outcome]:
    """Try the promises; see ``tests.soaking``."""
    classifiers = {name: load(name) for name in (*ENGINES, NGRAMS)}
    yield from agree(classifiers, draw(600 if quick else 20_000, seed), "hostile texts")
    yield from agree(classifiers, list(islice(blocks(), 0, None, 10 if quick else 1)), "texts of every code point")
    yield from lengths.run(quick)


def draw(count: int, seed: int) -> list[str]:
    """Draw ``count`` texts, equally many of each family."""
    rng = random.Random(seed)
    kinds = list(families().values())
    return [kinds[number % len(kinds)](rng) for number in range(count)]


def agree(classifiers: Mapping[str, Classifier], texts: list[str], unit: str) -> Iterator[Outcome]:
    """Score texts by every engine, and compare."""
    scores: dict[str, list[float]] = {}
    faults = []
    for name, classifier in classifiers.items():
        found = [score(classifier, text) for text in texts]
        faults += [f"{name}: {text[:40]!a}: {fault}" for text, fault in zip(texts, found) if isinstance(fault, str)]
        scores[name] = [value if isinstance(value, float) else float("nan") for value in found]
    yield outcome(
        "Every text is scored by every engine, with probabilities from 0 to 1 that sum to 1", len(texts), unit, faults
    )
    apart = {
        pair: [abs(one - other) for one, other in zip(scores[pair[0]], scores[pair[1]])]
        for pair in TOLERANCES
        if scores.keys() >= set(pair)
    }
    differences = [
        f"{' and '.join(pair)} are {difference:.2g} apart: {text[:40]!a}"
        for pair, values in apart.items()
        for text, difference in zip(texts, values)
        if not difference <= TOLERANCES[pair]  # true for NaN, where there was no score
    ]
    largest = {pair: max(values) for pair, values in apart.items()}
    yield outcome(
        "The engines agree: TFLite within 0.00001 of builtin, ONNX Runtime within 0.15, and from text as from ids",
        len(texts),
        unit,
        differences,
        "; ".join(f"{' and '.join(pair)}: {value:.2g}" for pair, value in largest.items()),
        **{f"{other} from {one}": value for (one, other), value in largest.items()},
    )


def score(classifier: Classifier, text: str) -> float | str:
    """Return a text's probability of the last label, or what is wrong with the prediction."""
    try:
        prediction = classifier.classify(text)
    except Exception as error:  # any exception is a failure
        return f"{type(error).__name__}: {error}"
    return fault_of(prediction, classifier.labels) or list(prediction.probabilities.values())[-1]


def fault_of(prediction: Prediction, labels: list[str]) -> str:
    """Return what is wrong with a prediction; an empty string if nothing is."""
    values = prediction.probabilities.values()
    if list(prediction.probabilities) != labels:
        return f"probabilities of {list(prediction.probabilities)}"
    if not all(0.0 <= value <= 1.0 for value in values) or not abs(sum(values) - 1.0) <= ROUNDING:
        return f"no probabilities: {list(values)}"
    if prediction.score != max(values) or prediction.probabilities[prediction.label] != prediction.score:
        return f"not the most probable label: {prediction}"
    if not 0.0 <= prediction.known <= 1.0:
        return f"no share of known words: {prediction.known}"
    return ""
