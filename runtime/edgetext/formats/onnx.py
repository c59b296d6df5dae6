"""The description of a model in an ``.onnx`` file, read before onnxruntime gets the file.

An ONNX file is a protobuf message; the field numbers are those of ``onnx.proto`` (ONNX 1.17). Only the description is
read, not the tensors.
"""

from __future__ import annotations

import hashlib

from edgetext.formats import Damage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Members of TensorProto.DataType.
FLOAT32, INT32, STRING = 1, 6, 8


class Value:
    """An input or output of a graph, as the file declares it in a ``ValueInfoProto``."""

    __slots__ = ("kind", "shape")

    def __init__(self, message: bytes) -> None:
        self.kind = 0  # the member of TensorProto.DataType; stays 0 if it is not a tensor
        self.shape: list[int] = []  # with -1 for a size that is not fixed
        for number, value in fields(message):
            if number == 2:  # TypeProto
                for tensor in _messages(_bytes(value), 1):  # TypeProto.Tensor
                    self._read_tensor(tensor)

    def _read_tensor(self, message: bytes) -> None:
        for number, value in fields(message):
            if number == 1 and isinstance(value, int):
                self.kind = value
            elif number == 2:  # TensorShapeProto
                self.shape = [
                    next((size for key, size in fields(dimension) if key == 1 and isinstance(size, int)), -1)
                    for dimension in _messages(_bytes(value), 1)
                ]


class ONNXFile:
    """What an ``.onnx`` file declares: its graph's inputs and outputs, and its ``metadata_props``."""

    def __init__(self, content: bytes) -> None:
        """Read a file, without comparing its checksum; raise ValueError if it is not an ONNX model."""
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.metadata: dict[str, str] = {}
        self.words: list[tuple[str, int]] = []  # in a graph that takes text: what its first LabelEncoder knows
        graphs = 0
        for number, value in fields(content):
            if number == 7:  # graph
                graphs += 1
                for key, part in fields(_bytes(value)):
                    if key in (11, 12):
                        (self.inputs if key == 11 else self.outputs).append(Value(_bytes(part)))
                    elif key == 1:  # node
                        self.words = self.words or _words(_bytes(part))
            elif number == 14:  # metadata_props
                pair = {key: _text(part) for key, part in fields(_bytes(value)) if key in (1, 2)}
                self.metadata[pair.get(1, "")] = pair.get(2, "")
        if graphs != 1:
            raise ValueError("it is no ONNX model: it has no graph")


def add_checksum(content: bytes) -> bytes:
    """Return a file with one more entry of ``metadata_props`` at its end: the SHA-256 of everything before the entry.

    The entry has the same size for every file, and is a valid part of the model for any reader of ONNX.
    """
    name, digest = b"sha256", hashlib.sha256(content).hexdigest().encode()
    pair = b"\x0a%c%b\x12%c%b" % (len(name), name, len(digest), digest)  # StringStringEntryProto: key, value
    return content + b"\x72%c%b" % (len(pair), pair)  # field 14, with a length


def has_right_checksum(content: bytes) -> bool:
    """Return whether a file ends with the checksum that ``add_checksum`` adds."""
    size = len(add_checksum(b""))
    return content == add_checksum(content[:-size])


def _words(node: bytes) -> list[tuple[str, int]]:
    """Return the words and ids of a LabelEncoder, its attributes ``keys_strings`` and ``values_int64s``."""
    if not any(key == 4 and value == b"LabelEncoder" for key, value in fields(node)):
        return []
    keys: list[str] = []
    values: list[int] = []
    for attribute in _messages(node, 5):
        found = list(fields(attribute))
        if (1, b"keys_strings") in found:
            keys = [_text(value) for key, value in found if key == 9]
        elif (1, b"values_int64s") in found:
            values = [value for key, value in found if key == 8 and isinstance(value, int)]
    return list(zip(keys, values))


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of a protobuf message; raise ValueError if it is not one.

    The value is bytes for a field with a length, else an int.
    """
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        kind = key & 7
        value: int | bytes
        if kind == 0:
            value, position = _varint(message, position)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value = int.from_bytes(message[position : position + size], "little")
            position += size
        elif kind == 2:
            size, position = _varint(message, position)
            value = message[position : position + size]
            position += size
        else:
            raise ValueError("it is no ONNX model: it is not protobuf")
        if position > end:
            raise Damage("it is cut short, or no ONNX model")
        yield key >> 3, value


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """Return a number stored as seven bits per byte, and where the next field begins."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise Damage("it is cut short, or no ONNX model")


def _messages(message: bytes, number: int) -> Iterator[bytes]:
    return (_bytes(value) for key, value in fields(message) if key == number)


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("it is no ONNX model: a field is of another type")
    return value


def _text(value: int | bytes) -> str:
    return _bytes(value).decode("utf-8")
