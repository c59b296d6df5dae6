"""TensorFlow Lite metadata: what MediaPipe's tasks read from a ``.tflite`` file.

The model's ``metadata`` names a buffer ``TFLITE_METADATA``, which holds another flatbuffer; the files that this one
names follow the model as a zip archive. The tables are defined in TensorFlow Lite's ``metadata_schema.fbs``, version
1.5.0. No package that the exporter needs anyway has classes for them, so they are written here field by field.

We write the regular expression that splits text into tokens, the vocabulary with other spellings, the labels, and
``edgetext.json``, from which ``edgetext`` reads the rest. A file that may not claim the tokenizer has neither
expression nor other spellings.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import flatbuffers
from tensorflow.lite.python import schema_py_generated as schema

from edgetext.bundle.single_file import RECORD
from export.converters.model_card import ModelCard
from train.encoding.expressions import find_delimiter
from train.run import Run
from train.run_folder import RunError

VOCABULARY = "vocab.txt"
LABELS = "labels.txt"

_MODEL_IDENTIFIER, _IDENTIFIER = b"TFL3", b"M001"
# The first version of the schema with RegexTokenizerOptions, the newest table used here.
_MIN_PARSER_VERSION = "1.2.1"
# Members of the schema's enums and unions.
_AXIS_LABELS, _VOCABULARY_FILE, _DESCRIPTIONS = 2, 5, 1
_FEATURE_PROPERTIES, _REGEX_TOKENIZER = 1, 6


def _write(builder: flatbuffers.Builder, value: Any) -> int:
    """Write a value after everything that it refers to, and return its offset.

    A dictionary is a table by the numbers of the schema's fields, a list a vector of tables, a tuple one of float32.
    """
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, dict):
        offsets = {field: _write(builder, item) for field, item in value.items() if not isinstance(item, int)}
        builder.StartObject(max(value, default=-1) + 1)
        for field, item in value.items():
            if field in offsets:
                builder.PrependUOffsetTRelativeSlot(field, offsets[field], 0)
            else:
                builder.PrependUint8Slot(field, item, 0)  # all enums and union tags used here are one byte
        return int(builder.EndObject())
    is_floats = isinstance(value, tuple)
    items = value if is_floats else [_write(builder, item) for item in value]
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        (builder.PrependFloat32 if is_floats else builder.PrependUOffsetTRelative)(item)
    return int(builder.EndVector())


def add_metadata(content: bytes, card: ModelCard) -> bytes:
    """Add metadata and associated files to a ``.tflite`` file that has none; a tokenizer only if it may claim one.

    Raises:
        RunError: If a token contains a character that MediaPipe does not accept in a vocabulary.
    """
    model, record = schema.ModelT.InitFromPackedBuf(content, 0), card.record()
    buffer = schema.BufferT()
    buffer.data = _metadata(card, record)
    entry = schema.MetadataT()
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or ()), entry]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=_MODEL_IDENTIFIER)
    packed = bytes(builder.Output())
    checked = {**record, "model_size": len(packed), "model_sha256": hashlib.sha256(packed).hexdigest()}
    files = {
        VOCABULARY: vocabulary_file(card.run, card.spellings),
        LABELS: "".join(f"{label}\n" for label in record["labels"]).encode("utf-8"),
        RECORD: (json.dumps(checked, ensure_ascii=False) + "\n").encode("utf-8"),
    }
    return packed + _zip(files, len(packed))


def _zip(files: dict[str, bytes], start: int) -> bytes:
    """Return an uncompressed zip archive that begins at byte ``start`` of a larger file; all dates are the same."""
    with io.BytesIO() as target:
        target.write(bytes(start))
        with zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as archive:  # MediaPipe refuses compressed members
            for name, data in files.items():
                archive.writestr(zipfile.ZipInfo(name), data)  # dated 1980, the first date of the format
        return target.getvalue()[start:]


def vocabulary_file(run: Run, spellings: Mapping[str, int]) -> bytes:
    """Return the vocabulary as MediaPipe reads it: a line ``token id`` for each token, then for each other spelling.

    MediaPipe never lower-cases, so ``Great`` and ``GREAT`` are listed with the id of ``great``.

    Raises:
        RunError: If a token is empty or contains a space, a tab or a newline, which would make MediaPipe abort.
    """
    lines = [*zip(run.tokens, range(len(run.tokens))), *spellings.items()]
    for token, _ in lines:
        if not token or set(token) & set(" \t\n"):
            raise RunError(f"{run.folder}: MediaPipe cannot read the token {token!r} from a vocabulary")
    return "".join(f"{token} {index}\n" for token, index in lines).encode("utf-8")


def _metadata(card: ModelCard, record: dict[str, Any]) -> bytes:
    """Return the metadata's flatbuffer; comments name the fields."""
    run = card.run
    length = run.preprocessing.max_length
    end = "last" if run.preprocessing.truncating == "pre" else "first"
    # The content properties of a tensor of plain values, neither images nor audio.
    features: dict[int, Any] = {0: _FEATURE_PROPERTIES, 1: {}}
    text = {
        0: "ids",  # name
        1: f"Ids of a text's words: <START>, then the {end} that fit into {length}, filled up with <PAD>.",
        3: features,  # content
        **_words(card),
    }
    probabilities = {
        0: "probabilities",
        1: "The probability of each label.",
        3: features,
        5: {0: (1.0,), 1: (0.0,)},  # stats: max, min
        6: [_file(LABELS, "The labels, in the order of the outputs.", _AXIS_LABELS)],  # associated_files
    }
    root = {
        0: record["name"],
        1: record["description"],
        2: record["version"],
        3: [{0: record["name"], 2: [text], 3: [probabilities]}],  # subgraph_metadata: name, inputs, outputs
        4: record["author"],
        5: record["license"],
        6: [_file(RECORD, "What edgetext reads: preprocessing, accuracy, checksum.", _DESCRIPTIONS)],
        7: _MIN_PARSER_VERSION,
    }
    builder = flatbuffers.Builder(4096)
    builder.Finish(_write(builder, root), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def _words(card: ModelCard) -> dict[int, Any]:
    """Return the fields of the input that name the vocabulary, with the tokenizer or without it."""
    if not card.claims_tokenizer:
        return {6: [_file(VOCABULARY, "Words and their ids.", _VOCABULARY_FILE)]}  # associated_files
    words = _file(VOCABULARY, "Words, cased spellings too, and their ids.", _VOCABULARY_FILE)
    tokenizer = {0: find_delimiter(card.run.preprocessing.rules), 1: [words]}
    return {4: [{0: _REGEX_TOKENIZER, 1: tokenizer}]}  # process_units


def _file(name: str, description: str, kind: int) -> dict[int, Any]:
    return {0: name, 1: description, 2: kind}
