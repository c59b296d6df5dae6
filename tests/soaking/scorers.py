"""The classifiers of the soak: the shipped bundle with each engine, and variants of it."""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from edgetext import Classifier
from edgetext.bundle import DEFAULT_BUNDLE
from edgetext.encoder import Encoder, Preprocessing
from edgetext.engines.builtin import BuiltinEngine
from edgetext.engines.safetensors import read_safetensors
from edgetext.keras_imdb import KerasIMDB
from edgetext.ngrams import Characters
from edgetext.text import RuleSet, Words
from tests.runtime.helpers import safetensors
from tests.soaking import ROOT, SoakError, last_line

BUILTIN, TFLITE, ONNX = "builtin", "tflite", "onnx"
ONNX_TEXT = "onnx from text"  # the ONNX file that takes text
ENGINES = (BUILTIN, TFLITE, ONNX, ONNX_TEXT)
# The builtin engine with other rule sets.
ALL_LETTERS, ANY_SCRIPT, ANY_SCRIPT_MARKS = "builtin, Unicode", "builtin, words-1", "builtin, words-1 with marks"
RULES: dict[str, RuleSet] = {
    ALL_LETTERS: KerasIMDB("unicode"),
    ANY_SCRIPT: Words(marks=False),
    ANY_SCRIPT_MARKS: Words(marks=True),
}
# The builtin engine and a model with character n-grams.
NGRAMS = "builtin, n-grams"
CHARACTERS = Characters(2, 5, 2**16, 512)
ALL = (*ENGINES, *RULES, NGRAMS)

# Make malloc return freed memory, so that it is not measured.
_STRICT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def load(name: str, exported: str = "") -> Classifier:
    """Load one of ``ALL``; ``exported`` is the result of ``text_bundle`` in another process.

    Raises:
        SoakError: The file that takes text cannot be exported.
        EdgetextError: An engine is not installed, or the shipped bundle is damaged.
    """
    if name == ONNX_TEXT:
        return Classifier.load(exported or text_bundle(), engine=ONNX)
    if name == NGRAMS:
        return _add_ngrams(Classifier.load(engine=BUILTIN))
    if name in RULES:
        usual = Classifier.load(engine=BUILTIN)
        kept = usual.encoder.preprocessing
        changed = Preprocessing(kept.max_length, kept.truncating, RULES[name])
        return Classifier(usual.labels, Encoder(usual.encoder.vocabulary, changed), usual.engine)
    return Classifier.load(engine=name)


def _add_ngrams(usual: Classifier) -> Classifier:
    """Return the shipped model with weights for n-grams, which are as large as weights can be."""
    kept = usual.encoder.preprocessing
    changed = Preprocessing(kept.max_length, kept.truncating, Words(marks=False), CHARACTERS)
    metadata, tensors = read_safetensors(next(Path(DEFAULT_BUNDLE).glob("*.safetensors")).read_bytes())
    content = {name: (tensor.dtype, list(tensor.shape), tensor.values()) for name, tensor in tensors.items()}
    weights = [127, -128] * (CHARACTERS.buckets // 2)
    content |= {"characters": ("I8", [1, len(weights)], weights), "characters.scale": ("F32", [1], [0.01])}
    model = safetensors({**metadata, "network": "characters"}, content)
    engine = BuiltinEngine(model, max_length=kept.max_length)
    return Classifier(usual.labels, Encoder(usual.encoder.vocabulary, changed), engine)


@functools.cache
def text_bundle() -> str:
    """Export the shipped run to the ONNX file that takes text, once per process; return the bundle's folder.

    Raises:
        SoakError: The export fails.
    """
    folder = tempfile.mkdtemp(prefix="edgetext-soak-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bundle = str(Path(folder, "bundle"))
    command = [sys.executable, "export/to_onnx.py", "--input", "text", "--out", bundle]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SoakError(f"export/to_onnx.py: {last_line(result.stderr)}")
    return bundle


def in_child(function: str, name: str, *arguments: Any) -> Any:
    """Call a function of this package, such as ``lengths.footprints``, in a separate process.

    Args:
        function: The module's name and its own.
        name: One of ``ALL``: the function's first argument is that classifier.
        arguments: The others.

    Returns:
        What it returns, through JSON.

    Raises:
        SoakError: It fails.
    """
    asked = json.dumps([function, name, text_bundle() if name == ONNX_TEXT else "", arguments])
    path = os.pathsep.join([str(ROOT), str(ROOT / "runtime")])
    result = subprocess.run(
        [sys.executable, "-c", "from tests.soaking import scorers; scorers.main()"],
        cwd=ROOT,
        env={**os.environ, **_STRICT, "PYTHONPATH": path},
        input=asked,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SoakError(f"{name}: {last_line(result.stderr) or f'exit code {result.returncode}'}")
    return json.loads(result.stdout)


def main() -> None:
    """Run the call that ``in_child`` requests."""
    function, name, exported, arguments = json.load(sys.stdin)
    module, _, function = function.partition(".")
    found = getattr(importlib.import_module(f"tests.soaking.{module}"), function)
    print(json.dumps(found(load(name, exported), *arguments)))
