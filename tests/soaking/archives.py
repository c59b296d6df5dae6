"""Hostile and damaged archives and folders of movie reviews: refused, or read correctly.

``train.data`` reads them, as with ``--data``. For decompression bombs see ``bombs``.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from tests.soaking import Outcome, bombs, limits, outcome
from train.dataset import DataError
from train.reviews import archives, cache
from train.reviews.dataset import Review, load_split
from train.reviews.layout import SPLITS

REVIEWS = {
    f"aclImdb/{split}/{short}/{number}_{grade}.txt": f"A {short} film, number {number}, caf\u00e9.".encode()
    for split in ("train", "test")
    for short, grade in (("neg", 2), ("pos", 9))
    for number in range(8)
}
INSIDE = "aclImdb/test/pos/90_9.txt"
SECRET = b"a secret"
# The time limit, in seconds; an idle machine needs a small part of it.
SECONDS = 60


def pack(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """Write a tar archive."""
    with io.BytesIO() as target:
        with tarfile.open(fileobj=target, mode="w") as archive:
            for member, content in members:
                if content:
                    member.size = len(content)
                archive.addfile(member, io.BytesIO(content) if content else None)
        return target.getvalue()


def plain(contents: dict[str, bytes]) -> bytes:
    """Write a tar archive of plain files."""
    return pack((tarfile.TarInfo(name), content) for name, content in contents.items())


def _special(name: str, kind: bytes, target: str = "") -> bytes:
    """Write the reviews and one member of another type."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.devmajor, member.devminor = kind, target, 1, 5  # /dev/zero's numbers
    return pack([*((tarfile.TarInfo(name), content) for name, content in REVIEWS.items()), (member, b"")])


_INNER = plain({**REVIEWS, "aclImdb/test/urls_pos.txt": b"none\n"})


class Trial:
    """A folder in which sources are tried, with a cache and a file that must stay untouched."""

    def __init__(self, folder: Path) -> None:
        """Create the folder."""
        self.folder = folder
        self._cache = folder / "cache"
        self.secret = folder / "secret.txt"
        self.secret.write_bytes(SECRET)

    def archive(self, content: bytes) -> Path:
        """Write an archive."""
        path = self.folder / "source.tar.gz"
        path.write_bytes(content)
        return path

    def judge(self, source: Path) -> str:
        """Read a source; return what is wrong with the result, an empty string if it was refused or read correctly."""
        before = self._outside()
        try:
            with (
                limits.within(SECONDS),
                contextlib.redirect_stderr(io.StringIO()),
                mock.patch.dict(os.environ, {cache.CACHE_VARIABLE: str(self._cache)}),
            ):
                found = [review for split in SPLITS for review in load_split(split, source)]
            wrong = _wrong(found)
        except DataError as error:
            wrong = "" if str(source) in str(error) and "\n" not in str(error) else f"the message is {str(error)!r}"
            if self._cache.exists() and any(self._cache.iterdir()):
                wrong = "it was refused, and something is left in the cache"
        except (Exception, limits.TookTooLong) as error:
            wrong = f"{type(error).__name__}: {error}"
        if self._outside() != before or self.secret.read_bytes() != SECRET:
            wrong = "something was written outside the cache"
        shutil.rmtree(self._cache, ignore_errors=True)
        return wrong

    def _outside(self) -> list[tuple[str, int]]:
        found = (path for path in self.folder.rglob("*") if not path.is_relative_to(self._cache))
        return sorted((str(path), path.lstat().st_size) for path in found)


def _wrong(found: list[Review]) -> str:
    """Return whether reviews were read that the source does not have as plain files."""
    texts = {f"aclImdb/{review.id}": review.text.encode() for review in found}
    return "" if texts == REVIEWS else f"{len(set(texts.items()) ^ set(REVIEWS.items()))} reviews are others"


def _hostile(folder: Path) -> dict[str, bytes]:
    """Return tar archives with members that lead elsewhere or are not files, by description."""
    secret = str(folder / "secret.txt")
    names = [
        "../evil.txt",
        "../../aclImdb/train/pos/evil.txt",
        "aclImdb/train/pos/../../../evil.txt",
        "aclImdb/train/pos/..",
        "aclImdb//train/pos/evil.txt",
        f"{folder}/evil.txt",
        secret,
        "aclImdb/train/pos/deeper.txt/evil.txt",
        "aclImdb\\train\\pos\\evil.txt",
        "aclImdb/train/pos/" + "x" * 5000 + "/evil.txt",
    ]
    made = {f"the name {name[-40:]}": plain({**REVIEWS, name: b"evil"}) for name in names}
    kinds = {
        "a link": tarfile.SYMTYPE,
        "a hard link": tarfile.LNKTYPE,
        "a character device": tarfile.CHRTYPE,
        "a block device": tarfile.BLKTYPE,
        "a named pipe": tarfile.FIFOTYPE,
        "a folder": tarfile.DIRTYPE,
    }
    for what, kind in kinds.items():
        for target in (secret, "../../../../secret.txt", "/dev/zero", next(iter(REVIEWS))):
            made[f"{what} to {target}"] = _special(INSIDE, kind, target)
    made["an archive in it"] = plain({"aclImdb_v1.tar.gz": gzip.compress(plain(REVIEWS))})
    made["an archive as a review"] = plain({**REVIEWS, INSIDE: gzip.compress(plain(REVIEWS))})
    made["a chain of headers"] = _chain(3000) + plain(REVIEWS)
    made["a negative size"] = _with_size(b"\xff" * 12)
    made["an endless size"] = _with_size(b"\x80" + b"\x7f" * 11)
    return made


def _chain(length: int) -> bytes:
    """Write headers that each describe the next."""
    member = tarfile.TarInfo("pax")
    member.type, member.size = tarfile.XHDTYPE, 12
    return (member.tobuf(tarfile.USTAR_FORMAT) + b"12 path=abc\n".ljust(512, b"\0")) * length


def _with_size(size: bytes) -> bytes:
    """Write a member whose header has these bytes as its size."""
    header = bytearray(tarfile.TarInfo(INSIDE).tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + plain(REVIEWS)


def hostile(trial: Trial, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Try all hostile archives, intact ones and garbage; return what was tried and what is wrong."""
    for what, content in _hostile(trial.folder).items():
        yield what, trial.judge(trial.archive(gzip.compress(content)))
    for what, content in {
        "nothing": b"",
        "gzip of nothing": gzip.compress(b""),
        "random bytes": rng.randbytes(20_000),
        "gzip of random bytes": gzip.compress(rng.randbytes(20_000)),
        "gzip of gzip": gzip.compress(gzip.compress(plain(REVIEWS))),
        "tar without gzip": plain(REVIEWS),
        "two archives": gzip.compress(plain(REVIEWS)) * 2,
    }.items():
        yield what, trial.judge(trial.archive(content))


def damaged(trial: Trial, rng: random.Random, cuts: int, flips: int) -> Iterator[tuple[str, str]]:
    """Truncate an archive at ``cuts`` places, and flip ``flips`` of its bytes."""
    whole = gzip.compress(_INNER)
    for part in range(cuts):
        yield f"cut at {part}/{cuts}", trial.judge(trial.archive(whole[: len(whole) * part // cuts]))
    for _ in range(flips):
        place, mask = rng.randrange(len(whole)), rng.randrange(1, 256)
        content = whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1 :]
        yield f"byte {place} ^ {mask}", trial.judge(trial.archive(content))


def damaged_inside(trial: Trial, rng: random.Random, flips: int) -> Iterator[tuple[str, str]]:
    """Flip bytes before compression, where gzip's checksum cannot detect it: other reviews may be read."""
    for _ in range(flips):
        place, mask = rng.randrange(len(_INNER)), rng.randrange(1, 256)
        content = _INNER[:place] + bytes([_INNER[place] ^ mask]) + _INNER[place + 1 :]
        wrong = trial.judge(trial.archive(gzip.compress(content, 1)))
        yield f"byte {place} ^ {mask} inside", "" if re.fullmatch(r"\d+ reviews are others", wrong) else wrong


def folders(trial: Trial) -> Iterator[tuple[str, str]]:
    """Try folders with something else in place of a review or of a file of addresses."""
    huge = archives.MAX_UNPACKED_BYTES

    def hole(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(huge)

    makers: dict[str, Callable[[Path], Any]] = {
        "a named pipe": os.mkfifo,
        "a folder": Path.mkdir,
        "a link out of it": lambda path: path.symlink_to(trial.secret),
        "a link to a device": lambda path: path.symlink_to("/dev/zero"),
        "a link to nothing": lambda path: path.symlink_to("nothing"),
        "a link to itself": lambda path: path.symlink_to(path.name),
        "a huge file": hole,
        "a file that is not UTF-8": lambda path: path.write_bytes(b"\xff"),
    }
    for what, make in makers.items():
        for name in (INSIDE, "aclImdb/test/urls_pos.txt"):
            with tempfile.TemporaryDirectory(dir=trial.folder) as folder:
                for member, content in REVIEWS.items():
                    (Path(folder) / member).parent.mkdir(parents=True, exist_ok=True)
                    (Path(folder) / member).write_bytes(content)
                make(Path(folder) / name)
                yield f"{what} as {name}", trial.judge(Path(folder))
    pipe = trial.folder / "pipe"
    os.mkfifo(pipe)
    for source in (pipe, Path("/dev/zero")):
        yield f"{source} as the source", trial.judge(source)


def run(quick: bool, seed: int) -> Iterator[Outcome]:
    """Try the promises of this part; see ``tests.soaking``."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(Path(name))
        results = [*hostile(trial, rng), *folders(trial)]
        yield _summary(
            "Archives and folders with names that leave them, links, devices, pipes or garbage are refused, or read "
            "without those; nothing is written outside the cache",
            results,
            "hostile sources",
        )
        results = list(damaged(trial, rng, 16, 50) if quick else damaged(trial, rng, 64, 2000))
        yield _summary("Damaged archives are refused, or the same reviews are read", results, "damaged archives")
        results = list(damaged_inside(trial, rng, 50 if quick else 2000))
        promise = "Archives with damage that no checksum detects are read or refused"
        yield _summary(promise, results, "archives of damaged tar files")
        results, megabytes = bombs.defuse_all(trial.folder, quick)
        promise = f"Decompression bombs are refused, within {bombs.SECONDS} s and {bombs.MEGABYTES} MB"
        yield _summary(promise, results, "bombs", f"{megabytes:,.0f} MB at most", megabytes=megabytes)


def _summary(promise: str, results: list[tuple[str, str]], unit: str, measured: str = "", **figures: float) -> Outcome:
    failures = [f"{what}: {wrong}" for what, wrong in results if wrong]
    return outcome(promise, len(results), unit, failures, measured, **figures)
