"""The network of the preset ``tutorial``, for the engine ``builtin``: an average of embeddings, and dense layers."""

from __future__ import annotations

import sys

from edgetext.engines.safetensors import UNSIGNED, TensorReader, finite_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edgetext.engines.safetensors import Tensor


class AverageNetwork:
    """Averages embeddings over all positions of padded ids, and passes the average through dense layers.

    Tensors: ``embedding`` int8 (vocabulary, width), all zeros for padding, and its ``embedding.scale`` float32
    (width,); for each layer from 0 on ``dense.N.kernel`` float32 (inputs, outputs) and ``dense.N.bias`` (outputs,). All
    layers but the last are followed by a ReLU.
    """

    def __init__(self, metadata: dict[str, str], tensors: dict[str, Tensor], max_length: int) -> None:
        """Check the tensors; see ``edgetext.engines.protocol.Network``."""
        reader = TensorReader(tensors)
        embedding = reader.read("embedding", "I8", 2)
        self.vocabulary_size, self._width = embedding.shape
        if not self.vocabulary_size or not self._width:
            raise ValueError("the embedding is empty")
        if any(embedding.data[: self._width]):
            raise ValueError("the embedding of padding is not zero")
        self._scales = [scale / max_length for scale in reader.read_vector("embedding.scale", self._width)]
        self._layers: list[tuple[list[list[float]], list[float]]] = []
        self.num_outputs = self._width
        while f"dense.{len(self._layers)}.kernel" in tensors:
            self._layers.append(self._read_layer(reader, f"dense.{len(self._layers)}"))
        reader.finish()
        # An embedding becomes one int with a lane for each of its values, so that adding two such ints adds all values:
        # 6 us for 200 embeddings of 16 values, where adding value by value takes 34. A lane holds max_length times 255.
        self._lane = 2 if max_length * 255 < 2**16 else 4
        self._embeddings = _Embeddings(embedding, self._lane)

    def _read_layer(self, reader: TensorReader, name: str) -> tuple[list[list[float]], list[float]]:
        """Return the kernel of a dense layer, a list for each output, and its bias."""
        kernel = reader.read(f"{name}.kernel", "F32", 2)
        inputs, outputs = kernel.shape
        if inputs != self.num_outputs or not outputs:
            raise ValueError(f"{name}.kernel does not fit the layer before it")
        self.num_outputs = outputs
        values = finite_values(kernel, name)
        return [values[output::outputs] for output in range(outputs)], reader.read_vector(f"{name}.bias", outputs)

    def logits(self, ids: Sequence[int]) -> list[float]:
        """Return the logits of unpadded ids; see ``edgetext.engines.protocol.Network``."""
        if ids and max(ids) >= self.vocabulary_size:
            raise IndexError
        lanes = sum(map(self._embeddings.__getitem__, ids)).to_bytes(self._lane * self._width, "little")
        if sys.byteorder == "little":
            totals: Iterable[int] = memoryview(lanes).cast("H" if self._lane == 2 else "I")
        else:
            starts = range(0, len(lanes), self._lane)
            totals = (int.from_bytes(lanes[start : start + self._lane], "little") for start in starts)
        excess = 128 * len(ids)
        values = [(total - excess) * scale for total, scale in zip(totals, self._scales)]
        for number, (kernel, bias) in enumerate(self._layers, 1):
            values = [sum(map(float.__mul__, weights, values), start) for weights, start in zip(kernel, bias)]
            if number < len(self._layers):
                values = [max(value, 0.0) for value in values]
        return values


class _Embeddings(dict[int, int]):
    """The embeddings by id as ints of lanes, made when they are first used."""

    def __init__(self, table: Tensor, lane: int) -> None:
        """Use an int8 table, shape (vocabulary, width); a lane has ``lane`` bytes."""
        super().__init__()
        self._table = table
        self._lane = lane

    def __missing__(self, index: int) -> int:
        width = self._table.shape[1]
        lanes = bytearray(self._lane * width)
        lanes[:: self._lane] = bytes(self._table.data[index * width : (index + 1) * width]).translate(UNSIGNED)
        embedding = self[index] = int.from_bytes(lanes, "little")
        return embedding
