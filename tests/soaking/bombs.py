"""Decompression bombs, each read by a separate process whose memory is measured."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from tests.soaking import ROOT
from train.reviews.cache import CACHE_VARIABLE

# Limits; an idle machine needs a small part of either.
SECONDS, MEGABYTES = 120, 800
_BLOCK = 100_000_000
_REVIEW_BYTES = 999_936  # a multiple of tar's blocks

_CHILD = """
import sys
sys.path[:0] = [{root!r}, {root!r} + "/runtime"]
from train import data
code = data.main(["--data", sys.argv[1]])
print([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
sys.exit(code)
"""


def make(quick: bool) -> dict[str, Iterator[bytes]]:
    """Return the archives in pieces, by description; each piece is a gzip stream, as are all of them together."""
    count = 6 if quick else 100
    size = count * _BLOCK
    zeros = gzip.compress(bytes(_BLOCK), 1)
    members = gzip.compress(tarfile.TarInfo("empty").tobuf() * 10_000)

    def of_zeros(name: str, kind: bytes = tarfile.REGTYPE) -> Iterator[bytes]:
        member = tarfile.TarInfo(name)
        member.type, member.size = kind, size
        yield gzip.compress(member.tobuf(tarfile.GNU_FORMAT))
        yield from (zeros for _ in range(count))

    def reviews() -> Iterator[bytes]:
        content = gzip.compress(bytes(_REVIEW_BYTES), 1)
        for number in range(600):
            member = tarfile.TarInfo(f"aclImdb/train/unsup/{number:06}_0.txt")
            member.size = _REVIEW_BYTES
            yield gzip.compress(member.tobuf()) + content

    return {
        f"a review of {size:,} zeros": of_zeros("aclImdb/test/pos/90_9.txt"),
        f"another file of {size:,} zeros": of_zeros("aclImdb/zeros"),
        f"a header of {size:,} zeros": of_zeros("pax", tarfile.XHDTYPE),
        f"a name of {size:,} zeros": of_zeros("name", tarfile.GNUTYPE_LONGNAME),
        "2,000,000 members": (members for _ in range(200)),
        "600 reviews of 1 MB": reviews(),
    }


def defuse(path: Path, cache: Path) -> tuple[str, float]:
    """Read an archive in a separate process; return what is wrong, and the peak memory in megabytes."""
    command = [sys.executable, "-c", _CHILD.format(root=str(ROOT)), str(path)]
    environment = {**os.environ, CACHE_VARIABLE: str(cache)}
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", env=environment, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"took more than {SECONDS} s", 0.0
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    taken = re.search(r"VmHWM:\s*(\d+)", done.stdout)
    megabytes = int(taken[1]) / 1000 if taken else 0.0
    if done.returncode != 2 or len(lines) != 1 or not lines[0].startswith(f"error: {path}: "):
        return f"exit code {done.returncode}: {done.stderr[-300:]!r}", megabytes
    return f"{megabytes:,.0f} MB" if megabytes > MEGABYTES else "", megabytes


def defuse_all(folder: Path, quick: bool) -> tuple[list[tuple[str, str]], float]:
    """Read all archives; return each description with what is wrong, and the highest peak in megabytes."""
    results, most = [], 0.0
    for what, pieces in make(quick).items():
        path = folder / "bomb.tar.gz"
        with path.open("wb") as file:
            file.writelines(pieces)
        wrong, megabytes = defuse(path, folder / "bombs")
        results.append((what, wrong))
        most = max(most, megabytes)
    return results, most
