"""TensorFlow Lite metadata: what MediaPipe's tasks read from a ``.tflite`` file.

The model's ``metadata`` names a buffer ``TFLITE_METADATA``, which holds another flatbuffer; the files that this one
names follow the model as a zip archive. The tables are defined in TensorFlow Lite's ``metadata_schema.fbs``, version
1.5.0. No package that the exporter needs anyway has classes for them, so they are written here field by field.

We write the regular expression that splits text into tokens, the vocabulary with the cased spellings, the labels, and
``edgetext.json``, from which ``edgetext`` reads the rest.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import Any, NamedTuple

import flatbuffers
from tensorflow.lite.python import schema_py_generated as schema

from edgetext.bundle.single_file import RECORD
from export.converters.model_card import ModelCard, dump_json
from export.converters.token_patterns import DELIMITER
from train.run import Run, RunError

VOCABULARY = "vocab.txt"
LABELS = "labels.txt"

_MODEL_IDENTIFIER, _IDENTIFIER = b"TFL3", b"M001"
# The first version of the schema with RegexTokenizerOptions, the newest table used here.
_MIN_PARSER_VERSION = "1.2.1"
# Members of the schema's enums and unions.
_AXIS_LABELS, _VOCABULARY_FILE, _DESCRIPTIONS = 2, 5, 1
_FEATURE_PROPERTIES, _REGEX_TOKENIZER = 1, 6


class Table(NamedTuple):
    """A table to write: the values of its fields by the field's number in the schema."""

    fields: dict[int, Any]

    def write(self, builder: flatbuffers.Builder) -> int:
        """Write the table after everything that it refers to, and return its offset."""
        offsets = {field: _write(builder, value) for field, value in self.fields.items() if not isinstance(value, int)}
        builder.StartObject(max(self.fields, default=-1) + 1)
        for field, value in self.fields.items():
            if field in offsets:
                builder.PrependUOffsetTRelativeSlot(field, offsets[field], 0)
            else:
                builder.PrependUint8Slot(field, value, 0)  # all enums and union tags used here are one byte
        return int(builder.EndObject())


class Floats(NamedTuple):
    """A vector of float32 to write."""

    values: tuple[float, ...]


def _write(builder: flatbuffers.Builder, value: Any) -> int:
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, Table):
        return value.write(builder)
    if isinstance(value, Floats):
        builder.StartVector(4, len(value.values), 4)
        for number in reversed(value.values):
            builder.PrependFloat32(number)
        return int(builder.EndVector())
    offsets = [_write(builder, item) for item in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def add_metadata(content: bytes, card: ModelCard) -> bytes:
    """Add metadata and associated files to a ``.tflite`` file that has none.

    Args:
        content: The file, with one input, ids of shape (batch, max_length), and one output, shape (batch, labels).
        card: The description of the model.

    Returns:
        The file with metadata; the same bytes for equal arguments.

    Raises:
        RunError: If a token contains a character that MediaPipe does not accept in a vocabulary.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    buffer = schema.BufferT()
    buffer.data = _metadata(card)
    entry = schema.MetadataT()
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or ()), entry]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=_MODEL_IDENTIFIER)
    packed = bytes(builder.Output())
    record = {**card.record(), "model_size": len(packed), "model_sha256": hashlib.sha256(packed).hexdigest()}
    files = {
        VOCABULARY: vocabulary_file(card.run),
        LABELS: "".join(f"{label}\n" for label in card.labels).encode("utf-8"),
        RECORD: (dump_json(record) + "\n").encode("utf-8"),
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


def vocabulary_file(run: Run) -> bytes:
    """Return the vocabulary as MediaPipe reads it: a line ``token id`` for each token, then for each cased spelling.

    MediaPipe never lower-cases, so ``Great`` and ``GREAT`` are listed with the id of ``great``.

    Raises:
        RunError: If a token is empty or contains a space, a tab or a newline, which would make MediaPipe abort.
    """
    lines = [*zip(run.tokens, range(len(run.tokens))), *run.spellings.items()]
    for token, _ in lines:
        if not token or set(token) & set(" \t\n"):
            raise RunError(f"{run.folder}: MediaPipe cannot read the token {token!r} from a vocabulary")
    return "".join(f"{token} {index}\n" for token, index in lines).encode("utf-8")


def _metadata(card: ModelCard) -> bytes:
    """Return the metadata's flatbuffer; comments name the fields."""
    length = card.run.preprocessing.max_length
    end = "last" if card.run.preprocessing.truncating == "pre" else "first"
    tokenizer = Table(
        {0: DELIMITER, 1: [_file(VOCABULARY, "Words, cased spellings too, and their ids.", _VOCABULARY_FILE)]}
    )
    text = Table(
        {
            0: "ids",  # name
            1: f"Ids of a text's words: <START>, then the {end} that fit into {length}, filled up with <PAD>.",
            3: _features(),  # content
            4: [Table({0: _REGEX_TOKENIZER, 1: tokenizer})],  # process_units
        }
    )
    probabilities = Table(
        {
            0: "probabilities",
            1: "The probability of each label.",
            3: _features(),
            5: Table({0: Floats((1.0,)), 1: Floats((0.0,))}),  # stats: max, min
            6: [_file(LABELS, "The labels, in the order of the outputs.", _AXIS_LABELS)],  # associated_files
        }
    )
    root = Table(
        {
            0: card.name,
            1: card.description,
            2: card.version,
            3: [Table({0: card.name, 2: [text], 3: [probabilities]})],  # subgraph_metadata: name, inputs, outputs
            4: card.author,
            5: card.license,
            6: [_file(RECORD, "What edgetext reads: preprocessing, accuracy, checksum.", _DESCRIPTIONS)],
            7: _MIN_PARSER_VERSION,
        }
    )
    builder = flatbuffers.Builder(4096)
    builder.Finish(root.write(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def _file(name: str, description: str, kind: int) -> Table:
    return Table({0: name, 1: description, 2: kind})


def _features() -> Table:
    """Return the content properties of a tensor of plain values, neither images nor audio."""
    return Table({0: _FEATURE_PROPERTIES, 1: Table({})})
