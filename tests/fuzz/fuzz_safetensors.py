"""Fuzz the readers of model files and manifests: a ValueError or what independent readers find in the same bytes.

python -m tests.fuzz.fuzz_safetensors [OPTIONS OF LIBFUZZER] [CORPUS]
"""

from __future__ import annotations

import json
import struct
from typing import Any

import atheris
import safetensors

with atheris.instrument_imports(include=["edgetext"]):
    from edgetext.engines.safetensors import read_safetensors
    from edgetext.strict_json import parse_json

from tests.fuzz.driver import start
from tests.runtime.helpers import random_average, random_bigrams
from tests.runtime.helpers import safetensors as write

_HEADER = b'{"a":{"dtype":"I8","shape":[0,2],"data_offsets":[0,0]},"__metadata__":{"b":"\\u00e9"}}'
SEEDS = [
    write(*random_bigrams(0, vocabulary=2, buckets=2)),
    write(*random_average(0, (2, 1), vocabulary=2)),
    _HEADER,
    b' [1, -2.5e3, null, true, "\\ud800", {"a": {}, "b": 1E9}, []] ',
]
# Replacements for a value in an otherwise valid header.
_WRONG = ["[]", "{}", "0", "null", '"F64"', "[true]", "[0,true]", "[-1]", "[1.0]", "[0]", "[1,0]", "[0,1,2]", "[0,99]"]
_WRONG += ["[[1]]", "[1,1,1,1,1,1,1,1,1]"]
_METADATA = ["{}", '{"a":"b"}', '{"a":1}', '{"a":[]}', "[]", "null", '"a"', '{"a":"b","a":"b"}', "[" * 100_000]


def fuzz(content: bytes) -> None:
    """Try bytes as a document, a model file, a header with the right length, and choices of parts."""
    try_json(content)
    try_safetensors(content)
    try_safetensors(_with_length(content))
    try_safetensors(build(atheris.FuzzedDataProvider(content)))


def build(provider: atheris.FuzzedDataProvider) -> bytes:
    """Return a model file that is valid, or wrong in a few places."""
    records, position = [], 0
    for _ in range(provider.ConsumeIntInRange(0, 3)):
        dtype, each = provider.PickValueInList([("I8", 1), ("F32", 4)])
        count = provider.ConsumeIntInRange(0, 2)
        begin = position + provider.PickValueInList([0, 0, 0, 0, 0, 1])  # with a gap
        position = begin + each * count
        fields = {"dtype": f'"{dtype}"', "shape": f"[{count}]", "data_offsets": f"[{begin},{position}]"}
        if provider.ConsumeIntInRange(0, 2) == 0:
            fields[provider.PickValueInList([*fields, "more"])] = provider.PickValueInList(_WRONG)
        if provider.ConsumeIntInRange(0, 9) == 0:
            fields.pop(provider.PickValueInList([*fields]))
        record = ",".join(f'"{name}":{value}' for name, value in fields.items())
        records.append(f'"{provider.PickValueInList(["a", "b", "c"])}":{{{record}}}')
    if provider.ConsumeBool():
        records.append(f'"__metadata__":{provider.PickValueInList(_METADATA)}')
    header = f"{{{','.join(records)}}}".encode()
    return _with_length(header) + bytes(max(position + provider.PickValueInList([0, 0, 0, 1, -1]), 0))


def _with_length(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def try_json(content: bytes) -> None:
    """Read bytes as a document."""
    try:
        found = parse_json(content)
    except (ValueError, RecursionError):
        return
    assert repr(found) == repr(json.loads(content.decode("utf-8"), parse_constant=_never))


def try_safetensors(content: bytes) -> None:
    """Read bytes as a model file."""
    try:
        metadata, tensors = read_safetensors(content)
    except ValueError:
        return
    theirs: dict[str, dict[str, Any]] = dict(safetensors.deserialize(content))
    assert tensors.keys() == theirs.keys()
    for name, tensor in tensors.items():
        assert (tensor.dtype, list(tensor.shape)) == (theirs[name]["dtype"], theirs[name]["shape"])
        assert bytes(tensor.data) == bytes(theirs[name]["data"])
    assert all(isinstance(value, str) for value in metadata.values())


def _never(name: str) -> None:
    raise AssertionError(f"{name} was read as JSON")


if __name__ == "__main__":
    start(fuzz, SEEDS)
