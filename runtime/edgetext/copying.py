"""Copies of a classifier, by ``copy`` and every kind of pickle: its parts are built anew from plain values.

Copied as they are, some parts would fail or become wrong: an interpreter cannot be copied, and cloudpickle turns views
of signed weights into unsigned bytes. A checksum travels with the values, so that damage on the way is detected.
"""

from __future__ import annotations

import sys
from binascii import crc32

from edgetext.errors import BundleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def rebuild_with(build: Callable[..., Any], *arguments: Any, **settings: Any) -> tuple[Any, ...]:
    """Return what ``__reduce__`` returns for an object that ``build`` makes of plain values."""
    return _rebuild, (build, arguments, settings, checksum((arguments, settings)), _version())


def _rebuild(
    build: Callable[..., Any], arguments: tuple[Any, ...], settings: dict[str, Any], expected: int, version: str
) -> Any:
    if version != _version():
        both = f"edgetext {version}, and this is {_version()}"
        raise BundleError(f"this copy of a classifier or bundle was made by {both}: install the same version")
    check_copy((arguments, settings), expected)
    return build(*arguments, **settings)


def _version() -> str:
    """Return the version of the package, which is loaded; importing it here would be a cycle."""
    return str(sys.modules["edgetext"].__version__)


def check_copy(value: Any, expected: int) -> None:
    """Raise BundleError unless a value has the checksum that it had before it was copied."""
    if checksum(value) != expected:
        raise BundleError("this copy of a classifier or bundle was damaged on its way: copy it again")


def checksum(value: Any, start: int = 0) -> int:
    """Return the CRC-32 of numbers, strings and bytes, and of tuples, lists and dictionaries of such."""
    if isinstance(value, (tuple, list, dict)):
        for item in value.items() if isinstance(value, dict) else value:
            start = checksum(item, start)
        return start
    return crc32(value if isinstance(value, bytes) else repr(value).encode(), start)
