"""Put a finished folder in its place at one stroke; runs and bundles are both written with it.

A device never calls this. It lies here because this package is the only one that both writers import.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fnmatch
import os
import shutil
import tempfile
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_FDCWD = -100  # <fcntl.h>: paths are relative to the working directory
_RENAME_EXCHANGE = 2  # <linux/fs.h>: swap the two names atomically
_RANDOM_LETTERS = 8  # at the end of what tempfile.mkdtemp makes
_TEMPORARY = ".tmp-"  # how all temporary names of ours begin, benchmarks' too
_STALE_SECONDS = 24 * 60 * 60


class Kind:
    """What tells a folder of ours from anybody else's: it has all of some files, and no others than it may have.

    Attributes:
        required: The names that every folder of the kind has.
        optional: A pattern, as ``fnmatch`` has them, of further names that it may have.
    """

    __slots__ = ("optional", "required")

    def __init__(self, *required: str, optional: str = "") -> None:
        """Keep the names and the pattern."""
        self.required = frozenset(required)
        self.optional = optional

    def check(self, folder: str) -> None:
        """Check that nothing is lost but a folder of this kind if ``folder`` is replaced; a missing or empty one is.

        Raises:
            OSError: It is something else, or holds something else.
        """
        if not os.path.lexists(folder):
            return
        names = set(os.listdir(folder))
        if not names:
            return
        for name in sorted(self.required - names):
            raise FileExistsError(errno.EEXIST, f"it is there and has no {name}, so it is not replaced", folder)
        for name in sorted(names - self.required):
            if name.startswith(_TEMPORARY):  # a killed process left it
                continue
            if not fnmatch.fnmatchcase(name, self.optional) or os.path.isdir(os.path.join(folder, name)):
                raise FileExistsError(errno.EEXIST, f"it holds {name!r}, which would be lost: move that away", folder)


def check_replaceable(target: str | os.PathLike[str], kind: Kind, *, keep_previous: bool = False) -> None:
    """Check that a folder can be made or replaced, so that long work does not end in a refusal.

    Args:
        target: The folder; nothing is made yet, but for a moment to try whether it can be.
        kind: As for ``replacing``.
        keep_previous: As for ``replacing``.

    Raises:
        OSError: It cannot be made, or something that is not of the kind would be lost.
    """
    if os.path.islink(target) and not os.path.exists(target):
        raise FileExistsError(errno.EEXIST, "it is a link to nothing, so it is not replaced", os.fspath(target))
    target = os.path.realpath(target)
    kind.check(target)
    if keep_previous:
        kind.check(target + ".previous")
    parent = os.path.dirname(target)
    while not os.path.lexists(parent):
        parent = os.path.dirname(parent)
    try:
        os.rmdir(tempfile.mkdtemp(prefix=f"{_TEMPORARY}{os.path.basename(target)}-", dir=parent))
    except OSError as error:
        raise OSError(error.errno, error.strerror, parent) from None


@contextlib.contextmanager
def replacing(target: str | os.PathLike[str], kind: Kind, *, keep_previous: bool = False) -> Iterator[str]:
    """Give an empty folder to fill; when the block ends well it becomes ``target``, else it vanishes.

    On Linux the exchange is one system call, so that at every moment ``target`` is the old folder whole or the
    new one whole, even if the process is killed. Elsewhere there is a moment between two renames without it.

    Args:
        target: The folder to make or to replace; of a link, what it points to.
        kind: What folder may be replaced; anything else stays.
        keep_previous: Leave what was replaced beside it as ``<target>.previous`` (in place of an older one)
            instead of deleting it. It is there before it is replaced, so that a killed process loses nothing.

    Yields:
        The path of the empty folder, on the same file system as ``target``.

    Raises:
        OSError: The folder cannot be made or moved, or something that is not of the kind would be lost; all
            is then as it was.
    """
    check_replaceable(target, kind, keep_previous=keep_previous)
    target = os.path.realpath(target)
    parent, name = os.path.split(target)
    os.makedirs(parent, exist_ok=True)
    _sweep(parent, name)
    new = tempfile.mkdtemp(prefix=f"{_TEMPORARY}{name}-", dir=parent)
    previous = tempfile.mkdtemp(prefix=f"{_TEMPORARY}{name}-", dir=parent) if keep_previous else None
    try:
        os.chmod(new, 0o755)  # mkdtemp makes it private
        yield new
        if previous is not None and os.path.lexists(target):
            shutil.copytree(target, previous, dirs_exist_ok=True)
            put_in_place(previous, target + ".previous")
        put_in_place(new, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if previous is not None:
            shutil.rmtree(previous, ignore_errors=True)


def _sweep(parent: str, name: str) -> None:
    """Remove the temporary folders that killed processes left; those younger than a day may be in use."""
    prefix = f"{_TEMPORARY}{name}-"
    with os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and len(entry.name) == len(prefix) + _RANDOM_LETTERS:
                with contextlib.suppress(FileNotFoundError):  # another process is sweeping too
                    if entry.stat(follow_symlinks=False).st_mtime < time.time() - _STALE_SECONDS:
                        shutil.rmtree(entry.path, ignore_errors=True)


def put_in_place(new: str, target: str) -> None:
    """Move a folder to where another may be, which is then where the first was."""
    if os.path.lexists(target):
        exchange(new, target)
    else:
        os.rename(new, target)


def exchange(one: str, other: str) -> None:
    """Swap the names of two folders, in one step where the system can."""
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
