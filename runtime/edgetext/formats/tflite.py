"""The description of a model in a ``.tflite`` file, read before any interpreter gets the file.

The tables and the indices of their fields are those of TensorFlow Lite's ``schema.fbs`` (version 3) and
``metadata_schema.fbs`` (version 1.5.0).
"""

from __future__ import annotations

import io
import zipfile
import zlib

from edgetext.formats import Damage
from edgetext.formats.flatbuffer import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Members of enums and unions of the schemas.
FLOAT32, INT32 = 0, 2
AXIS_LABELS, VOCABULARY_FILE = 2, 5
REGEX_TOKENIZER = 6
GATHER = 36

# More dimensions than any tensor that is read here has.
MAX_DIMENSIONS = 8
# The most bytes of all appended files together; those of the shipped model have 0.4 MB.
MAX_FILES_BYTES = 64_000_000


class Tensor:
    """A tensor of a model, as the file declares it in a ``Tensor`` table."""

    __slots__ = ("kind", "shape")

    def __init__(self, table: Table) -> None:
        self.kind = table.integer(1, 1)  # the member of the schema's TensorType
        # The signature if there is one, with -1 for a size that is not fixed, else the shape; only the first dimensions
        # of a longer one are needed.
        self.shape = table.numbers(7, MAX_DIMENSIONS) or table.numbers(0, MAX_DIMENSIONS)


class TFLiteFile:
    """An opened ``.tflite`` file.

    Attributes:
        inputs: The input tensors, at most two of them.
        outputs: The output tensors, at most two of them.
        vocabulary_size: The number of rows of the table that the input indexes; None if no such table was found.
        model_size: The size of the model without the appended files, in bytes.
        files: The appended files, by name.
        metadata: The root of the metadata.
    """

    def __init__(self, content: bytes) -> None:
        """Read a file; raise ValueError if it is no TFLite model, or its metadata is missing or damaged."""
        model = Table.root(content, b"TFL3")
        graph = next(model.tables(2), None)
        if graph is None:
            raise Damage("it has no graph")
        tensors = list(graph.tables(0))
        ends = [graph.numbers(1, 2), graph.numbers(2, 2)]
        if not all(0 <= index < len(tensors) for index in (*ends[0], *ends[1])):
            raise Damage("an input or output is not among its tensors")
        self.inputs, self.outputs = ([Tensor(tensors[index]) for index in indices] for indices in ends)
        self.vocabulary_size = _count_rows(model, graph, tensors, ends[0])
        buffers = [entry.integer(1, 4) for entry in model.tables(6) if entry.text(0) == "TFLITE_METADATA"]
        if len(buffers) != 1:
            raise ValueError("it carries no metadata: no tokenizer, vocabulary and labels")
        holders = list(model.tables(4))
        if buffers[0] >= len(holders):
            raise Damage("the metadata is not among its buffers")
        self.metadata = Table.root(holders[buffers[0]].data(0), b"M001")
        self.model_size, self.files = _unpack(content)

    def file(self, entries: Iterable[Table], kind: int, what: str) -> bytes:
        """Return the content of the one appended file of a kind among those that a part of the metadata names.

        Raises:
            ValueError: If none or several are named, or it is missing; ``what`` describes it.
        """
        names = [entry.text(0) for entry in entries if entry.integer(2, 1) == kind]
        if len(names) != 1:
            raise ValueError(f"the metadata names {len(names)} files of {what}, not one")
        if names[0] not in self.files:
            raise Damage(f"the metadata names {names[0]!r}, which is not in the file")
        return self.files[names[0]]


def _count_rows(model: Table, graph: Table, tensors: list[Table], inputs: list[int]) -> int | None:
    """Return the number of rows of the table that the input itself indexes."""
    # Files before schema 3a keep a small code in the deprecated field; the larger of the two is right.
    codes = [max(code.integer(0, 1), code.integer(3, 4)) for code in model.tables(1)]
    for operator in graph.tables(3):
        code, operands = operator.integer(0, 4), operator.numbers(1, 2)
        if code < len(codes) and codes[code] == GATHER and len(operands) == 2 and operands[1:] == inputs:
            if 0 <= operands[0] < len(tensors) and (shape := Tensor(tensors[operands[0]]).shape):
                return shape[0]
    return None


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Read a file up to the size that it declares; ``ZipFile.read`` first inflates a longer one, up to 2 GB."""
    with archive.open(member) as file:
        return file.read(member.file_size + 1)  # to its end, where its checksum is compared


def _unpack(content: bytes) -> tuple[int, dict[str, bytes]]:
    """Return where the files appended to a model begin, and their contents by name."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
                raise ValueError("the files behind the model are compressed in a way that is not read")
            if sum(member.file_size for member in members) > MAX_FILES_BYTES:
                raise ValueError(f"the files behind the model hold more than {MAX_FILES_BYTES:,} bytes")
            begin = min((member.header_offset for member in members), default=len(content))
            return begin, {member.filename: _read_member(archive, member) for member in members}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError, OverflowError) as error:
        raise Damage(f"the files behind the model cannot be read: {error}") from None
