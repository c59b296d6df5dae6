"""Where the movie reviews lie: their archive, or the folder that it unpacks to. Neither is trusted.

An archive is read as a stream and never unpacked, so its names never become paths; links, devices and what else is no
plain file are skipped. It is held to limits, so that a small file cannot take all memory and time. Of a folder every
file must be a plain one inside it.
"""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from edgetext.errors import EdgetextError

# The classes in the order of the model's outputs: output 1 is the probability of the second.
LABELS = ("negative", "positive")
UNLABELLED = "unsup"
SPLITS = ("train", "test", UNLABELLED)
# Folder in the archive: split, label, and how many reviews are published in it.
FOLDERS: dict[str, tuple[str, str | None, int]] = {
    **{
        f"{split}/{short}": (split, label, 12_500)
        for split in SPLITS[:2]
        for short, label in zip(("neg", "pos"), LABELS)
    },
    "train/unsup": (UNLABELLED, None, 50_000),
}
# Files in the archive whose line n is the address of the movie of review n of a folder.
ADDRESSES = {f"{split}/urls_{short}.txt": f"{split}/{short}" for split in SPLITS[:2] for short in ("neg", "pos")}
# The longest published review has 14 kB, and a file of addresses 600 kB.
MAX_REVIEW_BYTES, MAX_ADDRESSES_BYTES = 1_000_000, 10_000_000
# All that is published has 100,016 members, and unpacks to 216 MB.
MAX_MEMBERS, MAX_UNPACKED_BYTES = 250_000, 500_000_000
# What tarfile reads at once of what describes a member, such as a long name.
MAX_HEADER_BYTES = 100_000

# What reading a damaged archive can raise: gzip and tarfile have exceptions of their own, and hand on others.
_DAMAGE = (
    tarfile.TarError,
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    ValueError,
    LookupError,
    OverflowError,
    RecursionError,
)


class DataError(EdgetextError):
    """The reviews cannot be had; the message is one line that says why and what to do."""


class _Unpacked:
    """The bytes of an archive, forwards only and up to the limits; what tarfile needs of a file."""

    def __init__(self, file: gzip.GzipFile, path: Path) -> None:
        self._file = file
        self._path = path
        self._position = 0

    def tell(self) -> int:
        """Give the position."""
        return self._position

    def read(self, size: int) -> bytes:
        """Read for tarfile, which believes the sizes that it finds."""
        if size > MAX_HEADER_BYTES:
            raise DataError(f"{self._path}: the description of a member has more than {MAX_HEADER_BYTES:,} bytes")
        return self.take(size)

    def seek(self, position: int) -> None:
        """Go forwards."""
        if position < self._position:
            raise tarfile.ReadError("a member leads back")
        while self._position < position and self.take(min(position - self._position, 1 << 20)):
            pass

    def take(self, size: int) -> bytes:
        """Read what is known to be no longer than it may."""
        content = self._file.read(size)
        self._position += len(content)
        if self._position > MAX_UNPACKED_BYTES:
            raise DataError(
                f"{self._path}: it unpacks to more than {MAX_UNPACKED_BYTES:,} bytes: not the movie reviews"
            )
        return content


def archive_contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read the reviews out of the archive.

    Yields:
        A review's name below ``aclImdb/``, or that of a file of addresses, and its content.

    Raises:
        DataError: It is damaged, no such archive, or larger than any that is read.
        OSError: It cannot be read.
    """
    total = path.stat().st_size
    try:
        with (
            path.open("rb") as raw,
            tqdm.wrapattr(raw, "read", total=total, desc="parsing", leave=False, disable=None) as counted,
            gzip.GzipFile(fileobj=counted) as file,
        ):
            unpacked = _Unpacked(file, path)
            yield from _members(unpacked, path)
            while unpacked.take(1 << 20):  # to the end, where gzip's own checksum is tested
                pass
    except _DAMAGE as error:
        raise DataError(f"{path}: not a whole .tar.gz archive ({error}): download it again") from None


def _members(unpacked: _Unpacked, path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.TarFile(fileobj=unpacked) as archive:  # type: ignore[arg-type]  # it has what is needed
        for number, member in enumerate(archive):
            archive.members = []  # type: ignore[attr-defined]  # where all would stay in memory
            if number == MAX_MEMBERS:
                raise DataError(f"{path}: it has more than {MAX_MEMBERS:,} members: not the movie reviews")
            name = _review_name(member.name)
            if name is None or not member.isfile() or member.issparse():
                continue
            _check_size(name, member.size, path)
            unpacked.seek(member.offset_data)
            content = unpacked.take(member.size)
            if len(content) != member.size:
                raise tarfile.ReadError("unexpected end of data")
            yield name, content


def _check_size(name: str, size: int, path: Path) -> None:
    limit = MAX_ADDRESSES_BYTES if name in ADDRESSES else MAX_REVIEW_BYTES
    if size > limit:
        raise DataError(f"{path}: {name} is larger than {limit} bytes")


def _review_name(member: str) -> str | None:
    """Give the name below ``aclImdb/`` of a file to read; None for everything else in the archive."""
    parts = [part for part in member.split("/") if part != "."]
    if parts[:1] == ["aclImdb"] and "/".join(parts[1:]) in ADDRESSES:
        return "/".join(parts[1:])
    if len(parts) == 4 and parts[0] == "aclImdb" and "/".join(parts[1:3]) in FOLDERS and parts[3].endswith(".txt"):
        return "/".join(parts[1:])
    return None


def folder_contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Read the reviews out of a folder; as ``archive_contents``."""
    for name, file in tqdm(list(folder_files(path)), desc="parsing", leave=False, disable=None):
        yield name, file.read_bytes()


def folder_files(path: Path) -> Iterator[tuple[str, Path]]:
    """List the files to read below ``path``, which is ``aclImdb`` itself or the folder it was unpacked in.

    Raises:
        DataError: One is no plain file in that folder, or there is more than is read.
        OSError: They cannot be listed.
    """
    root = path / "aclImdb" if (path / "aclImdb").is_dir() else path
    inside = os.path.realpath(root)
    total = 0
    for number, (name, file) in enumerate(_listed(root)):
        status = file.lstat()
        if stat.S_ISLNK(status.st_mode):
            if not Path(os.path.realpath(file)).is_relative_to(inside):  # resolve() fails over links to themselves
                raise DataError(f"{file}: a link that leaves the folder: put what it points to in its place")
            status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{file}: not a regular file")
        _check_size(name, status.st_size, path)
        total += status.st_size
        if number == MAX_MEMBERS or total > MAX_UNPACKED_BYTES:
            limits = f"{MAX_MEMBERS:,} files or {MAX_UNPACKED_BYTES:,} bytes"
            raise DataError(f"{path}: it holds more than {limits}: not the movie reviews")
        yield name, file


def _listed(root: Path) -> Iterator[tuple[str, Path]]:
    for name in ADDRESSES:
        if (root / name).is_symlink() or (root / name).exists():
            yield name, root / name
    for folder in FOLDERS:
        for file in sorted((root / folder).glob("*.txt")):
            yield f"{folder}/{file.name}", file
