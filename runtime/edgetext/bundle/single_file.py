"""A single file: a ``.tflite`` or ``.onnx`` model that carries everything a bundle holds, and is opened as one.

Files exported by edgetext keep this in ``edgetext.json``, appended to a ``.tflite`` file, or in the ``metadata_props``
of an ``.onnx`` file. Another tool's ``.tflite`` file needs the metadata that MediaPipe's TextClassifier uses: a regular
expression, a vocabulary and labels. It is read as MediaPipe reads it, which does not lower-case; see
``edgetext.bundle.mediapipe_tokenizer``.

Everything is checked before a native library gets the file, because some crash on what is refused here. In edgetext's
files a SHA-256 covers the model and its record, and the zip's CRC-32 the files appended to a ``.tflite`` file, without
the zip's own headers and end. In another tool's only the appended files have a checksum, so damage to its model is not
detected.
"""

from __future__ import annotations

import os

from edgetext.bundle.files import sha256_of
from edgetext.bundle.manifest import MANIFEST, Manifest, describe_file
from edgetext.encoder import Encoder, Preprocessing
from edgetext.errors import BundleError
from edgetext.formats import Damage
from edgetext.formats.onnx import FLOAT32 as ONNX_FLOAT32
from edgetext.formats.onnx import INT32 as ONNX_INT32
from edgetext.formats.onnx import STRING, ONNXFile, has_right_checksum
from edgetext.formats.tflite import AXIS_LABELS, FLOAT32, INT32, REGEX_TOKENIZER, VOCABULARY_FILE, TFLiteFile
from edgetext.strict_json import parse_json
from edgetext.text import RESERVED
from edgetext.vocabulary import Vocabulary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from edgetext.formats.flatbuffer import Table

# The version of the record in edgetext's files; a manifest has its own.
FORMAT_VERSION = 1
# The file appended to a .tflite model, with what TensorFlow Lite's metadata has no place for.
RECORD = "edgetext.json"
# metadata_props of an .onnx model that hold JSON; the others hold plain text.
JSON_PROPERTIES = ("format_version", "labels", "preprocessing", "accuracy")

# The largest model file that is read without a manifest that says its size.
MAX_BYTES = 200_000_000


class SingleFile:
    """A model file on its own, as a bundle of one model; ``manifest`` is what a bundle's manifest would say."""

    __slots__ = ("_is_ours", "_path", "content", "encoder", "manifest")

    def __init__(self, path: str, content: bytes) -> None:
        """Read what the file at ``path`` says about itself.

        Raises:
            BundleError: If it is neither of the two kinds, does not carry what is needed, or is damaged.
        """
        self._path = path
        self.content = content
        try:
            if content[4:8] == b"TFL3":
                engine = "tflite"
                record, self.encoder = _read_tflite(path, content)
            elif path.lower().endswith(".onnx") or has_right_checksum(content):
                engine = "onnx"
                record, self.encoder = _read_onnx(content)
            elif content[:4] == b"ETX1":
                raise BundleError(f"{path}: a model for programs in C, not for Python; {_find_bundle(path)}")
            else:
                found = "it is neither a folder nor a .tflite or .onnx file"
                raise BundleError(f"no bundle at {path}: {found}; {_find_bundle(path)}")
        except (ValueError, RecursionError) as error:
            fix = ": copy the file again, or export it again" if isinstance(error, Damage) else ""
            raise BundleError(f"{path}: {error}{fix}") from None
        self._is_ours = "format_version" in record
        self.manifest = _make_manifest(path, content, record, engine, self.encoder)

    def verify(self) -> None:
        """Raise BundleError if it is another tool's file; checksums were compared when the file was read."""
        if not self._is_ours:
            raise BundleError(f"{self._path}: another tool's file, which has no checksum of its model")


def _find_bundle(path: str) -> str:
    """Return what to open instead of a file."""
    folder = os.path.dirname(path)
    return f"use its bundle, {folder}" if os.path.exists(os.path.join(folder, MANIFEST)) else propose_export(folder)


def propose_export(folder: str) -> str:
    """Return the command that writes a bundle, of the run in a folder if there is one."""
    from shlex import quote

    run = f" --run {quote(folder)}" if os.path.exists(os.path.join(folder, "model.keras")) else ""
    return f"python export/to_safetensors.py{run} writes a bundle"


def _make_manifest(path: str, content: bytes, record: dict[str, Any], engine: str, encoder: Encoder) -> Manifest:
    """Return what a bundle's manifest would say, from what the file says about itself."""
    name = os.path.basename(path)
    entry = describe_file(name if name.isprintable() else f"model.{engine}", content)
    model = {**entry, "engine": engine, "recipe": record.get("recipe", "unknown"), **_measured(record.get("accuracy"))}
    # The vocabulary is in the same file.
    own = {"preprocessing": encoder.preprocessing.to_json(), **record, "vocabulary": entry, "models": [model]}
    manifest = Manifest(own, path)
    if encoder.tokenizer is not None:
        manifest.record["preprocessing"] = encoder.tokenizer
    return manifest


def _read_tflite(path: str, content: bytes) -> tuple[dict[str, Any], Encoder]:
    """Read what a ``.tflite`` file says about itself, and how it encodes texts."""
    file = TFLiteFile(content)
    graph = next(file.metadata.tables(3), None)
    if graph is None:
        raise ValueError("the metadata describes no graph")
    inputs, outputs = list(graph.tables(2)), list(graph.tables(3))
    if [len(file.inputs), len(file.outputs), len(inputs), len(outputs)] != [1, 1, 1, 1]:
        raise ValueError(f"it has {len(file.inputs)} inputs and {len(file.outputs)} outputs, not one of each")
    ids, output = file.inputs[0], file.outputs[0]
    if ids.kind != INT32 or len(ids.shape) != 2 or ids.shape[1] < 1:
        raise ValueError("its input is not int32 of shape (batch, length)")
    content_of_labels = file.file(outputs[0].tables(6), AXIS_LABELS, "labels").decode("utf-8")
    labels = content_of_labels.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if output.kind != FLOAT32 or len(output.shape) != 2 or output.shape[1] != len(labels):
        raise ValueError(f"its output is not float32 of shape (batch, {len(labels)}), one for each label")
    # A file of edgetext's may have no tokenizer, because MediaPipe's would give other answers.
    needs_tokenizer = RECORD not in file.files or any(inputs[0].tables(4))
    tokenizer = _regex_tokenizer(inputs[0]) if needs_tokenizer else None
    named = inputs[0].tables(6) if tokenizer is None else tokenizer.tables(1)
    lines = _vocabulary_lines(file.file(named, VOCABULARY_FILE, "vocabulary"), file.vocabulary_size)
    if RECORD not in file.files and tokenizer is not None:
        if any(entry.text(0) == RECORD for entry in file.metadata.tables(6)):
            raise Damage(f"the metadata names {RECORD!r}, which is not in the file: it was damaged or changed")
        from edgetext.bundle.mediapipe_tokenizer import RegexEncoder

        name = file.metadata.text(0) or os.path.basename(path)
        encoder: Encoder = RegexEncoder(tokenizer.text(0), lines, ids.shape[1])
        return {"name": name, "labels": labels}, encoder
    record = _read_record(file, labels, content[: file.model_size])
    # The tokens come first, by id; the spellings with capitals that follow are only needed by MediaPipe.
    tokens = [word for number, (word, index) in enumerate(lines) if number == index]
    encoder = _encoder(tokens, record)
    if encoder.preprocessing.width != ids.shape[1]:
        raise ValueError(f"it takes {ids.shape[1]} ids, not {encoder.preprocessing.width}")
    return record, encoder


def _read_record(file: TFLiteFile, labels: list[str], model: bytes) -> dict[str, Any]:
    """Read the record that edgetext appended to a model, and compare the model and its labels with it."""
    record = _record(parse_json(file.files[RECORD]))
    if record["labels"] != labels:
        raise Damage("its labels are not those that it was exported with")
    if (len(model), sha256_of(model)) != (record.get("model_size"), record.get("model_sha256")):
        raise Damage("the model's checksum is not the one that it was exported with: it was damaged or changed")
    return record


def _regex_tokenizer(described: Table) -> Table:
    """Return the options of the input's regex tokenizer."""
    units = list(described.tables(4))
    if len(units) != 1 or units[0].integer(0, 1) != REGEX_TOKENIZER:
        raise ValueError("the metadata gives its input no regex tokenizer; others (BERT's) are not read")
    options = units[0].table(1)
    if options is None:
        raise ValueError("the metadata gives its tokenizer no options")
    return options


def _vocabulary_lines(content: bytes, size: int | None) -> list[tuple[str, int]]:
    """Read a vocabulary that has a word, one space and an id below ``size``, if that is known, on each line."""
    lines = []
    for number, line in enumerate(content.decode("utf-8").rstrip("\n").split("\n"), 1):
        word, _, index = line.partition(" ")
        if not word or "\t" in word or not (index.isascii() and index.isdigit()) or len(index) > 9:
            raise ValueError(f"line {number} of its vocabulary is not a word, one space and an id: {line[:60]!r}")
        if size is not None and int(index) >= size:
            raise ValueError(f"line {number} of its vocabulary has the id {index}, and the model knows {size}")
        lines.append((word, int(index)))
    return lines


def _read_onnx(content: bytes) -> tuple[dict[str, Any], Encoder]:
    """Read what an ``.onnx`` file says about itself, and how it encodes texts."""
    if not has_right_checksum(content):
        if b"format_version" in content:
            raise Damage("its checksum is not the one that it was exported with: it was damaged or changed")
        raise ValueError("it carries no edgetext metadata: copy it again, or export it: python export/to_onnx.py")
    file = ONNXFile(content)
    record: dict[str, Any] = dict(file.metadata)
    vocabulary = record.pop("vocabulary", None)
    for name in JSON_PROPERTIES:
        if name in record:
            record[name] = parse_json(record[name].encode("utf-8"))
    _record(record)
    ends = [(value.kind, len(value.shape)) for value in file.inputs], [value.kind for value in file.outputs]
    if ends == ([(STRING, 1)], [STRING, ONNX_FLOAT32]):
        tokens = list(RESERVED)
        for word, index in file.words:  # by id; what else the graph knows are other spellings, and its own marks
            if index == len(tokens):
                tokens.append(word)
    elif ends == ([(ONNX_INT32, 2)], [ONNX_FLOAT32]) and vocabulary is not None:
        tokens = vocabulary.split("\n")
    else:
        raise ValueError("its inputs and outputs are not those of an exported model: ids, or text, to probabilities")
    encoder = _encoder(tokens, record)
    if file.inputs[0].kind == ONNX_INT32 and file.inputs[0].shape[1] != encoder.preprocessing.width:
        raise ValueError(f"it takes {file.inputs[0].shape[1]} ids, not {encoder.preprocessing.width}")
    if file.outputs[-1].shape[1:] != [len(record["labels"])]:
        raise ValueError(f"its output is not of shape (batch, {len(record['labels'])}), one for each label")
    return record, encoder


def _record(record: Any) -> dict[str, Any]:
    """Check the record of one of edgetext's files, as far as ``Manifest`` does not."""
    if not isinstance(record, dict) or record.get("format_version") != FORMAT_VERSION:
        version = record.get("format_version") if isinstance(record, dict) else None
        raise ValueError(f"format_version is {version!r}, and this version of edgetext reads {FORMAT_VERSION}")
    if not isinstance(record.get("preprocessing"), dict):
        raise Damage("its record of the preprocessing is damaged")
    if not isinstance(record.get("labels"), list):
        raise Damage("its record of the labels is damaged")
    return record


def _encoder(tokens: list[str], record: dict[str, Any]) -> Encoder:
    preprocessing = Preprocessing.from_json(record["preprocessing"])
    return Encoder(Vocabulary(tokens, preprocessing.rules), preprocessing)


def _measured(accuracy: Any) -> dict[str, Any]:
    """Return the measured accuracy of a model in the form of a manifest."""
    try:
        held, keras = accuracy["heldout"], accuracy["keras_heldout"]
        agreement = {"accuracy": held["accuracy"], "keras_accuracy": keras["accuracy"], "texts": held["texts"]}
        return {"agreement": {**agreement, "fitted": held.get("fitted", False)}}
    except (TypeError, LookupError):
        return {}
