"""Fuzz the C library with models and texts, under AddressSanitizer and UndefinedBehaviorSanitizer; it needs clang.

python -m tests.fuzz.fuzz_library [OPTIONS OF LIBFUZZER] [CORPUS]
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgetext.formats.etx import LAYOUTS
from tests.c.programs import PROBE, MissingError, compile_here
from tests.soaking.library import small_models

SANITIZERS = ("-O1", "-g", "-DFUZZ", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined")
TEXTS = ["great movie, not the worst!", "\u96fb\u5f71 caf\u00e9 \U0001f600 :) it\u2019s", "a\0b \ud800 \xad"]


def seeds() -> Iterator[bytes]:
    """Yield small models of every kind, each behind a text, as the target in probe.c reads them."""
    for model in small_models(12):
        for layout in LAYOUTS:
            for text in TEXTS:
                content = text.encode("utf-8", "surrogatepass")
                yield len(content).to_bytes(2, "little") + b"\0" + content + model.block(layout)


def main() -> int:
    """Compile the target, write the seeds to the corpus, and fuzz."""
    for folder in filter(Path.is_dir, map(Path, sys.argv[1:])):
        for seed in seeds():
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    with tempfile.TemporaryDirectory() as name:
        try:
            target = compile_here(PROBE, Path(name) / "fuzz", *SANITIZERS, compilers=["clang"])
        except MissingError as error:
            print(f"skipped fuzzing the C library: {error}")
            return 0
        return subprocess.run([str(target), *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
