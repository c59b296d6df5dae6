"""The models of the golden file, and their probabilities by the formulas in runtime/guides/porting.md.

They are computed with 28 decimal digits, so that every machine finds the same.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

# Weight i of output c in a table is ``(a * i + b * c) % 255 - 127`` for its pair (a, b). All other numbers are exact in
# float32.
MODEL: dict[str, Any] = {
    "exponent": "0.25",
    "multipliers": "40503 30011",
    "trigram_multipliers": "40503 30011 16727",
    "tables": {"unigrams": [37, 101], "bigrams": [53, 29], "characters": [71, 13]},
    "bigrams_buckets": 1024,
    "scales": {
        "unigrams.scale": [0.0078125, 0.01171875, 0.005859375],
        "bigrams.scale": [0.00390625, 0.001953125, 0.005859375],
        "characters.scale": [0.0029296875, 0.00390625, 0.001953125],
    },
    "bias": [-0.375, 0.25, 0.125],
    "prior": [-0.75, 0.5, 0.0625],
    "tolerance": 1e-9,
}


def weight(table: str, output: int, index: int) -> Decimal:
    """Return a weight of a table; the reserved tokens have none."""
    if table == "unigrams" and index < 4:
        return Decimal(0)
    step, shift = MODEL["tables"][table]
    return ((step * index + shift * output) % 255 - 127) * Decimal(MODEL["scales"][f"{table}.scale"][output])


def hash_words(ids: list[int], multipliers: str) -> list[int]:
    """Return the buckets of the n-grams of words, of which there are as long ones as there are multipliers."""
    factors, found = [int(factor) for factor in multipliers.split()], []
    for start in range(len(ids)):
        for end in range(start + 2, min(start + len(factors), len(ids)) + 1):
            words = ids[start:end]
            if 2 not in words:
                found.append(sum(map(int.__mul__, words, factors)) % MODEL["bigrams_buckets"])
    return found


def logit(ids: list[int], ngrams: list[int], output: int, multipliers: str = "multipliers") -> Decimal:
    """Return a logit, given the ids of the start mark and the words, and the buckets of the character n-grams."""
    if max(ids) <= 2 and not ngrams:
        return Decimal(MODEL["prior"][output])
    terms = [weight("unigrams", output, number) for number in ids if number != 2]
    terms += [weight("bigrams", output, bucket) for bucket in hash_words(ids, MODEL[multipliers])]
    terms += [weight("characters", output, bucket) for bucket in ngrams]
    return sum(terms, Decimal(0)) * len(ids) ** -Decimal(MODEL["exponent"]) + Decimal(MODEL["bias"][output])


def sigmoid(value: Decimal) -> float:
    """Return the probability of the second of two labels."""
    return float(1 / (1 + (-value).exp()))


def softmax(values: list[Decimal]) -> list[float]:
    """Return the probabilities of labels."""
    return [float(1 / sum((other - value).exp() for other in values)) for value in values]
