r"""TensorFlow Lite's metadata: what MediaPipe's tasks, and other readers of lone ``.tflite`` files, go by.

A file with metadata is a TFLite model whose ``metadata`` names a buffer ``TFLITE_METADATA``, which holds a flatbuffer
of its own, followed by a zip of the files that this one names. The tables are those of TensorFlow Lite's
``metadata_schema.fbs``, version 1.5.0; no package that exports anyway ships classes for them, so they are written here
field by field, by their places in the schema.

Ours are: the input's regular expression that splits text into words, its vocabulary with the cased spellings, the
output's labels, and ``edgetext.json``, from which ``edgetext`` reads the rest.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import Any, NamedTuple

import flatbuffers
from tensorflow.lite.python import schema_py_generated as schema

from edgetext.bundle.single_file import RECORD
from export.card import Card, dump
from export.patterns import DELIMITER
from train.run import Run, RunError

VOCABULARY = "vocab.txt"
LABELS = "labels.txt"

_MODEL_IDENTIFIER, _IDENTIFIER = b"TFL3", b"M001"
# The first version of the schema that has all that is used here, which is what RegexTokenizerOptions came with.
_MIN_PARSER_VERSION = "1.2.1"
# Places in enums and unions of the schema.
_AXIS_LABELS, _VOCABULARY_FILE, _DESCRIPTIONS = 2, 5, 1
_FEATURE_PROPERTIES, _REGEX_TOKENIZER = 1, 6


class Table(NamedTuple):
    """A table to write: the value of each of its fields by the field's place in the schema."""

    fields: dict[int, Any]

    def write(self, builder: flatbuffers.Builder) -> int:
        """Write it, what it refers to first; give its offset."""
        offsets = {place: _write(builder, value) for place, value in self.fields.items() if not isinstance(value, int)}
        builder.StartObject(max(self.fields, default=-1) + 1)
        for place, value in self.fields.items():
            if place in offsets:
                builder.PrependUOffsetTRelativeSlot(place, offsets[place], 0)
            else:
                builder.PrependUint8Slot(place, value, 0)  # all enums and union tags in use are of one byte
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
    offsets = [_write(builder, one) for one in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def attach(content: bytes, card: Card) -> bytes:
    """Add metadata and associated files to a ``.tflite`` file without any.

    Args:
        content: The file: one input, ids of shape (batch, max_length), and one output, shape (batch, labels).
        card: What to tell.

    Returns:
        The file with metadata; the same bytes for the same arguments.

    Raises:
        RunError: The vocabulary cannot be written as MediaPipe reads it.
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
        RECORD: (dump(record) + "\n").encode("utf-8"),
    }
    return packed + _zip(files, len(packed))


def _zip(files: dict[str, bytes], start: int) -> bytes:
    """Pack files, stored and without a date, as a zip that begins at byte ``start`` of the file that holds it."""
    with io.BytesIO() as target:
        target.write(bytes(start))
        with zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as archive:  # MediaPipe refuses what is deflated
            for name, data in files.items():
                archive.writestr(zipfile.ZipInfo(name), data)  # of the date that zip begins with, 1980
        return target.getvalue()[start:]


def vocabulary_file(run: Run) -> bytes:
    """Give the vocabulary as MediaPipe reads it: ``word id`` a line; the tokens by their ids, then the cased spellings.

    MediaPipe never lower-cases, so ``Great`` and ``GREAT`` stand there with the id of ``great``.

    Raises:
        RunError: A token holds a space, a tab or a newline, on which MediaPipe would end the process.
    """
    lines = [*zip(run.tokens, range(len(run.tokens))), *run.spellings.items()]
    for token, _ in lines:
        if not token or set(token) & set(" \t\n"):
            raise RunError(f"{run.folder}: MediaPipe cannot read the token {token!r} from a vocabulary")
    return "".join(f"{token} {index}\n" for token, index in lines).encode("utf-8")


def _metadata(card: Card) -> bytes:
    """Give the flatbuffer of the metadata; comments name the fields as the schema does."""
    words = card.run.preprocessing.max_length
    end = "last" if card.run.preprocessing.truncating == "pre" else "first"
    tokenizer = Table(
        {0: DELIMITER, 1: [_file(VOCABULARY, "Words, cased spellings too, and their ids.", _VOCABULARY_FILE)]}
    )
    text = Table(
        {
            0: "ids",  # name
            1: f"Ids of a text's words: <START>, then the {end} that fit into {words}, filled up with <PAD>.",
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
    """Say that a tensor holds plain values, neither images nor sound."""
    return Table({0: _FEATURE_PROPERTIES, 1: Table({})})
