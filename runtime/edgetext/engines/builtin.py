"""The ``builtin`` engine: plain Python over int8 tables, with nothing to install and little to load.

It reads ``model.*.safetensors``. The file's metadata names the ``format``, the ``network`` and the ``max_length``; the
tensors are described at the network's class, ``BigramNetwork`` or ``AverageNetwork``. An int8 table stands for
``table * scale``; everything after the tables is float64.

It is fast because no Python code runs per token. Gathering is ``itemgetter``, adding is ``sum``, and many small numbers
that have to be multiplied or added at once are lanes of one large int.
"""

from __future__ import annotations

import sys

from edgetext.engines.safetensors import UNSIGNED, TensorReader, read_safetensors
from edgetext.errors import BundleError
from edgetext.text import PAD_ID, UNKNOWN_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from edgetext.engines.protocol import Network
    from edgetext.engines.safetensors import Tensor
    from edgetext.engines.trigrams import Trigrams

FORMAT = "edgetext-1"
# The network of bigrams in which unknown words add nothing.
KNOWN_ONLY = "bigrams-2"
_E = 2.718281828459045  # as math.e, without loading math
# Fewer ids are scored one by one: 12 take 3.7 us in the default model and 4.4 us at once, 20 take 5.7 and 5.4 us, 48
# take 10.5 and 7.1 us. Scoring at once needs other tables, which take 400 us to make: they pay after some thousand ids.
FEW_IDS, IDS_BEFORE_TABLES = 16, 4096


class BuiltinEngine:
    """Runs a ``.safetensors`` file that edgetext exported."""

    name = "builtin"
    runtime = "edgetext"
    accepts_unpadded = True
    takes_text = False

    def __init__(self, model: bytes, *, max_length: int, threads: int = 1) -> None:
        """Read the model; see ``edgetext.engines.protocol.Engine``. One thread is used whatever ``threads`` is."""
        self._model, self._max_length, self._threads = model, max_length, threads  # for copies
        try:
            metadata, tensors = read_safetensors(model)
            if metadata.get("format") != FORMAT:
                raise ValueError(f"its format is {metadata.get('format')!r}, and this version reads {FORMAT!r}")
            network = _find_network(metadata.get("network"))
            if metadata.get("max_length") != str(max_length):
                raise ValueError(f"its max_length is {metadata.get('max_length')!r}, not {max_length}")
            self.network = network(metadata, tensors, max_length)
        except ValueError as error:
            raise BundleError(f"engine builtin refuses the model: {error}") from None
        self.num_outputs = self.network.num_outputs
        self.vocabulary_size: int | None = self.network.vocabulary_size

    def __reduce__(self) -> tuple[Any, ...]:
        from edgetext.copying import rebuild_with

        return rebuild_with(type(self), self._model, max_length=self._max_length, threads=self._threads)

    def predict(self, encoded: Iterable[Sequence[int]]) -> list[list[float]]:
        """Score encoded texts, padded or not; see ``edgetext.engines.protocol.Engine``."""
        logits = self.network.logits
        activate = sigmoid if self.num_outputs == 1 else softmax
        try:
            return [activate(logits(ids if ids[-1] else ids[: ids.index(PAD_ID)])) for ids in encoded]
        except (IndexError, OverflowError):
            raise BundleError("the vocabulary is larger than the model's tables") from None


def _find_network(name: str | None) -> Callable[[dict[str, str], dict[str, Tensor], int], Network]:
    """Return the constructor of a network."""
    if name in ("bigrams", KNOWN_ONLY, "trigrams"):
        return BigramNetwork
    if name in ("characters", "trigrams-characters"):
        from functools import partial

        from edgetext.engines.characters import CharacterNetwork

        return partial(CharacterNetwork, BigramNetwork)
    if name == "average":
        from edgetext.engines.average import AverageNetwork

        return AverageNetwork
    known = f"bigrams, {KNOWN_ONLY}, characters, trigrams, trigrams-characters and average"
    raise ValueError(f"its network is {name!r}; known are {known}")


def sigmoid(logits: list[float]) -> list[float]:
    """Return the probability of the second of two labels for their one logit."""
    power = _E ** -abs(logits[0])  # at most 1: nothing overflows
    return [1 / (1 + power) if logits[0] >= 0 else power / (1 + power)]


def softmax(logits: list[float]) -> list[float]:
    """Return the probabilities for one logit per label."""
    highest = max(logits)
    powers = [_E ** (logit - highest) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


class BigramNetwork:
    """The network of the presets ``edge`` and ``accurate``: ``sum * n ** -exponent + bias`` for n ids.

    It sums a weight for each word, each pair of neighbours and perhaps each three neighbours.

    Tensors, with C outputs: ``unigrams`` int8 (C, vocabulary), ``bigrams`` int8 (C, buckets), where buckets is a power
    of two, and their scales ``unigrams.scale``, ``bigrams.scale`` and ``bias``, float32 (C,). The bucket of ids a and b
    is ``(a * m0 + b * m1) % buckets``; metadata: ``multipliers``, ``"m0 m1"``, and ``exponent``.

    In the network ``bigrams-2`` pairs with an unknown word add nothing, the start mark and unknown words have no weight
    themselves, and the logits of a text without a known word are ``prior``, float32 (C,).

    The network ``trigrams`` is ``bigrams-2`` with three multipliers, ``"m0 m1 m2"``. Each three neighbours without an
    unknown word have a weight too, in the same table ``bigrams``; ``edgetext.engines.trigrams`` finds their buckets.
    """

    def __init__(self, metadata: dict[str, str], tensors: dict[str, Tensor], max_length: int) -> None:
        """Check the tensors; see ``edgetext.engines.protocol.Network``."""
        reader = TensorReader(tensors)
        unigrams, bigrams = reader.read("unigrams", "I8", 2), reader.read("bigrams", "I8", 2)
        self.num_outputs, vocabulary = unigrams.shape
        self.vocabulary_size = vocabulary
        outputs, buckets = bigrams.shape
        if outputs != self.num_outputs or not outputs or not vocabulary or buckets < 1 or buckets & (buckets - 1):
            raise ValueError("unigrams and bigrams do not fit together, or the buckets are no power of two")
        scales = [reader.read_vector(name, outputs) for name in ("unigrams.scale", "bigrams.scale", "bias")]
        self.prior = reader.read_vector("prior", outputs) if metadata["network"] != "bigrams" else None
        self.biases = scales[2]
        reader.finish()
        try:
            multipliers = list(map(int, metadata["multipliers"].split()))
            self._first, self._second, *third = self.multipliers = multipliers
            self.exponent = float(metadata["exponent"])
        except (KeyError, ValueError):
            raise ValueError("the metadata lacks multipliers or exponent") from None
        # Lanes of 32 bits hold the sum of the products without a carry.
        if not 0 <= self.exponent <= 1 or min(multipliers) < 0 or sum(multipliers) * (vocabulary - 1) >= 2**32:
            raise ValueError("the exponent or the multipliers are out of range")
        if len(third) != metadata["network"].startswith("trigrams"):
            raise ValueError(f"the network {metadata['network']} has another number of multipliers")
        self.last_bucket = buckets - 1
        self._trigrams: Trigrams | None = None
        if third:
            from edgetext.engines.trigrams import Trigrams

            self._trigrams = Trigrams(multipliers, self.last_bucket)
        self._max_length = max_length
        self.tables = [
            (unigrams.signed_row(output), bigrams.signed_row(output), *rest) for output, rest in enumerate(zip(*scales))
        ]
        self._unsigned: list[tuple[bytes, bytes, float, float, float]] = []
        self._scored = 0  # ids, before the tables are prepared

    def logits(self, ids: Sequence[int]) -> list[float]:
        """Return the logits of unpadded ids; see ``edgetext.engines.protocol.Network``."""
        count = len(ids)
        if self.prior is not None and (not ids or (ids[-1] <= UNKNOWN_ID and max(ids) <= UNKNOWN_ID)):
            return self.prior
        if not self._unsigned and count >= FEW_IDS:
            self._scored += count
            if self._scored >= IDS_BEFORE_TABLES and sys.byteorder == "little":
                self._prepare()
        if count < FEW_IDS or not self._unsigned:
            return self._score_few(ids)
        buckets = self.find_buckets(ids)
        weight = count**-self.exponent
        take_words, take_ngrams = self._itemgetter(*ids), self._itemgetter(*buckets)
        return [
            (
                (sum(take_words(unigrams)) - 128 * count) * unigram_scale
                + (sum(take_ngrams(bigrams)) - 128 * len(buckets)) * bigram_scale
            )
            * weight
            + bias
            for unigrams, bigrams, unigram_scale, bigram_scale, bias in self._unsigned
        ]

    def _score_few(self, ids: Sequence[int]) -> list[float]:
        """Return the logits of few ids, without preparing the tables."""
        buckets = self._find_few_buckets(ids)
        if UNKNOWN_ID in ids:
            buckets = [bucket for bucket in buckets if bucket <= self.last_bucket]
        weight = len(ids) ** -self.exponent if ids else 0.0
        return [
            (
                sum(unigrams[index] for index in ids) * unigram_scale
                + sum(bigrams[index] for index in buckets) * bigram_scale
            )
            * weight
            + bias
            for unigrams, bigrams, unigram_scale, bigram_scale, bias in self.tables
        ]

    def find_buckets(self, ids: Sequence[int]) -> list[int]:
        """Return the bucket of each pair of neighbours, then of each three if the network has triples.

        Where one of them is an unknown word, so that they have no weight, it is the number of buckets.
        """
        count = len(ids)
        if count < FEW_IDS or not self._unsigned:
            return self._find_few_buckets(ids)
        # The ids are 32-bit lanes of one int, so that two multiplications and an addition hash all pairs at once: 5 us
        # for 180 ids, which take 11 one by one. The last lane has no neighbour and is dropped.
        lanes = int.from_bytes(self._array("I", ids).tobytes(), "little")
        pairs = lanes * self._first + (lanes >> 32) * self._second
        mask = self._mask
        unknown = pairs_of_unknown = 0
        if self.prior is not None:
            # 1 where the id is UNKNOWN_ID, which alone is no larger than 0 after the exclusive or; then also before it.
            unknown = ((((lanes ^ self._twos) + self._largest) >> 31) & self._ones) ^ self._ones
            if unknown:
                unknown |= unknown >> 32
                mask ^= unknown * self.last_bucket
                pairs_of_unknown = unknown * (self.last_bucket + 1)
        hashed = ((pairs & mask) | pairs_of_unknown).to_bytes(4 * count, "little")[:-4]
        if self._trigrams is not None:
            trigrams = self._trigrams.find_lanes(lanes, pairs, self._mask, unknown)
            hashed += trigrams.to_bytes(4 * count, "little")[:-8]
        buckets: list[int] = self._array("I", hashed).tolist()
        return buckets

    def _find_few_buckets(self, ids: Sequence[int]) -> list[int]:
        """Return the buckets of few ids, without preparing the tables."""
        none = self.last_bucket + 1
        buckets = [
            (a * self._first + b * self._second) & self.last_bucket
            if self.prior is None or (a != UNKNOWN_ID and b != UNKNOWN_ID)
            else none
            for a, b in zip(ids, ids[1:])
        ]
        return buckets if self._trigrams is None else buckets + self._trigrams.find_few(ids)

    def _prepare(self) -> None:
        """Copy the tables into bytes, which itemgetter reads in C, over twice as fast as a memoryview."""
        # Not needed by a one-shot command.
        from array import array
        from operator import itemgetter

        self._array, self._itemgetter = array, itemgetter
        # One number in all lanes.
        self._ones = int.from_bytes(b"\1\0\0\0" * self._max_length, "little")
        self._mask = self._ones * self.last_bucket
        self._twos, self._largest = self._ones * UNKNOWN_ID, self._ones * (2**31 - 1)
        # After the bigrams' weights follows a zero, for pairs with an unknown word.
        self._unsigned = [
            (bytes(unigrams).translate(UNSIGNED), bytes(bigrams).translate(UNSIGNED) + b"\x80", *rest)
            for unigrams, bigrams, *rest in self.tables
        ]
