"""A small bundle, and a classifier over a fake engine."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import unittest
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edgetext import Classifier
from edgetext.command.main import main
from edgetext.encoder import Encoder, Preprocessing
from edgetext.keras_imdb import KERAS_IMDB
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary
from tests.runtime import RUNTIME
from tests.runtime.in_process import call


def slow(test: Any) -> Any:
    """Mark a test that takes seconds: `make quick` and runs with EDGETEXT_SKIP_SLOW set leave it out."""
    try:
        import pytest
    except ImportError:
        pass
    else:
        test = pytest.mark.slow(test)
    return unittest.skipIf("EDGETEXT_SKIP_SLOW" in os.environ, "slow")(test)


WORDS = ["the", "movie", "great", "bad", "\x85", "caf\u00e9"]
VOCABULARY = Vocabulary([*RESERVED, *WORDS])
GOOD, BAD = VOCABULARY.ids["great"], VOCABULARY.ids["bad"]


class FakeEngine:
    """An engine whose answers are computed by a function of the ids.

    Attributes:
        batches: The number of texts of each call so far.
    """

    name = "fake"
    runtime = "fake"
    accepts_unpadded = False
    takes_text = False
    vocabulary_size: int | None = None

    def __init__(self, answer: Callable[[Sequence[int]], list[float]], num_outputs: int = 1) -> None:
        """Use a function from ids to ``num_outputs`` probabilities."""
        self.answer = answer
        self.num_outputs = num_outputs
        self.batches: list[int] = []

    def predict(self, encoded: Sequence[Sequence[int]]) -> list[list[float]]:
        """Score encoded texts; see ``edgetext.engines.protocol.Engine``."""
        self.batches.append(len(encoded))
        return [self.answer(ids) for ids in encoded]


def fake_engine() -> FakeEngine:
    """Make an engine that counts good and bad words."""
    return FakeEngine(lambda row: [min(1.0, max(0.0, 0.5 + 0.25 * (row.count(GOOD) - row.count(BAD))))])


def fake_classifier(max_length: int = 8, threshold: float | None = None) -> Classifier:
    """Make a classifier that needs no model and no interpreter."""
    encoder = Encoder(VOCABULARY, Preprocessing(max_length, "pre", KERAS_IMDB))
    return Classifier(["negative", "positive"], encoder, fake_engine(), threshold=threshold)


def fake_classifier_of(labels: list[str], threshold: float | None = None) -> Classifier:
    """Make a classifier of many labels: each word of a text counts for one of them, in the order of ``WORDS``."""

    def answer(row: Sequence[int]) -> list[float]:
        counts = [1 + 4 * row.count(len(RESERVED) + place) for place in range(len(labels))]
        return [count / sum(counts) for count in counts]

    encoder = Encoder(VOCABULARY, Preprocessing(8, "pre", KERAS_IMDB))
    return Classifier(labels, encoder, FakeEngine(answer, len(labels)), threshold=threshold)


def entry(name: str, content: bytes, **more: Any) -> dict[str, Any]:
    """Describe a file as a manifest does."""
    checksums = {"crc32": f"{zlib.crc32(content):08x}", "sha256": hashlib.sha256(content).hexdigest()}
    return {"file": name, "size": len(content), **checksums, **more}


def write_bundle(folder: Path, **changes: Any) -> dict[str, Any]:
    """Write a bundle whose only model is invalid, and return its manifest; ``changes`` replace keys of it."""
    vocabulary, model = VOCABULARY.to_bytes(), b"no model at all"
    manifest = {
        "format_version": 3,
        "name": "test",
        "labels": ["negative", "positive"],
        "preprocessing": Preprocessing(8, "pre", KERAS_IMDB).to_json(),
        "vocabulary": entry("vocab.txt", vocabulary),
        "models": [entry("model.float32.tflite", model, engine="tflite", recipe="float32")],
        **changes,
    }
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_bytes(vocabulary)
    (folder / "model.float32.tflite").write_bytes(model)
    write_manifest(folder, manifest)
    return manifest


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write a bundle's manifest by hand, with its checksums first; those that it holds are replaced."""
    content = json.dumps({key: value for key, value in manifest.items() if key not in ("crc32", "sha256")}).encode()
    (folder / "manifest.json").write_bytes(with_checksums(content[1:]))


def with_checksums(rest: bytes) -> bytes:
    """Put the checksums of format version 3 before any content."""
    rest = b'  "sha256": "%b",\n' % hashlib.sha256(rest).hexdigest().encode() + rest
    return b'{\n  "crc32": "%08x",\n' % zlib.crc32(rest) + rest


def as_version_2(folder: Path) -> None:
    """Turn a bundle into one of format version 2: no CRC-32, the SHA-256 of the manifest's rest first."""

    def without_crc32(value: Any) -> Any:
        if isinstance(value, list):
            return [without_crc32(item) for item in value]
        if isinstance(value, dict):
            return {key: without_crc32(item) for key, item in value.items() if key != "crc32"}
        return value

    path = folder / "manifest.json"
    manifest = {**without_crc32(json.loads(path.read_bytes())), "format_version": 2}
    del manifest["sha256"]
    rest = json.dumps(manifest).encode()[1:]
    path.write_bytes(b'{\n  "sha256": "%b",\n' % hashlib.sha256(rest).hexdigest().encode() + rest)


def change_behind_crc32(folder: Path, name: str) -> None:
    """Change a byte of a bundle's file, and make every CRC-32 match but no SHA-256."""
    path = folder / "manifest.json"
    _, _, rest = path.read_bytes().split(b"\n", 2)
    if name == "manifest.json":
        rest = rest.replace(b'"models"', b' "models"', 1)
    else:
        content = (folder / name).read_bytes()
        changed = content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]
        (folder / name).write_bytes(changed)
        rest = rest.replace(b"%08x" % zlib.crc32(content), b"%08x" % zlib.crc32(changed))
        _, rest = rest.split(b"\n", 1)
        rest = b'  "sha256": "%b",\n' % hashlib.sha256(rest).hexdigest().encode() + rest
    path.write_bytes(b'{\n  "crc32": "%08x",\n' % zlib.crc32(rest) + rest)


def run(*args: str | bytes, stdin: bytes = b"", fake: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run the command in this process.

    Args:
        args: Its arguments.
        stdin: What it reads.
        fake: Over the fake engine; else as it is.
    """
    from tests.runtime.fake_command import fake_main

    return call(fake_main if fake else main, args, stdin, program="classify.py")


def run_process(
    *args: str | bytes, stdin: bytes = b"", fake: bool = True, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a user would, in a process; ``options`` are further arguments of ``subprocess.run``."""
    script = Path(__file__).with_name("fake_command.py") if fake else RUNTIME / "classify.py"
    command = [sys.executable, str(script), *args]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False, **options)


def safetensors(metadata: dict[str, str], tensors: dict[str, tuple[str, list[int], list[float]]]) -> bytes:
    """Write a safetensors file, after the format's description.

    Args:
        metadata: Its ``__metadata__``.
        tensors: dtype (``I8`` or ``F32``), shape and the flat values of each tensor by name.
    """
    header: dict[str, Any] = {"__metadata__": metadata}
    data = b""
    for name, (dtype, shape, values) in tensors.items():
        if dtype == "I8":
            content = bytes(int(value) & 255 for value in values)
        else:
            content = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def random_bigrams(
    seed: int,
    columns: int = 1,
    vocabulary: int = 50,
    buckets: int = 64,
    max_length: int = 64,
    network: str = "bigrams",
) -> Any:
    """Make metadata and tensors of a network of bigrams or trigrams with random weights, some of them extreme."""
    rng = random.Random(seed)

    def weights(size: int) -> list[float]:
        return [rng.choice([-128, -127, 127, 0, rng.randrange(-128, 128)]) for _ in range(size)]

    metadata = {
        "format": "edgetext-1",
        "network": network,
        "max_length": str(max_length),
        "multipliers": "40503 30011 16727" if network.startswith("trigrams") else "40503 30011",
        "exponent": "0.25",
    }
    vectors = ["unigrams.scale", "bigrams.scale", "bias"]
    vectors += ["prior"] if network != "bigrams" else []
    has_characters = network.endswith("characters")
    vectors += ["characters.scale"] if has_characters else []
    scales = {name: ("F32", [columns], [rng.uniform(-0.01, 0.01) for _ in range(columns)]) for name in vectors}
    characters = {"characters": ("I8", [columns, 32], weights(columns * 32))} if has_characters else {}
    return metadata, {
        "unigrams": ("I8", [columns, vocabulary], weights(columns * vocabulary)),
        "bigrams": ("I8", [columns, buckets], weights(columns * buckets)),
        **characters,
        **scales,
    }


def random_average(seed: int, widths: tuple[int, ...] = (5, 4, 1), vocabulary: int = 50, max_length: int = 64) -> Any:
    """Make metadata and tensors of an average of embeddings, with dense layers between these widths."""
    rng = random.Random(seed)
    width = widths[0]
    table: list[float] = [rng.choice([-128, 127, rng.randrange(-128, 128)]) for _ in range(vocabulary * width)]
    tensors: dict[str, tuple[str, list[int], list[float]]] = {
        "embedding": ("I8", [vocabulary, width], [0.0] * width + table[width:]),
        "embedding.scale": ("F32", [width], [rng.uniform(0.001, 0.1) for _ in range(width)]),
    }
    for number, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        kernel = [rng.uniform(-1, 1) for _ in range(inputs * outputs)]
        tensors[f"dense.{number}.kernel"] = ("F32", [inputs, outputs], kernel)
        tensors[f"dense.{number}.bias"] = ("F32", [outputs], [rng.uniform(-1, 1) for _ in range(outputs)])
    return {"format": "edgetext-1", "network": "average", "max_length": str(max_length)}, tensors
