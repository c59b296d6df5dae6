"""Reading the movie reviews from their archive or from the folder it unpacks to, neither of which is trusted.

An archive is read as a stream and never unpacked, so its names never become paths; links, devices and everything else
that is not a regular file are skipped. Limits keep a small file from taking all memory and time. In a folder, every
file must be a regular file inside that folder.
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

from train.dataset import DataError
from train.reviews.layout import ADDRESSES, FOLDERS

# The longest published review is 14 kB, a file of addresses 600 kB.
MAX_REVIEW_BYTES, MAX_ADDRESSES_BYTES = 1_000_000, 10_000_000
# The published archive has 100,016 members and unpacks to 216 MB.
MAX_MEMBERS, MAX_UNPACKED_BYTES = 250_000, 500_000_000
MAX_HEADER_BYTES = 100_000  # which tarfile may read at once to describe a member, such as a long name

# What reading a damaged archive can raise: gzip's and tarfile's own exceptions, and others that they pass on.
DAMAGE = (
    tarfile.TarError,
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    ValueError,
    LookupError,
    OverflowError,
    RecursionError,
)


class _Unpacked:
    """The decompressed archive, read forwards only and up to the limits: as much of a file as tarfile needs."""

    def __init__(self, file: gzip.GzipFile, path: Path) -> None:
        self._file = file
        self._path = path
        self._position = 0

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def read(self, size: int) -> bytes:
        """Read a header for tarfile, which trusts the sizes that it finds."""
        if size > MAX_HEADER_BYTES:
            raise DataError(f"{self._path}: the header of a member has more than {MAX_HEADER_BYTES:,} bytes")
        return self.take(size)

    def seek(self, position: int) -> None:
        """Skip forwards to ``position``."""
        if position < self._position:
            raise tarfile.ReadError("a member points backwards")
        while self._position < position and self.take(min(position - self._position, 1 << 20)):
            pass

    def take(self, size: int) -> bytes:
        """Read at most ``size`` bytes, whose number the caller has checked."""
        content = self._file.read(size)
        self._position += len(content)
        if self._position > MAX_UNPACKED_BYTES:
            raise DataError(
                f"{self._path}: it unpacks to more than {MAX_UNPACKED_BYTES:,} bytes: not the movie reviews"
            )
        return content


def archive_contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name below ``aclImdb/`` and the content of each review, and of each file of addresses, in the archive.

    Raises:
        DataError: If the archive is damaged, too large, or something else.
        OSError: If it cannot be read.
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
            while unpacked.take(1 << 20):  # to the end, where gzip's checksum is verified
                pass
    except DAMAGE as error:
        raise DataError(f"{path}: not a complete .tar.gz archive ({error}): download it again") from None


def _members(unpacked: _Unpacked, path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.TarFile(fileobj=unpacked) as archive:  # type: ignore[arg-type]  # it has the methods that are used
        for number, member in enumerate(archive):
            archive.members = []  # type: ignore[attr-defined]  # which would keep all members in memory
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
    """Return the name below ``aclImdb/`` of a file to read; None for everything else in the archive."""
    parts = [part for part in member.split("/") if part != "."]
    if parts[:1] == ["aclImdb"] and "/".join(parts[1:]) in ADDRESSES:
        return "/".join(parts[1:])
    if len(parts) == 4 and parts[0] == "aclImdb" and "/".join(parts[1:3]) in FOLDERS and parts[3].endswith(".txt"):
        return "/".join(parts[1:])
    return None


def folder_contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the same from a folder; see ``archive_contents``."""
    for name, file in tqdm(list(folder_files(path)), desc="parsing", leave=False, disable=None):
        yield name, file.read_bytes()


def folder_files(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files to read below ``path``, which is ``aclImdb`` itself or the folder it was unpacked in.

    Raises:
        DataError: If one is not a regular file inside that folder, or a limit is exceeded.
        OSError: If they cannot be listed.
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
