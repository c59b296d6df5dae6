"""The movie reviews in the cache folder: downloaded and parsed once, into one file of JSON lines per split.

A line is ``{"id": "test/pos/0_10.txt", "label": "positive", "text": "...", "movie": "tt0406816"}``. The label of an
unlabelled review is null, and so is a movie that the source does not name.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pooch
from tqdm import tqdm

from train.atomic_folder import FolderKind, replacing
from train.dataset import DataError
from train.reviews.archives import archive_contents, folder_contents, folder_files
from train.reviews.layout import ADDRESSES, DATA_VARIABLE, FOLDERS, SPLITS

URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
URL_HASH = "md5:7c2ac02c03563afcf9b574c7e56c153a"
URL_SIZE = 84_125_825  # bytes
CACHE_VARIABLE = "EDGETEXT_CACHE"
CACHE_VERSION = 2  # part of the cache's key: raise it when the parsed files change


def prepare(source: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder that holds a ``.jsonl`` file for each split, parsing the reviews if necessary.

    ``source`` is the archive ``aclImdb_v1.tar.gz`` or the folder it unpacks to. If None, $EDGETEXT_DATA names it, else
    the archive is downloaded once into the cache folder.

    Raises:
        DataError: If the source is missing, damaged or not the movie reviews, the download fails, or the disk is full.
    """
    if source is not None and not os.fspath(source):
        raise DataError("the path of the reviews is empty: name their archive or folder, or leave --data out")
    named = source or os.environ.get(DATA_VARIABLE)
    path = Path(named).expanduser() if named else download(cache_folder())
    try:
        parsed = cache_folder() / f"reviews-v{CACHE_VERSION}-{_fingerprint(path)}"
        if not parsed.is_dir():
            _parse(path, parsed)
    except OSError as error:
        raise DataError(f"{error.filename or cache_folder()}: {error.strerror or error}") from None
    return parsed


def has_reviews() -> bool:
    """Return whether ``prepare`` would find the reviews without downloading them."""
    return bool(os.environ.get(DATA_VARIABLE)) or (cache_folder() / URL.rpartition("/")[2]).is_file()


def cache_folder() -> Path:
    """Return the folder for downloads and parsed reviews: $EDGETEXT_CACHE, else the user's cache folder."""
    return Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("edgetext"))


def download(folder: Path) -> Path:
    """Return the path of the archive in ``folder``, downloading it unless a complete copy is already there.

    Raises:
        DataError: If the download fails or its checksum differs.
    """
    fix = f"download it by other means and pass it with --data or ${DATA_VARIABLE}"
    try:
        pooch.get_logger().setLevel("WARNING")
        return Path(pooch.retrieve(URL, URL_HASH, URL.rpartition("/")[2], folder, downloader=_fetch))
    except ValueError:
        raise DataError(f"{URL}: the downloaded file has the wrong checksum: {fix}") from None
    except OSError as error:  # requests' exceptions are OSErrors too
        reason = error.strerror or type(error).__name__
        raise DataError(f"{URL}: the download failed ({reason}): {fix}") from None


def _fetch(url: str, target: str, caller: Any) -> None:
    """Download a file with a progress bar, shown on a terminal only; called by pooch when necessary."""
    # pooch asks for the bar's truth value, which tqdm refuses to a bar without a total.
    with tqdm(total=URL_SIZE, unit="B", unit_scale=True, desc="downloading", disable=None) as bar:
        pooch.HTTPDownloader(progressbar=bar, timeout=30)(url, target, caller)


def _fingerprint(path: Path) -> str:
    """Identify an archive by its bytes, a folder by its files' names, sizes and modification times."""
    digest = hashlib.sha256()
    if path.is_dir():
        for name, file in folder_files(path):
            status = file.stat()
            digest.update(os.fsencode(f"{name} {status.st_size} {status.st_mtime_ns}\n"))
    elif path.is_file():
        with path.open("rb") as archive:
            while block := archive.read(1 << 20):
                digest.update(block)
    elif path.exists():
        raise DataError(f"{path}: neither a regular file nor a folder")
    else:
        raise DataError(f"no reviews at {path}: there is no such file or folder")
    return digest.hexdigest()[:16]


def _parse(path: Path, target: Path) -> None:
    """Read an archive or a folder, and write a ``.jsonl`` file for each split into the folder ``target``."""
    contents = _read(path)
    movies = {folder: _movies(contents.pop(file, b"").decode("utf-8")) for file, folder in ADDRESSES.items()}
    counts = Counter(name.rpartition("/")[0] for name in contents)
    if missing := [folder for folder, (_, label, _) in FOLDERS.items() if label is not None and not counts[folder]]:
        raise DataError(f"{path}: not the movie reviews: no files aclImdb/{missing[0]}/*.txt")
    for folder, (_, _, published) in FOLDERS.items():
        if counts[folder] != published:
            print(f"note: {path} has {counts[folder]} reviews in {folder}, not {published}", file=sys.stderr)
    with (
        replacing(target, FolderKind(*(f"{split}.jsonl" for split in SPLITS))) as new,
        contextlib.ExitStack() as opened,
    ):
        files = {
            split: opened.enter_context((Path(new) / f"{split}.jsonl").open("w", encoding="utf-8")) for split in SPLITS
        }
        for name in sorted(contents):
            folder, _, file = name.rpartition("/")
            split, label, _ = FOLDERS[folder]
            movie = movies.get(folder, {}).get(file.partition("_")[0])
            review = {"id": name, "label": label, "text": contents[name].decode("utf-8"), "movie": movie}
            files[split].write(json.dumps(review, ensure_ascii=False) + "\n")


def _read(path: Path) -> dict[str, bytes]:
    """Read all files by name, as UTF-8: in a str, one rare character can make a text four times as large."""
    contents: dict[str, bytes] = {}
    for name, content in folder_contents(path) if path.is_dir() else archive_contents(path):
        try:
            name.encode("utf-8")
            content.decode("utf-8")
        except UnicodeError:
            raise DataError(f"{path}: {name!r}: its name or its content is not UTF-8") from None
        contents[name] = content
    return contents


def _movies(addresses: str) -> dict[str, str]:
    """Read lines such as ``http://www.imdb.com/title/tt0406816/usercomments``: line number, from 0, to movie."""
    found = ((str(number), line.partition("/title/")[2]) for number, line in enumerate(addresses.splitlines()))
    return {number: rest.partition("/")[0] for number, rest in found if rest}
