"""What the fuzz targets share: how each is started."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris


def start(target: Callable[[bytes], None], seeds: Iterable[bytes]) -> None:
    """Fuzz with libFuzzer's options from the command line; the folder that is named there gets the seeds as well."""
    for folder in filter(Path.is_dir, map(Path, sys.argv[1:])):
        for seed in seeds:
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
