"""Replacing a folder atomically, as runs and bundles are."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator

from train.temporary import naming_folder

_AT_FDCWD = -100  # <fcntl.h>: paths are relative to the working directory
_RENAME_EXCHANGE = 2  # <linux/fs.h>: swap the two names atomically
_RANDOM_LETTERS = 8  # at the end of the names of temporary folders, as in those that tempfile makes
_TEMPORARY = ".tmp-"  # the beginning of all temporary names of this project
_STALE_SECONDS = 24 * 60 * 60
_PROBE_BYTES = 1 << 16  # fewer than in any folder that is made here


class FolderKind:
    """The names of the files in folders of a kind, which distinguish them from the user's own folders.

    Every folder of the kind has the required names. It may also have those that ``find_optional`` returns for its path.
    """

    def __init__(self, *required: str, find_optional: Callable[[str], Collection[str]] = lambda _: ()) -> None:
        self.required = frozenset(required)
        self.find_optional = find_optional

    def check(self, folder: str) -> None:
        """Check that ``folder`` may be replaced: it is of this kind, empty or missing.

        Raises:
            OSError: If it is something else, or contains something else.
        """
        names = set(os.listdir(folder)) if os.path.lexists(folder) else set()
        if not names:
            return
        for name in sorted(self.required - names):
            raise FileExistsError(errno.EEXIST, f"it exists but has no {name}, so it is not replaced", folder)
        known = self.required.union(self.find_optional(folder))
        for name in sorted(names):
            if name not in known or os.path.isdir(os.path.join(folder, name)):
                raise FileExistsError(
                    errno.EEXIST, f"it contains {name!r}, which would be lost: move that away", folder
                )


def check_replaceable(target: str | os.PathLike[str], kind: FolderKind, *, keep_previous: bool = False) -> None:
    """Check that ``replacing`` can make or replace a folder, before long work is done for it.

    A temporary folder with a file is created next to it for a moment, to check that this is possible.

    Raises:
        OSError: If it cannot be made, or something that is not of the kind would be lost.
    """
    if os.path.islink(target) and not os.path.exists(target):
        raise FileExistsError(errno.EEXIST, "it is a link to nothing, so it is not replaced", os.fspath(target))
    target = os.path.realpath(target)
    kind.check(target)
    if keep_previous:
        if os.path.islink(previous := target + ".previous"):
            raise FileExistsError(errno.EEXIST, "it is a link, so it is not replaced: move it away", previous)
        kind.check(previous)
    parent = os.path.dirname(target)
    while not os.path.lexists(parent):
        parent = os.path.dirname(parent)
    try:
        with (
            tempfile.TemporaryDirectory(prefix=f"{_TEMPORARY}{os.path.basename(target)}-", dir=parent) as folder,
            open(os.path.join(folder, "probe"), "wb") as file,
        ):
            file.write(bytes(_PROBE_BYTES))
    except OSError as error:
        raise OSError(error.errno, f"cannot write to {parent}: {error.strerror}", target) from None


@contextlib.contextmanager
def replacing(target: str | os.PathLike[str], kind: FolderKind, *, keep_previous: bool = False) -> Iterator[str]:
    """Provide an empty folder to fill, which becomes ``target`` when the block ends without an error.

    The folder and its files get the permissions of those they replace; without any, those that the umask allows.

    On Linux the exchange is one system call, so that at every moment ``target`` is either the complete old folder or
    the complete new one, even if the process is killed. Elsewhere it is missing for a moment between two renames.

    A caller that decides by what is in ``target``, or keeps it, holds its lock: see ``train.folder_lock``.

    Args:
        target: The folder to make or to replace; if it is a link, what it points to.
        kind: The kind of folder that may be replaced.
        keep_previous: Keep the replaced folder, unless it is empty, as ``<target>.previous`` (in place of an older
            one). It is copied before it is replaced, so that a killed process loses nothing.

    Yields:
        The path of the empty folder, on the same file system as ``target``.

    Raises:
        OSError: If the folder cannot be made or moved, or something that is not of the kind would be lost; nothing is
            changed then.
    """
    check_replaceable(target, kind, keep_previous=keep_previous)
    target = os.path.realpath(target)
    parent, name = os.path.split(target)
    os.makedirs(parent, exist_ok=True)
    _sweep(parent, name)
    new = os.path.join(parent, f"{_TEMPORARY}{name}-{secrets.token_hex(_RANDOM_LETTERS // 2)}")
    os.mkdir(new, 0o700 if os.path.lexists(target) else 0o777)  # less the umask
    previous = tempfile.mkdtemp(prefix=f"{_TEMPORARY}{name}-", dir=parent) if keep_previous else None
    try:
        with naming_folder(target):
            yield new
            if os.path.lexists(target):
                _copy_permissions(target, new, kind)
            if previous is not None and os.path.lexists(target) and os.listdir(target):
                shutil.copytree(target, previous, dirs_exist_ok=True)
                put_in_place(previous, target + ".previous")
            put_in_place(new, target)
    finally:
        _remove(new)
        if previous is not None:
            _remove(previous)


def _copy_permissions(old: str, new: str, kind: FolderKind) -> None:
    """Copy the permissions of a folder and its files; files that the old one does not have get those of another."""
    if os.listdir(old):
        for name in os.listdir(new):
            known = name if os.path.exists(os.path.join(old, name)) else min(kind.required)
            shutil.copymode(os.path.join(old, known), os.path.join(new, name))
    shutil.copymode(old, new)


def _sweep(parent: str, name: str) -> None:
    """Remove temporary folders that killed processes left behind; those younger than a day may be in use."""
    prefix = f"{_TEMPORARY}{name}-"
    with os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and len(entry.name) == len(prefix) + _RANDOM_LETTERS:
                with contextlib.suppress(FileNotFoundError):  # another process is sweeping too
                    if entry.stat(follow_symlinks=False).st_mtime < time.time() - _STALE_SECONDS:
                        shutil.rmtree(entry.path, ignore_errors=True)


def _remove(folder: str) -> None:
    """Remove a folder if there is one, a read-only one too."""
    with contextlib.suppress(OSError):
        os.chmod(folder, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def put_in_place(new: str, target: str) -> None:
    """Move a folder to ``target``, exchanging it with one that is there."""
    if os.path.lexists(target):
        exchange(new, target)
    else:
        os.rename(new, target)


def exchange(one: str, other: str) -> None:
    """Swap the names of two folders, in one step where the system can."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # not Linux
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
        if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
            return
    # The file system, or the system, has no exchange.
    aside = one + ".aside"
    os.rename(other, aside)
    os.rename(one, other)
    os.rename(aside, one)
