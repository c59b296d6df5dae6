"""Reading files of a bundle within bounds, and comparing them with the sizes and checksums that its manifest lists.

A CRC-32 is compared each time that a file is read: it costs an eighth of a SHA-256, and detects all damage but
one random change in 2^32. The SHA-256 is compared where that does not matter; see ``edgetext.bundle``.
"""

from __future__ import annotations

import binascii  # its crc32 is zlib's, without the rest of zlib
import os
import stat

from edgetext.errors import BundleError

# The largest file that is read, apart from the manifest: it is held in memory as a whole.
MAX_FILE_BYTES = 1_000_000_000

COPY_AGAIN = "copy the bundle again, or remove it and export it again"


def read_file(path: str, limit: int, *, size: int | None = None, inside: bool = True) -> bytes:
    """Read a regular file.

    Args:
        path: Its path.
        limit: The most bytes that it may have.
        size: The bytes that it must have; None for any number.
        inside: Refuse a link that leads out of the file's folder.

    Raises:
        BundleError: If the file cannot be read, or is not one that may be read.
    """
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            if inside and os.path.dirname(os.path.realpath(path)) != os.path.realpath(os.path.dirname(path)):
                raise BundleError(f"{path}: a link that leaves the bundle: put the file itself there")
            status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(f"{path}: not a regular file: {COPY_AGAIN}")
        if size not in (None, status.st_size):
            raise BundleError(f"{path}: {status.st_size} bytes, and the manifest says {size}: {COPY_AGAIN}")
        if status.st_size > limit:
            raise BundleError(f"{path}: longer than {limit} bytes")
        with open(path, "rb", buffering=0) as file:
            content = file.read(status.st_size)
            # An unbuffered read may return early, for example when a signal arrives.
            while len(content) < status.st_size and (more := file.read(status.st_size - len(content))):
                content += more
            return content
    except FileNotFoundError as error:
        raise BundleError(f"{path}: {error.strerror}: {COPY_AGAIN}") from None
    except PermissionError as error:
        raise BundleError(f"{path}: {error.strerror}: let this user read it") from None
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from None


def check_file(path: str, content: bytes, crc32: str | None, sha256: str | None) -> None:
    """Compare the content of a file with what the manifest says.

    The SHA-256 is compared only if ``crc32`` is None: a manifest of version 2 has none. One of them is not None.

    Raises:
        BundleError: If it differs.
    """
    if crc32 is None:
        check_sha256(path, content, sha256)
    elif crc32_of(content) != crc32:
        raise _differs(path)


def check_sha256(path: str, content: bytes, expected: str | None) -> None:
    """Raise BundleError, which names the file, unless the SHA-256 of its content is the expected one."""
    if sha256_of(content) != expected:
        raise _differs(path)


def crc32_of(content: bytes) -> str:
    """Return the CRC-32 as 8 hexadecimal digits."""
    return f"{binascii.crc32(content):08x}"


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 as 64 hexadecimal digits."""
    import hashlib  # loads OpenSSL, which a one-shot command does not need

    return hashlib.sha256(content).hexdigest()


def _differs(path: str) -> BundleError:
    return BundleError(f"{path}: its checksum is not the manifest's: it was damaged or changed: {COPY_AGAIN}")
