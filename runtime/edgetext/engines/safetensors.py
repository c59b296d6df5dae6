"""Safetensors files, read strictly.

The format, from its own description (github.com/huggingface/safetensors): 8 bytes with the header's length N, unsigned
and little-endian; N bytes of JSON that begin with ``{`` and may end in spaces, which map a tensor's name to its
``dtype``, ``shape`` and ``data_offsets`` (begin and end, counted from the end of the header), and ``__metadata__`` to
strings by name; then the data, little-endian, in row-major order, which the tensors cover without gap or overlap.
Everything is checked before it is used, and nothing is copied.
"""

from __future__ import annotations

import sys

from edgetext.strict_json import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The types that edgetext's model files use, and their bytes per element.
DTYPES = {"I8": 1, "F32": 4}

# safetensors' own reader accepts headers of up to 100 MB; those of edgetext's models have some hundred bytes.
MAX_HEADER_BYTES = 1_000_000
MAX_DIMENSIONS = 8

# For bytes.translate: an int8 plus 128, so that 0 to 255 stand for -128 to 127 and no sign is in the way.
UNSIGNED = bytes(range(128, 256)) + bytes(range(128))


class Tensor:
    """A tensor, its bytes still raw; its type is a key of ``DTYPES``, and the shape of a single value is empty."""

    def __init__(self, dtype: str, shape: tuple[int, ...], data: memoryview) -> None:
        self.dtype = dtype
        self.shape = shape
        self.data = data

    def signed_row(self, index: int) -> memoryview:
        """Return a row of an int8 matrix."""
        size = self.shape[1]
        return self.data[index * size : (index + 1) * size].cast("b")

    def values(self) -> list[Any]:
        """Return the elements as a flat list of numbers in row-major order; for small tensors."""
        if self.dtype == "I8" or sys.byteorder == "little":
            return self.data.cast("b" if self.dtype == "I8" else "f").tolist()
        from struct import unpack

        return list(unpack(f"<{len(self.data) // 4}f", self.data))


def read_safetensors(content: bytes) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the metadata of a safetensors file, and its tensors by name.

    Raises:
        ValueError: If it is damaged, or has a tensor of a type that is not in ``DTYPES``.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(MAX_HEADER_BYTES, len(content) - 8):
        raise ValueError("the header is longer than the file, or than 1 MB")
    if content[8:9] != b"{":
        raise ValueError("the header does not begin with a brace")
    try:
        header = parse_json(content[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the header is not JSON: {error}") from None
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("__metadata__ does not map names to strings")
    data = memoryview(content)[8 + length :]
    tensors = {name: _tensor(name, record, data) for name, record in header.items()}
    position = 0
    for begin, end in sorted(record["data_offsets"] for record in header.values()):
        if begin != position:
            raise ValueError("the tensors overlap, or leave a gap")
        position = end
    if position != len(data):
        raise ValueError(f"the tensors take {position} bytes, and the file has {len(data)}")
    return metadata, tensors


def _tensor(name: str, record: Any, data: memoryview) -> Tensor:
    """Check an entry of the header and return its tensor."""
    if not isinstance(record, dict) or set(record) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name!r} has other fields than dtype, shape and data_offsets")
    dtype, shape, offsets = record["dtype"], record["shape"], record["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"tensor {name!r} has type {dtype!r}; known are {', '.join(DTYPES)}")
    if not _are_sizes(shape) or len(shape) > MAX_DIMENSIONS or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"tensor {name!r} has a shape or offsets that are not whole numbers of at least 0")
    size = DTYPES[dtype]
    for dimension in shape:
        size *= dimension
    begin, end = offsets
    if end - begin != size or end > len(data):
        raise ValueError(f"tensor {name!r} takes {size} bytes, and its offsets are {begin} and {end} of {len(data)}")
    return Tensor(dtype, tuple(shape), data[begin:end])


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


class TensorReader:
    """Returns the tensors of a file by name, checking each, and at the end that every tensor was read."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self._tensors = dict(tensors)

    def read(self, name: str, dtype: str, dimensions: int) -> Tensor:
        """Return a tensor; raise ValueError if there is none of this type and number of dimensions."""
        tensor = self._tensors.pop(name, None)
        if tensor is None or tensor.dtype != dtype or len(tensor.shape) != dimensions:
            raise ValueError(f"it has no tensor {name} of type {dtype} with {dimensions} dimensions")
        return tensor

    def read_vector(self, name: str, size: int) -> list[float]:
        """Return the values of a float32 tensor of shape (size,); raise ValueError if it is missing or not finite."""
        tensor = self.read(name, "F32", 1)
        values = finite_values(tensor, name)
        if tensor.shape != (size,):
            raise ValueError(f"{name} has {tensor.shape[0]} values, not {size}")
        return values

    def finish(self) -> None:
        """Raise ValueError if some tensors were not read."""
        if self._tensors:
            raise ValueError(f"this network has no tensors {', '.join(map(repr, sorted(self._tensors)))}")


def finite_values(tensor: Tensor, name: str) -> list[float]:
    """Return the values of a tensor; raise ValueError, which names it, if one is not finite."""
    values: list[float] = tensor.values()
    if not all(value - value == 0.0 for value in values):
        raise ValueError(f"{name} holds values that are not finite")
    return values
