"""A bundle: a folder that holds everything needed to score text, and describes itself.

    manifest.json    the checksum of its rest, format version, name, labels, preprocessing, and the model files in order
                     of preference
    vocab.txt        the vocabulary, line n is the token with id n
    model.*.*        the model files

Nothing in a bundle is believed before it was checked: names that leave the folder, files that are missing, cut
short or changed, and formats of another version are refused, and an engine sees only bytes whose checksum held. What
is left for later is whether a vocabulary repeats a word: see ``StoredVocabulary``.
"""

from __future__ import annotations

import os
import stat

from edgetext.errors import BundleError
from edgetext.formats.safetensors import parse_json
from edgetext.text import RESERVED, UNKNOWN_ID, Encoder, Preprocessing, Vocabulary, from_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT_VERSION = 2
MANIFEST = "manifest.json"
# How a manifest begins, in 82 bytes: with the SHA-256 of all that follows, for what it says is believed. It is there
# against damage: who changes a bundle on purpose can write it anew. ``edgetext.bundle.manifest`` does.
HEAD = b'{\n  "sha256": "%b",\n'
HEAD_SIZE = 82

# The bundle that ships with the package.
DEFAULT_BUNDLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "default")

_FIRST_TOKENS = "".join(f"{token}\n" for token in RESERVED).encode()

# The largest manifest that is read; the shipped one has about 4 kB.
MAX_MANIFEST_BYTES = 1_000_000
# The largest other file, whatever a manifest says: what is read is held in memory.
MAX_FILE_BYTES = 1_000_000_000


class BundleFile:
    """One file of a bundle, as the manifest lists it.

    Attributes:
        file: Its name, without a folder.
        size: Its length in bytes.
        sha256: Its checksum, 64 lower-case hexadecimal digits.
    """

    __slots__ = ("file", "sha256", "size")

    def __init__(self, record: dict[str, Any], where: str) -> None:
        """Check and keep a record of the manifest; ``where`` names it in errors."""
        self.file: str = _field(record, "file", str, where)
        self.size: int = _field(record, "size", int, where)
        self.sha256: str = _field(record, "sha256", str, where)
        if os.path.basename(self.file) != self.file or self.file in ("", ".", "..") or not self.file.isprintable():
            raise BundleError(f"{where}: {self.file!r} is not a plain file name")


class ModelFile(BundleFile):
    """A model file: what it is, which engine runs it, and what was measured of it.

    Attributes:
        engine: The name of the engine that runs it, such as ``"tflite"``.
        recipe: How it was quantised, such as ``"dynamic_wi8_afp32"``.
        record: The whole entry of the manifest, with everything that export and benchmarks measured.
    """

    __slots__ = ("engine", "recipe", "record")

    def __init__(self, record: dict[str, Any], where: str) -> None:
        """Check and keep a record of the manifest; ``where`` names it in errors."""
        super().__init__(record, where)
        self.engine: str = _field(record, "engine", str, where)
        self.recipe: str = _field(record, "recipe", str, where)
        if not self.engine.isprintable() or not self.recipe.isprintable():
            raise BundleError(f"{where}: engine or recipe holds characters that cannot be printed")
        self.record = record


class Bundle:
    """An opened bundle: its manifest, checked; its files are read, and checked, when they are asked for.

    Attributes:
        folder: Where it lies.
        name: What it calls itself.
        labels: The classes, by the model's output index; two for a model with one sigmoid output.
        preprocessing: How text becomes rows of ids.
        models: The model files, most preferred first.
        manifest: The whole manifest, as it was read.
    """

    __slots__ = ("_vocabulary", "folder", "labels", "manifest", "models", "name", "preprocessing")

    def __init__(self, folder: str, manifest: dict[str, Any], where: str) -> None:
        """Check and keep a manifest, which ``where`` names in errors; ``Bundle.open`` is the way in."""
        self.folder = folder
        self.manifest = manifest
        self.name: str = _field(manifest, "name", str, where)
        self.labels: list[str] = _field(manifest, "labels", list, where)
        if len(self.labels) < 2 or not all(isinstance(label, str) for label in self.labels):
            raise BundleError(f"{where}: labels must be two or more strings")
        if not all(text.isprintable() for text in (self.name, *self.labels)):
            raise BundleError(f"{where}: the name or a label holds characters that cannot be printed")
        if len(set(self.labels)) != len(self.labels):
            raise BundleError(f"{where}: a label occurs twice")
        try:
            self.preprocessing = Preprocessing.from_json(_field(manifest, "preprocessing", dict, where))
        except ValueError as error:
            raise BundleError(f"{where}: {error}") from None
        self._vocabulary = BundleFile(_field(manifest, "vocabulary", dict, where), f"{where}: vocabulary")
        self.models: list[ModelFile] = []
        for index, record in enumerate(_field(manifest, "models", list, where)):
            if not isinstance(record, dict):
                raise BundleError(f"{where}: models[{index}] must be an object")
            self.models.append(ModelFile(record, f"{where}: models[{index}]"))

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None) -> Bundle:
        """Open a bundle's folder and check its manifest, or open a model file that carries all that a bundle holds.

        Args:
            path: The folder, or a ``.tflite`` or ``.onnx`` file (see ``edgetext.bundle.single_file``); None stands for
                the bundle that ships with the package.

        Raises:
            BundleError: There is no bundle, or its manifest is damaged or of another format version.
        """
        folder = DEFAULT_BUNDLE if path is None else os.fspath(path)
        where = os.path.join(folder, MANIFEST)
        try:
            content = read_file(where, MAX_MANIFEST_BYTES)
        except BundleError as error:
            from edgetext.bundle import manifest as manifests

            return manifests.open_other(folder, error)
        try:
            if content[:HEAD_SIZE] == HEAD % hash_of(content[HEAD_SIZE:]).encode():
                manifest = parse_json(content)
                if manifest.get("format_version") == FORMAT_VERSION:
                    return cls(folder, manifest, where)
        except (ValueError, RecursionError) as error:
            raise BundleError(f"{where}: not a manifest: {error}") from None
        from edgetext.bundle import manifest as manifests

        raise manifests.refusal(content, where)

    def where(self, entry: BundleFile) -> str:
        """Give the path of a file of the bundle, for errors."""
        return os.path.join(self.folder, entry.file)

    def read(self, entry: BundleFile) -> bytes:
        """Read a file of the bundle.

        Returns:
            Its bytes, whose length and checksum are those of the manifest.

        Raises:
            BundleError: It is missing, lies outside the bundle, or is not as the manifest says.
        """
        path = self.where(entry)
        content = read_file(path, min(entry.size, MAX_FILE_BYTES))
        if len(content) != entry.size:
            raise BundleError(f"{path}: {len(content)} bytes, and the manifest says {entry.size}: copy it again")
        if hash_of(content) != entry.sha256:
            raise BundleError(f"{path}: its checksum is not the manifest's: the file was damaged or changed")
        return content

    def encoder(self) -> Encoder:
        """Give what turns text into rows; the vocabulary is parsed when more than a few words are looked up.

        Raises:
            BundleError: As for ``read``; and later, if the vocabulary is none.
        """
        return Encoder(self.lazy_vocabulary(), self.preprocessing)

    def vocabulary(self) -> Vocabulary:
        """Read the vocabulary.

        Raises:
            BundleError: As for ``read``, or it is not a vocabulary.
        """
        vocabulary = self.lazy_vocabulary()
        vocabulary.parse()
        return vocabulary

    def lazy_vocabulary(self) -> StoredVocabulary:
        """Read the vocabulary, and parse it when more than a few words are looked up.

        Raises:
            BundleError: As for ``read``; and later, if it is not a vocabulary.
        """
        path = os.path.join(self.folder, self._vocabulary.file)
        return StoredVocabulary(self.read(self._vocabulary), path)


class StoredVocabulary(Vocabulary):
    """The vocabulary of a bundle, whose file is read, and parsed only when its ``tokens`` or ``table`` are asked for.

    A one-shot command looks up a few words, and searching the file takes from 1 us for the most frequent word to 0.3 ms
    for the rarest; parsing its 20,000 lines takes 8 ms, where starting Python takes 12.
    """

    __slots__ = ("_content", "_path", "_size")

    def __init__(self, content: bytes, path: str) -> None:
        """Take the content of the file at ``path``, which names it in errors.

        Raises:
            BundleError: It does not begin with the reserved tokens, or not end with a line's end.
        """
        if not content.startswith(_FIRST_TOKENS) or not content.endswith(b"\n"):
            raise BundleError(f"{path}: not a vocabulary: the first lines must be {' '.join(RESERVED)}")
        self._content = content
        self._path = path
        self._size: int | None = None

    def __len__(self) -> int:
        """Count the ids, reserved ones included."""
        return self._content.count(b"\n")

    def __getattr__(self, name: str) -> Any:
        """Parse the file for its ``tokens`` and ``table``; this is called for attributes that are not set yet."""
        if name not in ("tokens", "table"):
            raise AttributeError(name)
        self.parse()
        return getattr(self, name)

    def parse(self) -> None:
        """Parse and check the file.

        Raises:
            BundleError: It is not a vocabulary.
        """
        try:
            parsed = Vocabulary.from_bytes(self._content)
            if self._size is not None:
                parsed.expect(self._size)
        except ValueError as error:
            raise BundleError(f"{self._path}: {error}") from None
        self.tokens, self.table = parsed.tokens, parsed.table

    def expect(self, size: int) -> None:
        """Check that there are ``size`` ids, when the file is parsed: counting them costs as much as a module."""
        self._size = size

    def find(self, key: bytes) -> int:
        """Give the id of the word with this key, or ``UNKNOWN_ID``, without parsing the file; each call searches it."""
        place = self._content.find(b"\n%b\n" % from_key(key))
        line = self._content.count(b"\n", 0, place + 1)  # no text contains the token of line 0
        return line if line >= len(RESERVED) else UNKNOWN_ID


def hash_of(content: bytes) -> str:
    """Give the SHA-256 in hexadecimal digits.

    From Python's own C code: hashlib loads OpenSSL, which takes 1 ms longer for our files.
    """
    try:
        from _sha256 import sha256  # type: ignore[import-not-found]
    except ImportError:
        try:
            from _sha2 import sha256  # type: ignore[import-not-found]  # Python 3.12 and later
        except ImportError:
            from hashlib import sha256
    digest: str = sha256(content).hexdigest()
    return digest


def read_file(path: str, limit: int, *, inside: bool = True) -> bytes:
    """Read a file of at most ``limit`` bytes; one that is longer is not read, nor a link out of its folder followed."""
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            if inside and os.path.dirname(os.path.realpath(path)) != os.path.realpath(os.path.dirname(path)):
                raise BundleError(f"{path}: a link that leaves the bundle")
            status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(f"{path}: not a regular file")
        if status.st_size > limit:
            raise BundleError(f"{path}: longer than {limit} bytes")
        with open(path, "rb", buffering=0) as file:
            content = file.read(status.st_size)
            # Without a buffer a read may stop early, as when a signal comes.
            while len(content) < status.st_size and (more := file.read(status.st_size - len(content))):
                content += more
            return content
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from None


_NAMES = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}


def _field(record: dict[str, Any], key: str, kind: type, where: str) -> Any:
    """Take a value of a record, or say what is wrong with it."""
    value = record.get(key)
    if type(value) is not kind or (type(value) is int and value < 0):
        raise BundleError(f"{where}: {key} must be {_NAMES[kind]}")
    return value
