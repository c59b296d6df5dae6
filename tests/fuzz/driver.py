"""How the fuzz targets are started."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris


def start(target: Callable[[bytes], None], seeds: Iterable[bytes]) -> None:
    """Fuzz with libFuzzer's options from the command line; the seeds are written to the corpus folder named there."""
    for folder in filter(Path.is_dir, map(Path, sys.argv[1:])):
        for seed in seeds:
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
