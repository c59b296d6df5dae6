"""The two formats in which a bundle comes, read strictly and cheaply: JSON, and safetensors.

They share a module because they are read together: every module takes 0.25 million ARM instructions of the 18 that a
one-shot command takes beside Python's own start.

JSON is read without importing ``json``, which imports ``re``: 3 of the 12 ms that an empty Python takes, where a
one-shot command may take 5 in all. The C function that does its work, ``_json.make_scanner``, is there without it;
Pythons that lack it get ``json``.

Safetensors, from the format's own description (github.com/huggingface/safetensors): 8 bytes with the header's length N,
unsigned and little-endian; N bytes of JSON that begin with ``{`` and may end in spaces, which map a tensor's name to
its ``dtype``, ``shape`` and ``data_offsets`` (begin and end, counted from the end of the header), and ``__metadata__``
to strings by name; then the data, little-endian, rows first, which the tensors cover without gap or overlap. Nothing in
it is believed before it was checked, and nothing is copied.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The types that our model files use: bytes an element, and the letter of struct and memoryview.
DTYPES = {"I8": (1, "b"), "F32": (4, "f")}

# safetensors' own reader takes headers of up to 100 MB; those of our models have some hundred bytes.
MAX_HEADER_BYTES = 1_000_000
MAX_DIMENSIONS = 8


class Tensor:
    """A tensor, still raw.

    Attributes:
        dtype: ``"I8"`` or ``"F32"``.
        shape: Its dimensions; empty for a single value.
        data: Its bytes.
    """

    __slots__ = ("data", "dtype", "shape")

    def __init__(self, dtype: str, shape: tuple[int, ...], data: memoryview) -> None:
        """Keep the three values."""
        self.dtype = dtype
        self.shape = shape
        self.data = data

    def values(self) -> list[Any]:
        """Give the elements as a flat list of numbers, rows first; for small tensors."""
        if self.dtype == "I8":
            return self.data.cast("b").tolist()
        if sys.byteorder == "little":
            return self.data.cast("f").tolist()
        from struct import unpack

        return list(unpack(f"<{len(self.data) // 4}f", self.data))


def read_safetensors(content: bytes) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Read a safetensors file.

    Args:
        content: The whole file.

    Returns:
        The metadata, and the tensors by name.

    Raises:
        ValueError: It is damaged, or holds a tensor of another type than those in ``DTYPES``.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(MAX_HEADER_BYTES, len(content) - 8):
        raise ValueError("the header is longer than the file, or than any of ours")
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
    """Check a record of the header, and give its tensor."""
    if not isinstance(record, dict) or set(record) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name!r} has other fields than dtype, shape and data_offsets")
    dtype, shape, offsets = record["dtype"], record["shape"], record["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"tensor {name!r} has type {dtype!r}; known are {', '.join(DTYPES)}")
    if not _are_sizes(shape) or len(shape) > MAX_DIMENSIONS or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"tensor {name!r} has a shape or offsets that are not whole numbers of at least 0")
    size, _ = DTYPES[dtype]
    for dimension in shape:
        size *= dimension
    begin, end = offsets
    if end - begin != size or end > len(data):
        raise ValueError(f"tensor {name!r} takes {size} bytes, and its offsets are {begin} and {end} of {len(data)}")
    return Tensor(dtype, tuple(shape), data[begin:end])


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def parse_json(content: bytes) -> Any:
    """Read a JSON document.

    Args:
        content: UTF-8.

    Raises:
        ValueError: It is not JSON or not UTF-8, an object has a key twice (two readers would see two documents), or
            it holds ``NaN`` or ``Infinity``.
        RecursionError: It is nested too deeply.
    """
    text = content.decode("utf-8").strip(" \t\n\r")
    try:
        from _json import make_scanner

        value, end = make_scanner(_Settings)(text, 0)  # type: ignore[arg-type]  # any object with these names
        if end == len(text):
            return value
    except (ImportError, StopIteration):
        pass
    import json  # for an error that says where it is, or for another Python than CPython

    return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key occurs twice")
    return record


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class _Settings:
    """What a ``json.JSONDecoder`` hands to its scanner."""

    strict = True
    object_hook = None
    object_pairs_hook = staticmethod(_unique_keys)
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse)
