"""Computing an explanation, for models of the engine ``builtin``."""

from __future__ import annotations

from functools import partial

from edgetext.engines.builtin import BigramNetwork, BuiltinEngine
from edgetext.engines.characters import CharacterNetwork
from edgetext.errors import EngineError
from edgetext.explaining import Explanation, Part, choose_labels
from edgetext.explaining.places import find_runs, find_words
from edgetext.ngrams import is_one_word
from edgetext.text import START_ID, UNKNOWN_ID, Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from edgetext.encoder import Encoder
    from edgetext.engines.protocol import Engine
    from edgetext.explaining.places import Place

NAN = float("nan")
_NEW_PART = partial(tuple.__new__, Part)
_BEGINNING = (0, 0)  # the place of the start mark
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
    nothing = network.prior is not None and max(ids[:count], default=START_ID) <= UNKNOWN_ID and count == len(ids)
    parts = _find_parts(text, encoder, ids[:count], weights)
    if nothing:
        parts = [part._replace(effect=0.0) for part in parts]
    bias = weights.combine(network.prior if nothing and network.prior is not None else network.biases)
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

    def of_ngrams(self, ids: Sequence[int], length: int) -> list[float]:
        """Return the effect of each ``length`` neighbours; NaN where one of them is unknown, which has none."""
        last, (first, second, *third) = self.network.last_bucket, self.network.multipliers
        if length == 2:
            buckets = [(first * a + second * b) & last for a, b in zip(ids, ids[1:])]
        else:
            buckets = [(first * a + second * b + third[0] * c) & last for a, b, c in zip(ids, ids[1:], ids[2:])]
        effects = _read(self._ngrams, buckets)
        if self.network.prior is not None and UNKNOWN_ID in ids:
            neighbours = zip(*(ids[place:] for place in range(length)))
            return [NAN if UNKNOWN_ID in group else effect for group, effect in zip(neighbours, effects)]
        return effects

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


def _find_parts(text: str, encoder: Encoder, ids: list[int], weights: _Weights) -> list[Part]:
    """Return the parts of a text whose start mark and words have these ids."""
    places: list[Place] = find_words(text, encoder.preprocessing.rules)
    has_start = ids[:1] == [START_ID]  # else the text was cut off at the front
    places = [_BEGINNING, *places[: len(ids) - 1]] if has_start else places[-len(ids) :]
    kinds = ["unknown" if word_id == UNKNOWN_ID else "word" for word_id in ids]
    parts = _make_parts(kinds, text, places, places, weights.of_words(ids))[has_start:]
    for length, kind in zip(range(2, len(weights.network.multipliers) + 1), ("pair", "triple")):
        effects = weights.of_ngrams(ids, length)
        ngrams = _make_parts([kind] * len(effects), text, places, places[length - 1 :], effects)
        if has_start and ngrams:
            start = places[1][0]
            ngrams[0] = ngrams[0]._replace(kind="beginning", text=text[start : ngrams[0].end], start=start)
        parts += [part for part in ngrams if part.effect == part.effect]
    if encoder.preprocessing.characters is not None:
        parts += _find_characters(text, encoder, ids, places, weights)
    return parts


def _make_parts(kinds: list[str], text: str, first: list[Place], last: list[Place], effects: list[float]) -> list[Part]:
    """Return a part for each effect, which reaches from the word at ``first`` to the one at ``last``."""
    starts, ends = [start for start, _ in first], [end for _, end in last]
    texts = [text[start:end] for start, end in zip(starts, ends)]
    # No Python code runs per part: Part._make would take four times as long.
    return list(map(_NEW_PART, zip(kinds, texts, starts, ends, effects)))


def _find_characters(
    text: str, encoder: Encoder, ids: list[int], places: list[Place], weights: _Weights
) -> Iterator[Part]:
    """Yield the unknown words and runs of a text with the effects of their character n-grams."""
    characters, rules = encoder.preprocessing.characters, encoder.preprocessing.rules
    assert characters is not None
    assert isinstance(rules, Words)
    items = []
    for word_id, (start, end) in zip(ids, places):
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
            yield Part("characters", text[start:end], start, end, weights.of_characters(buckets))
