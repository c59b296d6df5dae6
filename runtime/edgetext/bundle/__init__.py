"""Bundles: folders with everything needed to score text, and single model files with the same content.

A bundle's folder holds:

    manifest.json    format version, name, labels, preprocessing, and the files with their sizes and checksums; see
                     ``edgetext.bundle.manifest``
    vocab.txt        the vocabulary; line n is the token with id n
    model.*.*        the model files
    ngrams.txt       pairs and triples of words, one per line: what a model cannot list, because it hashes them
    validation.json  what was measured on texts that were not fitted; see ``edgetext.validation``
    README.md        the model card, for people

The last three may be missing. ``ngrams.txt`` and ``validation.json`` are extra files, which are read when they are
asked for, not to score texts.

Nothing in a bundle is used before it is checked. Refused are names and links that leave the folder, files that are
missing, truncated or changed, and unknown format versions. Each file is read completely, and an engine gets the
bytes that were checked, never a path.
"""

from __future__ import annotations

import os

from edgetext.bundle.files import MAX_FILE_BYTES, check_file, check_sha256, read_file
from edgetext.bundle.manifest import MANIFEST, MAX_MANIFEST_BYTES, parse_manifest, verify_manifest
from edgetext.bundle.vocabulary import StoredVocabulary
from edgetext.encoder import Encoder
from edgetext.errors import BundleError
from edgetext.prediction import SHOWN, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from edgetext.bundle.manifest import BundleFile, ModelFile
    from edgetext.bundle.single_file import SingleFile
    from edgetext.vocabulary import Vocabulary

NGRAMS = "ngrams.txt"

# The bundle that ships with the package.
DEFAULT_BUNDLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "default")


class Bundle:
    """A bundle, to be opened with ``Bundle.open``. Its files are read, and checked, when they are needed.

    A copy made by ``copy.deepcopy`` or pickle holds the content of all files, so it works on another machine too.

    Attributes:
        folder: The absolute path of the folder, or of the single file.
        name: The bundle's name.
        labels: The labels, by the model's output index; two for a model with one sigmoid output.
        preprocessing: How a text becomes ids.
        models: The model files, most preferred first.
        extras: The files that scoring does not need.
        manifest: The whole manifest, as it was read.
    """

    def __init__(self, folder: str, contents: dict[str, bytes]) -> None:
        """Use ``contents``, bytes by name, which has the manifest or a single file; read all others in ``folder``.

        Raises:
            BundleError: If the manifest or the single file is damaged, or of an unknown format version.
        """
        self._single_file: SingleFile | None = None
        if MANIFEST in contents:
            manifest = parse_manifest(contents[MANIFEST], os.path.join(folder, MANIFEST))
        else:
            from edgetext.bundle.single_file import SingleFile

            [content] = contents.values()
            self._single_file = SingleFile(folder, content)
            manifest = self._single_file.manifest
        self._contents = contents
        self.folder = folder
        self.name = manifest.name
        self.labels = manifest.labels
        self.preprocessing = manifest.preprocessing
        self.models = manifest.models
        self.extras = [] if self._single_file else manifest.extras
        self.manifest = manifest.record
        self._vocabulary = manifest.vocabulary

    def __reduce__(self) -> tuple[Any, ...]:
        from edgetext.copying import rebuild_with

        read = {} if self._single_file else {entry.file: self.read(entry) for entry in self.files}
        return rebuild_with(type(self), self.folder, {**self._contents, **read})

    def __repr__(self) -> str:
        labels = shorten([repr(label) for label in self.labels[:SHOWN]], len(self.labels))
        models = shorten([repr(f"{model.recipe} ({model.engine})") for model in self.models], len(self.models))
        return f"Bundle({self.folder!r}, name={self.name!r}, labels=[{labels}], models=[{models}])"

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None) -> Bundle:
        """Open a bundle.

        Args:
            path: The bundle's folder or its manifest, or a ``.tflite`` or ``.onnx`` file that carries everything a
                bundle holds (see ``edgetext.bundle.single_file``); None opens the bundle that ships with the package.

        Raises:
            BundleError: If there is no bundle, or it is damaged or of an unknown format version.
        """
        if not (path is None or isinstance(path, (str, os.PathLike))):
            raise TypeError(f"the path of a bundle is a str or a path, not {type(path).__name__}")
        folder = DEFAULT_BUNDLE if path is None else os.fspath(path)
        if not folder or "\0" in folder:
            raise BundleError(f"no bundle at {folder!r}: an empty path, or one with a NUL, names no file or folder")
        where = os.path.join(folder, MANIFEST)
        try:
            content = read_file(where, MAX_MANIFEST_BYTES)
        except BundleError as error:
            missing = isinstance(error.__context__, (FileNotFoundError, NotADirectoryError))
            if not missing or os.path.lexists(where):
                raise
            if os.path.isdir(folder):
                from edgetext.bundle.single_file import propose_export

                raise BundleError(f"no bundle at {folder}: it has no {MANIFEST}; {propose_export(folder)}") from None
            if not os.path.exists(folder):
                raise BundleError(f"no bundle at {folder}: there is no such folder or file") from None
            if os.path.basename(folder) == MANIFEST:
                return cls.open(os.path.dirname(folder) or os.curdir)
            from edgetext.bundle.single_file import MAX_BYTES

            content = read_file(folder, MAX_BYTES, inside=False)
            return cls(_make_absolute(folder), {os.path.basename(folder): content})
        return cls(_make_absolute(folder), {MANIFEST: content})

    def path_of(self, entry: BundleFile) -> str:
        """Return the path of one of the bundle's files, for errors."""
        return self.folder if self._single_file else os.path.join(self.folder, entry.file)

    def read(self, entry: BundleFile) -> bytes:
        """Return the bytes of one of the bundle's files, whose size and checksum are those of the manifest.

        Raises:
            BundleError: If it is missing, lies outside the bundle, or differs from the manifest.
        """
        if self._single_file:
            return self._single_file.content
        path = self.path_of(entry)
        content = self._contents.get(entry.file)
        if content is None:
            content = read_file(path, MAX_FILE_BYTES, size=entry.size)
        check_file(path, content, entry.crc32, entry.sha256)
        return content

    def verify(self, *models: ModelFile) -> None:
        """Compare the SHA-256 of the manifest, the vocabulary and these models, or of all files; ``read`` does not.

        Raises:
            BundleError: If a file is damaged. A single model file is not looked at again: its checksums, if it has any,
                were compared when it was opened.
        """
        if not self._single_file:
            self.verify_manifest()
            for entry in (self._vocabulary, *models) if models else self.files:
                self.verify_file(entry)

    def verify_manifest(self) -> None:
        """Compare the manifest's own SHA-256; see ``verify``."""
        verify_manifest(self._contents[MANIFEST], os.path.join(self.folder, MANIFEST))

    def verify_file(self, entry: BundleFile) -> None:
        """Compare the SHA-256 of one of the ``files``, or the CRC-32 if it is an extra one.

        Raises:
            BundleError: If it differs, or if the file is another tool's, which has no SHA-256.
        """
        if self._single_file:
            self._single_file.verify()
        else:
            content = self.read(entry)
            if entry.sha256 is not None:
                check_sha256(self.path_of(entry), content, entry.sha256)

    @property
    def files(self) -> list[BundleFile]:
        """The entries of all files but the manifest."""
        return [*self.models] if self._single_file else [self._vocabulary, *self.models, *self.extras]

    def read_ngrams(self) -> list[str] | None:
        """Return the pairs and triples of words that ``Classifier.top_words`` looks at; None if they are not listed.

        Raises:
            BundleError: As for ``read``.
        """
        content = self.read_extra(NGRAMS)
        return None if content is None else content.decode("utf-8", "replace").split("\n")[:-1]

    def read_extra(self, name: str) -> bytes | None:
        """Return the bytes of one of the ``extras``; None if the bundle does not have it.

        Raises:
            BundleError: As for ``read``.
        """
        for entry in self.extras:
            if entry.file == name:
                return self.read(entry)
        return None

    def encoder(self) -> Encoder:
        """Return what turns text into ids; the vocabulary is parsed when more than a few words are looked up.

        Raises:
            BundleError: As for ``read``; and later, if the vocabulary is damaged in a way that only parsing detects.
        """
        if self._single_file:
            return self._single_file.encoder
        path = self.path_of(self._vocabulary)
        return Encoder(
            StoredVocabulary(self.read(self._vocabulary), path, self.preprocessing.rules), self.preprocessing
        )

    def vocabulary(self) -> Vocabulary:
        """Return the vocabulary; raise BundleError as ``read`` does, or if it is not a vocabulary."""
        return self.encoder().vocabulary


def _make_absolute(path: str) -> str:
    """Return a path that is still right when the program changes its folder; links in it are not resolved."""
    return path if os.path.isabs(path) else os.path.join(os.getcwd(), path)
