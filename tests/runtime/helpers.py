"""A small bundle, and a classifier over a fake engine."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from edgetext import Classifier
from edgetext.testing import FakeEngine
from edgetext.text import RESERVED, Encoder, Preprocessing, Vocabulary
from tests.runtime import RUNTIME

WORDS = ["the", "movie", "great", "bad", "\x85", "caf\u00e9"]
VOCABULARY = Vocabulary([*RESERVED, *WORDS])
GOOD, BAD = VOCABULARY.ids["great"], VOCABULARY.ids["bad"]


def fake_engine() -> FakeEngine:
    """Make an engine that counts good and bad words."""
    return FakeEngine(lambda row: [min(1.0, max(0.0, 0.5 + 0.25 * (row.count(GOOD) - row.count(BAD))))])


def fake_classifier(max_length: int = 8) -> Classifier:
    """Make a classifier that needs no model and no interpreter."""
    encoder = Encoder(VOCABULARY, Preprocessing(max_length, "pre"))
    return Classifier(["negative", "positive"], encoder, fake_engine())


def entry(name: str, content: bytes, **more: Any) -> dict[str, Any]:
    """Describe a file as a manifest does."""
    return {"file": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), **more}


def write_bundle(folder: Path, **changes: Any) -> dict[str, Any]:
    """Write a bundle whose one model is no model, and give its manifest; ``changes`` replace keys of it."""
    vocabulary, model = VOCABULARY.to_bytes(), b"no model at all"
    manifest = {
        "format_version": 1,
        "name": "test",
        "labels": ["negative", "positive"],
        "preprocessing": Preprocessing(8, "pre").to_json(),
        "vocabulary": entry("vocab.txt", vocabulary),
        "models": [entry("model.float32.tflite", model, engine="tflite", recipe="float32")],
        **changes,
    }
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_bytes(vocabulary)
    (folder / "model.float32.tflite").write_bytes(model)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return manifest


def run(*args: str | bytes, stdin: bytes = b"", fake: bool = True, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a user would, in a process of its own.

    Args:
        args: Its arguments.
        stdin: What it reads.
        fake: Over the fake engine; else ``runtime/classify.py`` itself.
        more: Further arguments of ``subprocess.run``.
    """
    script = Path(__file__).with_name("fake_command.py") if fake else RUNTIME / "classify.py"
    command = [sys.executable, str(script), *args]
    if "stdin" not in more:
        more["input"] = stdin
    return subprocess.run(command, capture_output=True, timeout=120, check=False, **more)
