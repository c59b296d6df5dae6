"""``--verify``: compare the SHA-256 of every file of a bundle, where loading compares sizes and CRC-32 only."""

from __future__ import annotations

import os

from edgetext.bundle import Bundle
from edgetext.bundle.manifest import MANIFEST
from edgetext.errors import BundleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from edgetext.bundle.manifest import BundleFile


def print_verification(path: str | os.PathLike[str] | None) -> bool:
    """Print a line for each file of a bundle: ``ok``, or what is wrong with it.

    Args:
        path: The bundle, or a single model file; None verifies the bundle that ships with the package.

    Returns:
        Whether all files are as the manifest lists them.

    Raises:
        BundleError: If the bundle cannot be opened.
    """
    bundle = Bundle.open(path)
    results = [_print_result(MANIFEST, bundle.verify_manifest)] if os.path.isdir(bundle.folder) else []
    results += [_print_result(entry.file, bundle.verify_file, entry) for entry in bundle.files]
    return all(results)


def _print_result(file: str, verify: Callable[..., None], *arguments: BundleFile) -> bool:
    try:
        verify(*arguments)
    except BundleError as error:
        print(f"{file}: FAILED: {error}")
        return False
    print(f"{file}: ok")
    return True
