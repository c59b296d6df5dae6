"""The ``builtin`` engine: plain Python over int8 tables, with nothing to install and next to nothing to load.

It reads ``model.*.safetensors``. The file's metadata names the ``format``, the ``network`` and the ``max_length`` of a
row; the tensors are as the class of the network says: ``BigramNetwork`` here, or ``AverageNetwork`` in ``average.py``.
A table of int8 stands for ``table * scale``; everything after the tables is float64.

What makes it fast is that no Python code runs per token. Gathering is ``itemgetter``, adding is ``sum``, and where many
small numbers have to be multiplied or added at once, they are lanes of one large int.
"""

from __future__ import annotations

import sys

from edgetext.errors import BundleError
from edgetext.formats.safetensors import Tensor, read_safetensors
from edgetext.text import PAD_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgetext.engines.protocol import Network

FORMAT = "edgetext-1"
# Rows of fewer ids are not worth preparing a table for.
FEW_IDS = 64
# int8 as a byte, to that byte plus 128, so that 0 to 255 stand for -128 to 127 and no sign is in the way.
UNSIGNED = bytes(range(128, 256)) + bytes(range(128))
_E = 2.718281828459045  # as math.e; math would be one more file to load


class BuiltinEngine:
    """Runs a ``.safetensors`` file of ours."""

    name = "builtin"
    runtime = "edgetext"
    ragged = True
    takes_text = False

    def __init__(self, model: bytes, *, max_length: int, threads: int = 1) -> None:
        """Read the model; see ``edgetext.engines.protocol.Engine``. ``threads`` is accepted, and one is used."""
        try:
            metadata, tensors = read_safetensors(model)
            if metadata.get("format") != FORMAT:
                raise ValueError(f"its format is {metadata.get('format')!r}, and this version reads {FORMAT!r}")
            network = _find_network(metadata.get("network"))
            if metadata.get("max_length") != str(max_length):
                raise ValueError(f"it takes rows of {metadata.get('max_length')!r} ids, not of {max_length}")
            self._network = network(metadata, tensors, max_length)
        except ValueError as error:
            raise BundleError(f"engine builtin refuses the model: {error}") from None
        self.columns = self._network.columns
        self.vocabulary_size: int | None = self._network.vocabulary_size

    def predict(self, rows: Iterable[Sequence[int]]) -> list[list[float]]:
        """Score rows of ids, padded or not; see ``edgetext.engines.protocol.Engine``."""
        logits = self._network.logits
        activate = sigmoid if self.columns == 1 else softmax
        try:
            return [activate(logits(row if row[-1] else row[: row.index(PAD_ID)])) for row in rows]
        except (IndexError, OverflowError):
            raise BundleError("the vocabulary is larger than the model's tables") from None


def _find_network(name: str | None) -> type[Network]:
    """Give the class of a network."""
    if name == "bigrams":
        return BigramNetwork
    if name == "average":
        from edgetext.engines.average import AverageNetwork

        return AverageNetwork
    raise ValueError(f"its network is {name!r}; known are bigrams and average")


def sigmoid(logits: list[float]) -> list[float]:
    """Turn one logit into the probability of the second label."""
    power = _E ** -abs(logits[0])  # at most 1: nothing overflows
    return [1 / (1 + power) if logits[0] >= 0 else power / (1 + power)]


def softmax(logits: list[float]) -> list[float]:
    """Turn a logit a label into probabilities."""
    highest = max(logits)
    powers = [_E ** (logit - highest) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


class BigramNetwork:
    """Sums a weight for every word and every pair of neighbours: ``sum * n ** -exponent + bias`` of n ids.

    Tensors, with C outputs: ``unigrams`` int8 (C, vocabulary), ``bigrams`` int8 (C, buckets), where buckets is a power
    of two, and their scales ``unigrams.scale``, ``bigrams.scale`` and ``bias``, float32 (C,). The bucket of ids a and b
    is ``(a * m0 + b * m1) % buckets``; metadata: ``multipliers``, ``"m0 m1"``, and ``exponent``.
    """

    def __init__(self, metadata: dict[str, str], tensors: dict[str, Tensor], max_length: int) -> None:
        """Check the tensors and keep them; see ``Network``."""
        take = Taker(tensors)
        unigrams, bigrams = take("unigrams", "I8", 2), take("bigrams", "I8", 2)
        self.columns, vocabulary = unigrams.shape
        self.vocabulary_size = vocabulary
        columns, buckets = bigrams.shape
        if columns != self.columns or not columns or not vocabulary or buckets < 1 or buckets & (buckets - 1):
            raise ValueError("unigrams and bigrams do not fit together, or the buckets are no power of two")
        scales = [take.vector(name, columns) for name in ("unigrams.scale", "bigrams.scale", "bias")]
        take.finish()
        try:
            first, second = map(int, metadata["multipliers"].split())
            self._exponent = float(metadata["exponent"])
        except (KeyError, ValueError):
            raise ValueError("the metadata lacks multipliers or exponent") from None
        # Lanes of 32 bits hold the sum of the two products without a carry.
        if not 0 <= self._exponent <= 1 or min(first, second) < 0 or (first + second) * (vocabulary - 1) >= 2**32:
            raise ValueError("the exponent or the multipliers are out of range")
        self._first, self._second = first, second
        self._last_bucket = buckets - 1
        self._mask = int.from_bytes(self._last_bucket.to_bytes(4, "little") * max_length, "little")
        self._signed = [
            (_row(unigrams, column), _row(bigrams, column), *rest) for column, rest in enumerate(zip(*scales))
        ]
        self._unsigned: list[tuple[bytes, bytes, float, float, float]] = []

    def logits(self, ids: Sequence[int]) -> list[float]:
        """Score a row without padding; see ``Network``."""
        count = len(ids)
        if count < FEW_IDS or sys.byteorder == "big":
            return self._score_few(ids)
        if not self._unsigned:
            self._prepare()
        # Python calls cost as much as what they would do here, so this is one function. The ids are 32-bit lanes of one
        # int, so that two multiplications and an addition hash all pairs at once: 5 us for 180 ids, which take 11 one
        # by one. The last lane has no neighbour, and is dropped.
        lanes = int.from_bytes(self._array("I", ids).tobytes(), "little")
        lanes = (lanes * self._first + (lanes >> 32) * self._second) & self._mask
        pairs = self._array("I", lanes.to_bytes(4 * count, "little")[:-4]).tolist()
        take_words, take_pairs = self._itemgetter(*ids), self._itemgetter(*pairs)
        weight = count**-self._exponent
        return [
            (
                (sum(take_words(unigrams)) - 128 * count) * unigram_scale
                + (sum(take_pairs(bigrams)) - 128 * (count - 1)) * bigram_scale
            )
            * weight
            + bias
            for unigrams, bigrams, unigram_scale, bigram_scale, bias in self._unsigned
        ]

    def _score_few(self, ids: Sequence[int]) -> list[float]:
        """Score a row of few ids, for which nothing has to be prepared."""
        pairs = [(a * self._first + b * self._second) & self._last_bucket for a, b in zip(ids, ids[1:])]
        weight = len(ids) ** -self._exponent if ids else 0.0
        return [
            (
                sum(unigrams[index] for index in ids) * unigram_scale
                + sum(bigrams[index] for index in pairs) * bigram_scale
            )
            * weight
            + bias
            for unigrams, bigrams, unigram_scale, bigram_scale, bias in self._signed
        ]

    def _prepare(self) -> None:
        """Copy the tables into bytes, which are read in C by itemgetter alone, over twice as fast as a memoryview."""
        # What a one-shot command does without.
        from array import array
        from operator import itemgetter

        self._array, self._itemgetter = array, itemgetter
        self._unsigned = [
            (bytes(unigrams).translate(UNSIGNED), bytes(bigrams).translate(UNSIGNED), *rest)
            for unigrams, bigrams, *rest in self._signed
        ]


def _row(table: Tensor, index: int) -> memoryview:
    """Give a row of a table of int8, shape (rows, size)."""
    size = table.shape[1]
    return table.data[index * size : (index + 1) * size].cast("b")


class Taker:
    """Takes tensors by name, checking each, and at the end that none is left over."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        """Take over all tensors of a file."""
        self._tensors = dict(tensors)

    def __call__(self, name: str, dtype: str, dimensions: int) -> Tensor:
        """Take a tensor of that type and so many dimensions."""
        tensor = self._tensors.pop(name, None)
        if tensor is None or tensor.dtype != dtype or len(tensor.shape) != dimensions:
            raise ValueError(f"it has no tensor {name} of type {dtype} with {dimensions} dimensions")
        return tensor

    def vector(self, name: str, size: int) -> list[float]:
        """Take a float32 tensor of shape (size,) as finite numbers."""
        tensor = self(name, "F32", 1)
        values = self.finite(tensor, name)
        if tensor.shape != (size,):
            raise ValueError(f"{name} has {tensor.shape[0]} values, not {size}")
        return values

    def finite(self, tensor: Tensor, name: str) -> list[float]:
        """Give the values of a tensor without NaN and infinity."""
        values: list[float] = tensor.values()
        if not all(value - value == 0.0 for value in values):
            raise ValueError(f"{name} holds values that are not finite")
        return values

    def finish(self) -> None:
        """Check that all tensors were taken."""
        if self._tensors:
            raise ValueError(f"this network has no tensors {', '.join(map(repr, sorted(self._tensors)))}")
