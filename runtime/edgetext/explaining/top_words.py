"""The words, pairs and triples with the largest weights: a model read as a whole, without a text."""

from __future__ import annotations

from typing import NamedTuple

from edgetext.errors import BundleError
from edgetext.explaining import check_label
from edgetext.explaining.effects import find_network
from edgetext.ngrams import is_one_word
from edgetext.text import RESERVED, UNKNOWN_ID
from edgetext.vocabulary import Vocabulary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgetext.encoder import Encoder
    from edgetext.engines.builtin import BigramNetwork
    from edgetext.engines.protocol import Engine

_KINDS = {1: "word", 2: "pair", 3: "triple"}


class TopWord(NamedTuple):
    """A word, or a pair or triple of neighbouring words, with its weight for a label.

    Attributes:
        kind: ``"word"``, ``"pair"`` or ``"triple"``.
        text: Its words as the vocabulary has them.
        weight: What it adds to the label's sum of weights, less the mean of what it adds to those of the other labels.
            In a text of n words it changes the logit by ``weight * (n + 1) ** -exponent``, with the exponent of the
            network.
    """

    kind: str
    text: str
    weight: float


def find_top_words(
    engine: Engine, encoder: Encoder, labels: Sequence[str], ngrams: Sequence[str], label: str | None, count: int
) -> dict[str, list[TopWord]]:
    """Return the words and n-grams with the largest weights for a label, or for each; see ``Classifier.top_words``.

    Args:
        engine: The engine ``builtin``.
        encoder: Encodes texts.
        labels: The labels.
        ngrams: The pairs and triples to look at: words separated by spaces.
        label: The label, or None for all.
        count: The most words and n-grams of a label.

    Raises:
        BundleError: If an n-gram is not one of known words.
        EngineError: If the engine is another one, or the network has no weights of words.
        ValueError: If there is no such label.
    """
    from heapq import nlargest

    network, _ = find_network(engine)
    chosen = labels if label is None else [check_label(labels, label)]
    words = encoder.vocabulary.tokens[len(RESERVED) :]
    items = [("word", word) for word in words]
    buckets = []
    for ngram in ngrams:
        ids = _find_ids(ngram, encoder.vocabulary, len(network.multipliers))
        buckets.append(sum(map(int.__mul__, network.multipliers, ids)) & network.last_bucket)
        items.append((_KINDS[len(ids)], _join(ngram.split(" "))))
    weights = _Weights(network, buckets)
    top = {}
    for name in chosen:
        found = weights.of_label(labels.index(name))
        places = nlargest(count, range(len(found)), key=found.__getitem__)
        top[name] = [TopWord(*items[place], found[place]) for place in places if found[place] > 0]
    return top


def _find_ids(ngram: str, vocabulary: Vocabulary, longest: int) -> list[int]:
    ids = [vocabulary.find(key) for key in vocabulary.rules.split(ngram)]
    if not 2 <= len(ids) <= longest or UNKNOWN_ID in ids:
        raise BundleError(f"{ngram!r} is listed as a pair or triple of words and is none of the vocabulary")
    return ids


def _join(words: list[str]) -> str:
    """Join words by spaces, except single characters of scripts without spaces, and emoji."""
    joined, *others = words
    for before, word in zip(words, others):
        joined += word if is_one_word(before) and is_one_word(word) else f" {word}"
    return joined


class _Weights:
    """The weights of all words of the vocabulary but the reserved ones, then those of n-grams."""

    def __init__(self, network: BigramNetwork, buckets: list[int]) -> None:
        """Take the buckets of the n-grams."""
        self._network, self._buckets = network, buckets
        self._totals: list[float] = []  # over all outputs

    def of_label(self, label: int) -> list[float]:
        """Return those for a label, by its index."""
        outputs = self._network.num_outputs
        if outputs == 1:
            weights = self._of_output(0)
            return weights if label else [-weight for weight in weights]
        if not self._totals:
            self._totals = self._of_output(0)
            for output in range(1, outputs):  # one at a time: a thousand would fill the memory
                self._totals = list(map(float.__add__, self._totals, self._of_output(output)))
        own = self._of_output(label)
        return [weight - (total - weight) / (outputs - 1) for weight, total in zip(own, self._totals)]

    def _of_output(self, output: int) -> list[float]:
        words, ngrams, scale, scale_of_ngrams, _ = self._network.tables[output]
        found = [weight * scale for weight in words[len(RESERVED) :]]
        return found + [ngrams[bucket] * scale_of_ngrams for bucket in self._buckets]
