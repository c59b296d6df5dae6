"""The ``builtin`` engine: plain Python over int8 tables, with nothing to install and little to load.

It reads ``model.*.safetensors``. The file's metadata names the ``format``, the ``network`` and the ``max_length``; the
tensors are described at the network's class, ``BigramNetwork`` or ``AverageNetwork``. An int8 table stands for
``table * scale``; everything after the tables is float64.

It is fast because no Python code runs per token. Gathering is ``itemgetter``, adding is ``sum``, and many small numbers
that have to be multiplied or added at once are lanes of one large int.
"""

from __future__ import annotations

from edgetext.errors import BundleError
from edgetext.formats.safetensors import read_safetensors
from edgetext.text import PAD_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgetext.engines.protocol import Network

FORMAT = "edgetext-1"
_E = 2.718281828459045  # as math.e, without loading math


class BuiltinEngine:
    """Runs a ``.safetensors`` file that edgetext exported."""

    name = "builtin"
    runtime = "edgetext"
    accepts_unpadded = True
    takes_text = False

    def __init__(self, model: bytes, *, max_length: int, threads: int = 1) -> None:
        """Read the model; see ``edgetext.engines.protocol.Engine``. One thread is used whatever ``threads`` is."""
        try:
            metadata, tensors = read_safetensors(model)
            if metadata.get("format") != FORMAT:
                raise ValueError(f"its format is {metadata.get('format')!r}, and this version reads {FORMAT!r}")
            network = _find_network(metadata.get("network"))
            if metadata.get("max_length") != str(max_length):
                raise ValueError(f"its max_length is {metadata.get('max_length')!r}, not {max_length}")
            self._network = network(metadata, tensors, max_length)
        except ValueError as error:
            raise BundleError(f"engine builtin refuses the model: {error}") from None
        self.num_outputs = self._network.num_outputs
        self.vocabulary_size: int | None = self._network.vocabulary_size

    def predict(self, encoded: Iterable[Sequence[int]]) -> list[list[float]]:
        """Score encoded texts, padded or not; see ``edgetext.engines.protocol.Engine``."""
        logits = self._network.logits
        activate = sigmoid if self.num_outputs == 1 else softmax
        try:
            return [activate(logits(ids if ids[-1] else ids[: ids.index(PAD_ID)])) for ids in encoded]
        except (IndexError, OverflowError):
            raise BundleError("the vocabulary is larger than the model's tables") from None


def _find_network(name: str | None) -> type[Network]:
    """Return the class of a network."""
    if name == "bigrams":
        from edgetext.engines.bigrams import BigramNetwork

        return BigramNetwork
    if name == "average":
        from edgetext.engines.average import AverageNetwork

        return AverageNetwork
    raise ValueError(f"its network is {name!r}; known are bigrams and average")


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
