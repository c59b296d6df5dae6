"""A block as an array in a C header, for firmware without a file system."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from train.run_folder import RunError

# Bytes per line.
_BYTES = 24


def check_header(path: Path, bundle: Path) -> None:
    """Check the name of a header and its folder before long work is done for it.

    Raises:
        RunError: If the name is not that of a C header and of an array in it, there is no such folder, or it is that of
            the bundle.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*\.h", path.name):
        raise RunError(f"--header {path}: the name must be letters, digits and underscores, then .h, as in model.h")
    if not path.parent.is_dir():
        raise RunError(f"--header {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise RunError(f"--header {path}: this is a folder")
    if path.parent.resolve() == bundle.resolve():
        raise RunError(f"--header {path}: a bundle holds no headers: name another folder")


def write_header(path: Path, block: bytes, description: str) -> None:
    """Write a header that defines ``NAME_block`` and ``NAME_BLOCK_SIZE``, where NAME.h is the name of the file.

    The array is static, so that only files that use it contain it, and aligned for processors with caches. An existing
    file is replaced in one step.

    Args:
        path: The header.
        block: The content of the array.
        description: Which model it is, in one line.

    Raises:
        OSError: If it cannot be written.
    """
    name = path.stem
    guard, size = f"{name}_BLOCK_H".upper(), f"{name}_BLOCK_SIZE".upper()
    comment = description.encode("ascii", "backslashreplace").decode().replace("*/", "* /")
    rows = (",".join(map(str, block[start : start + _BYTES])) for start in range(0, len(block), _BYTES))
    lines = [
        f"/* {comment}. Made by python export/to_c.py; see edgetext.h. */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        f"#define {size} {len(block)}u",
        "",
        f"static const unsigned char {name}_block[{size}]",
        "#ifdef __GNUC__",
        "    __attribute__((aligned(16)))",
        "#endif",
        "    = {",
        *(f"{row}," for row in rows),
        "};",
        "",
        "#endif",
        "",
    ]
    target = path.resolve()
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=target.parent) as folder:
        new = Path(folder) / target.name
        new.write_text("\n".join(lines), encoding="ascii")
        new.replace(target)
