"""How to use a bundle's files, for a model card: only what the bundle has."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from edgetext.keras_imdb import KERAS_IMDB
from export.card.markdown import quote


def describe_uses(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section on how to use the model; ``FOLDER`` stands for the bundle in it."""
    text = manifest["self_test"]["text"]
    yield "## How to use it"
    yield "In Python, with the package `edgetext`, which needs nothing else; `FOLDER` is the folder of this file:"
    yield _fence(
        "python",
        "from edgetext import Classifier",
        "",
        'classifier = Classifier.load("FOLDER")',
        f"prediction = classifier.classify({quote(text)})",
        "print(prediction.label, prediction.score)",
    )
    yield "On the command line, for arguments, lines, CSV or JSON lines:"
    yield _fence("sh", f"edgetext --model FOLDER {shlex.quote(text)}")
    missing = []
    for script, (found, describe) in _PROGRAMS.items():
        file = next((record["file"] for record in manifest["models"] if found(manifest, record)), None)
        if file is not None:
            yield from describe(file, text)
        else:
            missing.append(f"`{script}`")
    if missing:
        yield f"Files for other programs are added by edgetext's exporters: {', '.join(missing)}."


def _fence(language: str, *lines: str) -> str:
    return "\n".join([f"```{language}", *lines, "```"])


def _is_for_mediapipe(manifest: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    is_keras = manifest["preprocessing"]["tokenizer"] == KERAS_IMDB.name
    return record["engine"] == "tflite" and bool(record.get("tokenizer", {}).get("claimed", is_keras))


def _describe_mediapipe(file: str, text: str) -> Iterator[str]:
    yield "With MediaPipe (`pip install mediapipe`), without edgetext:"
    yield _fence(
        "python",
        "from mediapipe.tasks.python.text import TextClassifier",
        "",
        f'with TextClassifier.create_from_model_path("FOLDER/{file}") as classifier:',
        f"    print(classifier.classify({quote(text)}).classifications[0].categories)",
    )


def _describe_onnx(file: str, text: str) -> Iterator[str]:
    yield "With ONNX Runtime (`pip install onnxruntime`), without edgetext:"
    yield _fence(
        "python",
        "import numpy, onnxruntime",
        "",
        f'session = onnxruntime.InferenceSession("FOLDER/{file}")',
        f'print(session.run(None, {{"text": numpy.array([{quote(text)}], dtype=object)}}))',
    )


def _describe_c(file: str, text: str) -> Iterator[str]:
    yield "In C and on microcontrollers, with edgetext's `edgetext.c`, or its command, which `make c` builds:"
    yield _fence("sh", f"edgetext-c FOLDER/{file} {shlex.quote(text)}")
    yield "In a web page, with `edgetext.mjs` and `edgetext.wasm`, which `make web` builds:"
    yield _fence(
        "js",
        'import { Classifier } from "./edgetext.mjs";',
        "",
        f'const classifier = await Classifier.load("{file}");',
    )


# What adds files for other programs: which model file is one, and how to use it.
_PROGRAMS = {
    "to_tflite.py": (_is_for_mediapipe, _describe_mediapipe),
    "to_onnx.py --input text": (
        lambda _, record: (record["engine"], record["input"]) == ("onnx", "text"),
        _describe_onnx,
    ),
    "to_c.py": (lambda _, record: record["engine"] == "c", _describe_c),
}
