"""Manifests: how they are written, and what there is, or what is wrong, where none can be read.

``edgetext.bundle.folder`` reads those that are whole, and imports this module only for the others.
"""

from __future__ import annotations

import os

from edgetext.bundle.folder import FORMAT_VERSION, HEAD, HEAD_SIZE, MANIFEST, Bundle, hash_of, read_file
from edgetext.errors import BundleError
from edgetext.formats.safetensors import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CHECKSUM = "sha256"
_ANEW = "remove the bundle and export it again"


def seal(manifest: dict[str, Any]) -> bytes:
    """Write a manifest: the content of its file, which begins with the checksum of the rest.

    Args:
        manifest: What it is to say; a checksum that it holds already is written anew.
    """
    lines = ",\n".join(f"  {_write(key)}: {_write(value)}" for key, value in manifest.items() if key != CHECKSUM)
    rest = f"{lines}\n}}\n".encode()
    return HEAD % hash_of(rest).encode() + rest


def _write(value: Any) -> str:
    """Write a value of a manifest: on one line, but for lists of objects, which have a line each.

    A device reads and hashes all of it at every start, so it has no more white space than people need.
    """
    from json import dumps

    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n{}\n  ]".format(",\n".join(f"    {dumps(item, ensure_ascii=False)}" for item in value))
    return dumps(value, ensure_ascii=False)


def open_other(folder: str, error: BundleError) -> Bundle:
    """Open a model file that carries all that a bundle holds.

    Args:
        folder: Its path, or that of a folder whose manifest cannot be read.
        error: Why it cannot.

    Raises:
        BundleError: It is no such file.
    """
    if os.path.isdir(folder):
        if os.path.lexists(os.path.join(folder, MANIFEST)):
            raise error
        raise BundleError(f"no bundle at {folder}: it has no {MANIFEST}; python export/to_safetensors.py writes one")
    if not os.path.exists(folder):
        raise BundleError(f"no bundle at {folder}: there is no such folder or file")
    from edgetext.bundle import single_file as single

    return single.open_single(folder, read_file(folder, single.MAX_BYTES, inside=False))


def refusal(content: bytes, where: str) -> BundleError:
    """Say why a manifest is refused whose checksum does not hold, or that is of another version.

    Args:
        content: Its bytes.
        where: Its path, for the error.
    """
    whole = content[:HEAD_SIZE] == HEAD % hash_of(content[HEAD_SIZE:]).encode()
    if not whole and content.startswith(HEAD.partition(b"%")[0]):
        return BundleError(f"{where}: its checksum does not hold, it was damaged or changed: copy it again, or {_ANEW}")
    try:
        manifest = parse_json(content)
    except (ValueError, RecursionError) as error:
        return BundleError(f"{where}: not a manifest: {error}: copy it again, or {_ANEW}")
    if not isinstance(manifest, dict):
        return BundleError(f"{where}: not a manifest: it must hold one object")
    version = manifest.get("format_version")
    if version == FORMAT_VERSION:
        return BundleError(f"{where}: it does not begin with its checksum, it was changed: {_ANEW}")
    mend = "take a newer edgetext" if type(version) is int and version > FORMAT_VERSION else _ANEW
    return BundleError(
        f"{where}: format_version is {version!r}, and this version of edgetext reads {FORMAT_VERSION}: {mend}"
    )
