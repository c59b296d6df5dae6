"""Put a finished folder in its place at one stroke; runs and bundles are both written with it.

A device never calls this. It lies here because this package is the only one that both writers import.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_FDCWD = -100  # <fcntl.h>: paths are relative to the working directory
_RENAME_EXCHANGE = 2  # <linux/fs.h>: swap the two names atomically


def check_replaceable(target: str | os.PathLike[str], marker: str) -> None:
    """Check that a folder can be made or replaced, so that long work does not end in a refusal.

    Args:
        target: The folder; the folders above it are made.
        marker: As for ``replacing``.

    Raises:
        OSError: It cannot be made, or ``target`` is something else.
    """
    target = os.path.abspath(target)
    if os.path.lexists(target) and not os.path.exists(os.path.join(target, marker)):
        if not os.path.isdir(target) or os.listdir(target):
            raise FileExistsError(errno.EEXIST, f"it is there and has no {marker}, so it is not replaced", target)
    parent = os.path.dirname(target)
    os.makedirs(parent, exist_ok=True)
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), parent)


@contextlib.contextmanager
def replacing(target: str | os.PathLike[str], *, marker: str, keep_previous: bool = False) -> Iterator[str]:
    """Give an empty folder to fill; when the block ends well it becomes ``target``, else it vanishes.

    On Linux the exchange is one system call, so that at every moment ``target`` is the old folder whole or the
    new one whole, even if the process is killed. Elsewhere there is a moment between two renames without it.

    Args:
        target: The folder to make or to replace.
        marker: A file that every folder of this kind has; anything else at ``target`` is not replaced.
        keep_previous: Leave what was replaced beside it as ``<target>.previous`` (in place of an older one)
            instead of deleting it.

    Yields:
        The path of the empty folder, on the same file system as ``target``.

    Raises:
        OSError: The folder cannot be made or moved, or ``target`` is something else; it is then as it was.
    """
    target = os.path.abspath(target)
    parent, name = os.path.split(target)
    check_replaceable(target, marker)
    new = tempfile.mkdtemp(prefix=f".tmp-{name}-", dir=parent)
    os.chmod(new, 0o755)  # mkdtemp makes it private
    try:
        yield new
        if not os.path.lexists(target):
            os.rename(new, target)
            return
        _exchange(new, target)  # from here on `new` names what was replaced
        if keep_previous:
            shutil.rmtree(target + ".previous", ignore_errors=True)
            os.rename(new, target + ".previous")
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _exchange(one: str, other: str) -> None:
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux
        renameat2 = None
    if renameat2 is not None:
        if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
            return
    # The file system, or the system, has no exchange.
    aside = one + ".aside"
    os.rename(other, aside)
    os.rename(one, other)
    os.rename(aside, one)
