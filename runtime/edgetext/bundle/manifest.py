"""The manifest of a bundle: its format, how it is written, and how it is read.

A manifest of format version 3 is a JSON object that begins with two checksums, each of everything after its own line,
so that what the manifest says is checked before it is used:

    {
      "crc32": "8 hexadecimal digits",
      "sha256": "64 hexadecimal digits",
      "format_version": 3,
      ...

``name``, ``labels``, ``preprocessing``, ``vocabulary`` and ``models`` follow. The vocabulary and each model are entries
with ``file``, ``size``, ``crc32`` and ``sha256``; the models are listed in order of preference. ``extras``, which may
be missing, is an object with the CRC-32 of each file that scoring does not need. Version 2, which is still read, has
the SHA-256 only, in the manifest and in its entries, and counts ``reviews`` where version 3 counts ``texts``.

The checksums detect damage. They do not detect an attacker, who can compute them too.
"""

from __future__ import annotations

import os
from binascii import crc32

from edgetext.bundle.files import COPY_AGAIN, crc32_of, sha256_of
from edgetext.encoder import Preprocessing
from edgetext.errors import BundleError
from edgetext.strict_json import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MANIFEST = "manifest.json"
FORMAT_VERSION = 3
# The largest manifest that is read; the shipped one has about 4 kB.
MAX_MANIFEST_BYTES = 1_000_000

# The first line of version 3, up to the end of its checksum, and the lines with a SHA-256.
_CRC32_LINE = b'{\n  "crc32": "%08x",\n'
_CRC32_SIZE = len(_CRC32_LINE % 0)
_SHA256_LINE = b'  "sha256": "%b",\n'
_SHA256_SIZE = len(_SHA256_LINE % (b"0" * 64))
_VERSION_2_START, _VERSION_3_START = b'{\n  "sha256": "', b'{\n  "crc32": "'
_CHECKSUMS = ("crc32", "sha256")
_EXPORT_AGAIN = "remove the bundle and export it again"


class BundleFile:
    """One file of a bundle, as the manifest lists it.

    Attributes:
        file: Its name, without a folder.
        size: Its length in bytes; None for one of the ``extras``.
        crc32: Its CRC-32, 8 lower-case hexadecimal digits; None in a manifest of version 2.
        sha256: Its SHA-256, 64 lower-case hexadecimal digits; None for one of the ``extras``.
    """

    size: int | None
    sha256: str | None

    def __init__(self, record: dict[str, Any], where: str, version: int = FORMAT_VERSION) -> None:
        """Check an entry of the manifest; ``where`` names it in errors."""
        self.file: str = _take(record, "file", str, where)
        self.size = _take(record, "size", int, where)
        self.crc32: str | None = None if version == 2 else _take(record, "crc32", str, where)
        self.sha256 = _take(record, "sha256", str, where)
        if os.path.basename(self.file) != self.file or self.file in ("", ".", "..") or not self.file.isprintable():
            raise BundleError(f"{where}: {self.file!r} is not a plain file name")


class ModelFile(BundleFile):
    """A model file: what it is, which engine runs it, and what was measured of it.

    Attributes:
        engine: The name of the engine that runs it, such as ``"tflite"``.
        recipe: How it was quantised, such as ``"dynamic_wi8_afp32"``.
        record: The whole entry of the manifest, with everything that export and benchmarks measured.
    """

    size: int
    sha256: str

    def __init__(self, record: dict[str, Any], where: str, version: int = FORMAT_VERSION) -> None:
        super().__init__(record, where, version)
        self.engine: str = _take(record, "engine", str, where)
        self.recipe: str = _take(record, "recipe", str, where)
        if not self.engine.isprintable() or not self.recipe.isprintable():
            raise BundleError(f"{where}: engine or recipe holds characters that cannot be printed")
        self.record = record


class ExtraFile(BundleFile):
    """A file that scoring does not need."""

    def __init__(self, file: str, crc32: str, where: str) -> None:
        # A device reads the manifest at every start, so it says no more of such a file.
        super().__init__({"file": file, "size": 0, "crc32": crc32, "sha256": ""}, where)
        self.size = self.sha256 = None


class Manifest:
    """What a manifest says, checked; see ``Bundle``, where ``record`` is called ``manifest``."""

    def __init__(self, record: dict[str, Any], where: str, version: int = FORMAT_VERSION) -> None:
        """Raise BundleError, which begins with ``where``, if a value is missing or not allowed."""
        self.record = record
        self.name: str = _take(record, "name", str, where)
        self.labels: list[str] = _take(record, "labels", list, where)
        if len(self.labels) < 2 or not all(isinstance(label, str) for label in self.labels):
            raise BundleError(f"{where}: labels must be two or more strings")
        if not all(label.strip() for label in self.labels):
            raise BundleError(f"{where}: a label is empty")
        if not all(map(_fits_a_line, (self.name, *self.labels))):
            raise BundleError(f"{where}: the name or a label holds characters that cannot be printed")
        if len(set(self.labels)) != len(self.labels):
            raise BundleError(f"{where}: a label occurs twice")
        try:
            self.preprocessing = Preprocessing.from_json(_take(record, "preprocessing", dict, where))
        except ValueError as error:
            raise BundleError(f"{where}: {error}") from None
        self.vocabulary = BundleFile(_take(record, "vocabulary", dict, where), f"{where}: vocabulary", version)
        self.models: list[ModelFile] = []
        for index, entry in enumerate(_take(record, "models", list, where)):
            if not isinstance(entry, dict):
                raise BundleError(f"{where}: models[{index}] must be an object")
            self.models.append(ModelFile(entry, f"{where}: models[{index}]", version))
        extras = _take(record, "extras", dict, where) if "extras" in record else {}
        self.extras = [ExtraFile(name, crc32, f"{where}: extras") for name, crc32 in extras.items()]


def parse_manifest(content: bytes, where: str) -> Manifest:
    """Check a manifest's own checksum and parse it; ``where`` is its path, for errors.

    Raises:
        BundleError: If it is damaged, of an unknown format version, or says something that is not allowed.
    """
    rest = content[_CRC32_SIZE:]
    if content[:_CRC32_SIZE] == _CRC32_LINE % crc32(rest):
        version = FORMAT_VERSION
    elif content.startswith(_VERSION_2_START):
        rest = content[2 + _SHA256_SIZE :]
        if content[: 2 + _SHA256_SIZE] != b"{\n" + _sha256_line(rest):
            raise _damaged(where)
        version = 2
    else:
        if content.startswith(_VERSION_3_START):
            raise _damaged(where)
        raise _unknown_version(_parse(content, where), where)  # other versions may not begin with a checksum
    record = _parse(content, where)
    if record.get("format_version") != version:
        raise _unknown_version(record, where)
    return Manifest(record, where, version)


def write_manifest(manifest: dict[str, Any]) -> bytes:
    """Return the content of a manifest's file, which begins with its checksums; those in ``manifest`` are replaced."""
    lines = ",\n".join(f"  {_write(key)}: {_write(value)}" for key, value in manifest.items() if key not in _CHECKSUMS)
    rest = f"{lines}\n}}\n".encode()
    rest = _sha256_line(rest) + rest
    return _CRC32_LINE % crc32(rest) + rest


def describe_file(name: str, content: bytes) -> dict[str, Any]:
    """Return the entry of a file, to be completed for a model: file, size, crc32, sha256."""
    return {"file": name, "size": len(content), "crc32": crc32_of(content), "sha256": sha256_of(content)}


def verify_manifest(content: bytes, where: str) -> None:
    """Check a manifest as ``parse_manifest`` does, and its SHA-256 too."""
    parse_manifest(content, where)
    end = _CRC32_SIZE + _SHA256_SIZE
    if content.startswith(_VERSION_3_START) and content[_CRC32_SIZE:end] != _sha256_line(content[end:]):
        raise _damaged(where)


def _sha256_line(rest: bytes) -> bytes:
    return _SHA256_LINE % sha256_of(rest).encode()


def _write(value: Any) -> str:
    """Write a value on one line, or a list of objects with a line for each.

    A device reads all of the manifest at every start, so it has no more white space than people need.
    """
    from json import dumps

    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n{}\n  ]".format(",\n".join(f"    {dumps(item, ensure_ascii=False)}" for item in value))
    return dumps(value, ensure_ascii=False)


def _parse(content: bytes, where: str) -> dict[str, Any]:
    try:
        record = parse_json(content)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{where}: not a manifest: {error}: {COPY_AGAIN}") from None
    if not isinstance(record, dict):
        raise BundleError(f"{where}: not a manifest: it must hold one object")
    return record


def _damaged(where: str) -> BundleError:
    return BundleError(f"{where}: its checksum does not hold, it was damaged or changed: {COPY_AGAIN}")


def _unknown_version(record: dict[str, Any], where: str) -> BundleError:
    version = record.get("format_version")
    if type(version) is int and version in (2, FORMAT_VERSION):
        return BundleError(f"{where}: it does not begin with its checksum, it was changed: {_EXPORT_AGAIN}")
    fix = "use a newer edgetext" if type(version) is int and version > FORMAT_VERSION else _EXPORT_AGAIN
    return BundleError(
        f"{where}: format_version is {version!r}, and this version of edgetext reads 2 and {FORMAT_VERSION}: {fix}"
    )


def _fits_a_line(text: str) -> bool:
    """Return whether a text can be written on one line: it may have joiners and other characters without a shape."""
    return text.isprintable() or not any(
        char < " " or "\x7f" <= char < "\xa0" or char in "\u2028\u2029" or "\ud800" <= char < "\ue000" for char in text
    )


_NAMES = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}


def _take(record: dict[str, Any], key: str, kind: type, where: str) -> Any:
    value = record.get(key)
    if type(value) is not kind or (type(value) is int and value < 0):
        raise BundleError(f"{where}: {key} must be {_NAMES[kind]}")
    return value
