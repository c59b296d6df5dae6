"""The network of words, bigrams and character n-grams, for the engine ``builtin``."""

from __future__ import annotations

from edgetext.engines.safetensors import TensorReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from edgetext.engines.safetensors import Tensor


class CharacterNetwork:
    """The network ``characters``: ``bigrams-2``, to whose sum the weights of n-grams are added.

    Ids from ``vocabulary_size`` on are those of n-grams; they follow the others, and do not count in n. More tensors:
    ``characters`` int8 (C, buckets), where buckets is a power of two, and ``characters.scale`` float32 (C,).
    """

    def __init__(
        self, bigrams: Callable[..., Any], metadata: dict[str, str], tensors: dict[str, Tensor], max_length: int
    ) -> None:
        """Take the class of the network ``bigrams-2``, and check the tensors as ``protocol.Network`` says."""
        own = ("characters", "characters.scale")
        reader = TensorReader({name: tensor for name, tensor in tensors.items() if name in own})
        table = reader.read("characters", "I8", 2)
        rest = {name: tensor for name, tensor in tensors.items() if name not in own}
        self.bigrams = bigrams(metadata, rest, max_length)
        self.num_outputs: int = self.bigrams.num_outputs
        self.vocabulary_size: int = self.bigrams.vocabulary_size
        outputs, buckets = table.shape
        if outputs != self.num_outputs or buckets < 1 or buckets & (buckets - 1):
            raise ValueError("characters and unigrams do not fit together, or the buckets are no power of two")
        scales = reader.read_vector("characters.scale", outputs)
        self.characters = [(table.signed_row(output), scale) for output, scale in enumerate(scales)]

    def logits(self, ids: Sequence[int]) -> list[float]:
        """Return the logits of unpadded ids; see ``edgetext.engines.protocol.Network``."""
        size, count = self.vocabulary_size, len(ids)
        while count and ids[count - 1] >= size:
            count -= 1
        logits: list[float] = self.bigrams.logits(ids[:count])
        if count == len(ids):
            return logits
        if logits is self.bigrams.prior:
            logits = self.bigrams.biases
        weight = max(count, 1) ** -self.bigrams.exponent
        ngrams = [number - size for number in ids[count:]]
        return [
            logit + sum(map(table.__getitem__, ngrams)) * scale * weight
            for logit, (table, scale) in zip(logits, self.characters)
        ]
