"""The golden file of the rule set words-1 and the models that it describes, for tests of Python and of ports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgetext.encoder import Preprocessing
from edgetext.formats.etx import make_block
from edgetext.ngrams import Characters
from edgetext.text import RESERVED, Words
from edgetext.vocabulary import Vocabulary
from tests.runtime.helpers import safetensors

GOLDEN = json.loads((Path(__file__).parent / "golden_words.json").read_text("utf-8"))
VOCABULARIES = {
    False: Vocabulary(GOLDEN["vocabulary"], Words(marks=False)),
    True: Vocabulary([*GOLDEN["vocabulary"], *GOLDEN["marks"]], Words(marks=True)),
}
CHARACTERS = Characters(**GOLDEN["characters"])
TOLERANCE: float = GOLDEN["model"]["tolerance"]

# Each network and its labels.
NETWORKS = {"bigrams-2": ("no", "yes"), "trigrams": ("no", "yes"), "characters": ("no", "yes", "maybe")}


def golden_preprocessing(marks: bool, network: str) -> Preprocessing:
    """Return the preprocessing of one of the golden file's models."""
    return Preprocessing(512, "post", Words(marks), CHARACTERS if network == "characters" else None)


def golden_model(marks: bool, network: str) -> bytes:
    """Return one of the golden file's models as a safetensors file; that with character n-grams has three outputs."""
    outputs = 3 if network == "characters" else 1
    model = GOLDEN["model"]
    sizes = {
        "unigrams": len(VOCABULARIES[marks]),
        "bigrams": model["bigrams_buckets"],
        "characters": CHARACTERS.buckets,
    }
    if outputs == 1:
        del sizes["characters"]
    tensors: dict[str, tuple[str, list[int], list[float]]] = {}
    for name, size in sizes.items():
        step, shift = model["tables"][name]
        reserved = len(RESERVED) if name == "unigrams" else 0
        weights: list[float] = []
        for output in range(outputs):
            weights += [0] * reserved + [(step * i + shift * output) % 255 - 127 for i in range(reserved, size)]
        tensors[name] = ("I8", [outputs, size], weights)
        tensors[f"{name}.scale"] = ("F32", [outputs], model["scales"][f"{name}.scale"][:outputs])
    for name in ("bias", "prior"):
        tensors[name] = ("F32", [outputs], model[name][:outputs])
    multipliers = model["trigram_multipliers" if network == "trigrams" else "multipliers"]
    metadata = {"format": "edgetext-1", "network": network}
    metadata["max_length"] = str(golden_preprocessing(marks, network).width)
    metadata |= {"exponent": model["exponent"], "multipliers": multipliers}
    return safetensors(metadata, tensors)


def golden_block(marks: bool, network: str, layout: str) -> bytes:
    """Return one of the golden file's models as a block; ``golden_probabilities`` are what it answers."""
    preprocessing, model = golden_preprocessing(marks, network), golden_model(marks, network)
    return make_block(NETWORKS[network], preprocessing, VOCABULARIES[marks], model, layout)


def golden_probabilities(case: dict[str, Any], network: str) -> list[float]:
    """Return the probability of every label for a case of the golden file."""
    if network == "characters":
        return list(map(float.fromhex, case["probabilities"]))
    second = float.fromhex(case["probability_trigrams" if network == "trigrams" else "probability"])
    return [1 - second, second]
