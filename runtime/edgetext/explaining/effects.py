"""Computing an explanation, for models of the engine ``builtin``."""

from __future__ import annotations

from itertools import compress

from edgetext.engines.builtin import BigramNetwork, BuiltinEngine
from edgetext.engines.characters import CharacterNetwork
from edgetext.errors import EngineError
from edgetext.explaining import Columns, Explanation, choose_labels
from edgetext.explaining.places import find_runs, find_words
from edgetext.ngrams import is_one_word
from edgetext.text import START_ID, UNKNOWN_ID, Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from edgetext.encoder import Encoder
    from edgetext.engines.protocol import Engine

_NOT_HERE = "effects of words need the engine builtin and a model of the preset edge or accurate, not "


def explain(engine: Engine, encoder: Encoder, labels: Sequence[str], text: str, label: str | None) -> Explanation:
    """Explain the label of a text; see ``Classifier.explain``."""
    network, characters = find_network(engine)
    ids = encoder.truncate(text)
    count = encoder.count_words(ids)
    logits = (characters or network).logits(ids)
    both = [0.0, logits[0]] if len(logits) == 1 else logits
    chosen, against = choose_labels(labels, both, label)
    weights = _Weights(network, characters, chosen, against, max(count, 1))
    parts = _find_parts(text, encoder, ids[:count], weights)
    bias = weights.combine(logits if logits is network.prior else network.biases)  # prior: nothing is known
    if network.prior is None and ids[0] == START_ID:
        bias += weights.of_words([START_ID])[0]
    return Explanation(text, labels[chosen], labels[against], both[chosen] - both[against], bias, parts)


def find_network(engine: Engine) -> tuple[BigramNetwork, CharacterNetwork | None]:
    """Return the network of words and pairs, and the one of characters around it, if there is one.

    Raises:
        EngineError: If the engine is not builtin, or the network has no weights of words.
    """
    if not isinstance(engine, BuiltinEngine):
        raise EngineError(f"{_NOT_HERE}engine {engine.name}")
    network = engine.network
    if isinstance(network, CharacterNetwork):
        return network.bigrams, network
    if not isinstance(network, BigramNetwork):
        raise EngineError(f"{_NOT_HERE}one of the preset tutorial")
    return network, None


class _Weights:
    """The effects of ids and n-grams on the logit of one label less that of another."""

    def __init__(
        self, network: BigramNetwork, characters: CharacterNetwork | None, chosen: int, against: int, count: int
    ) -> None:
        """Take the labels' indices, and the number of ids of the text."""
        self.network = network
        self._outputs = [(chosen, 1.0), (against, -1.0)]
        if network.num_outputs == 1:
            self._outputs = [(0, 1.0 if chosen else -1.0)]
        weight = count**-network.exponent
        rows = [(*network.tables[output], factor * weight) for output, factor in self._outputs]
        # Tables, each with the factor by which its values are multiplied.
        self._words = [(words, scale * factor) for words, _, scale, _, _, factor in rows]
        self._ngrams = [(ngrams, scale * factor) for _, ngrams, _, scale, _, factor in rows]
        self._characters = []
        if characters is not None:
            scaled = [characters.characters[output] for output, _ in self._outputs]
            self._characters = [(table, scale * row[-1]) for (table, scale), row in zip(scaled, rows)]

    def combine(self, values: Sequence[float]) -> float:
        """Return a value per output as one effect."""
        return sum(values[output] * factor for output, factor in self._outputs)

    def of_words(self, ids: Sequence[int]) -> list[float]:
        """Return the effect of each word."""
        return _read(self._words, ids)

    def of_ngrams(self, buckets: Sequence[int]) -> list[float]:
        """Return the effect of each pair or triple, by its bucket."""
        return _read(self._ngrams, buckets)

    def of_characters(self, buckets: Sequence[int]) -> float:
        """Return the effect of character n-grams."""
        return sum(_read(self._characters, buckets))


def _read(tables: list[tuple[Any, float]], places: Sequence[int]) -> list[float]:
    """Return the values at these places, of one table or the sums of two, multiplied by the tables' factors."""
    (table, factor), *more = tables
    values = [value * factor for value in map(table.__getitem__, places)]
    for other, factor in more:
        values = [value + more * factor for value, more in zip(values, map(other.__getitem__, places))]
    return values


def _find_parts(text: str, encoder: Encoder, ids: list[int], weights: _Weights) -> Columns:
    """Return the parts of a text whose start mark and words have these ids."""
    has_start = ids[:1] == [START_ID]  # else the text was cut off at the front
    words = ids[has_start:]
    starts, ends = find_words(text, encoder.preprocessing.rules)
    kept = slice(len(words)) if has_start else slice(len(starts) - len(words), None)
    starts, ends = starts[kept], ends[kept]
    kinds = ["word"] * len(words)
    if UNKNOWN_ID in words:
        kinds = ["unknown" if word_id == UNKNOWN_ID else "word" for word_id in words]
    parts = Columns(kinds, starts[:], ends[:], weights.of_words(words))
    buckets = weights.network.find_buckets(ids)
    pairs = len(ids) - 1
    _add_ngrams(parts, "pair", starts, ends, buckets[:pairs], weights)
    if len(weights.network.multipliers) > 2:
        _add_ngrams(parts, "triple", starts, ends, buckets[pairs:], weights)
    if encoder.preprocessing.characters is not None:
        _add_characters(parts, text, encoder, list(zip(words, starts, ends)), weights)
    return parts


def _add_ngrams(
    parts: Columns, kind: str, starts: list[int], ends: list[int], buckets: list[int], weights: _Weights
) -> None:
    """Add the pairs or triples of words that start and end here; the first of them may begin with the start mark."""
    last = ends[1 if kind == "pair" else 2 :]
    kinds, first = [kind] * len(buckets), starts[: len(last)]
    if len(buckets) > len(last):
        kinds[0], first, last = "beginning", [starts[0], *first], [ends[-len(buckets)], *last]
    known = [bucket <= weights.network.last_bucket for bucket in buckets]
    if not all(known):
        kinds, first, last = list(compress(kinds, known)), list(compress(first, known)), list(compress(last, known))
        buckets = list(compress(buckets, known))
    parts.add(kinds, first, last, weights.of_ngrams(buckets))


def _add_characters(
    parts: Columns, text: str, encoder: Encoder, words: list[tuple[int, int, int]], weights: _Weights
) -> None:
    """Add the unknown words, given the id, start and end of each word, and the runs of a text, by their characters."""
    characters, rules = encoder.preprocessing.characters, encoder.preprocessing.rules
    assert characters is not None
    assert isinstance(rules, Words)
    items = []
    for word_id, start, end in words:
        if word_id == UNKNOWN_ID:
            [word] = rules.tokenize(text[start:end])
            if not is_one_word(word, marks=rules.marks):
                items.append((word, start, end))
    items += [("".join(rules.tokenize(text[start:end])), start, end) for start, end in find_runs(text)]
    left = characters.most
    for item, start, end in items:
        buckets = list(characters.hash_item(item[: characters.most + characters.longest]))[:left]
        left -= len(buckets)
        if buckets:
            parts.add(["characters"], [start], [end], [weights.of_characters(buckets)])
