"""The movie reviews: found or downloaded, parsed once, cached as JSON lines.

    python -m train.data --split test        # prints the path of the split's file, one review a line

A line is ``{"id": "test/pos/0_10.txt", "label": "positive", "text": "...", "movie": "tt0406816"}``; the label of an
unlabelled review, and a movie that the source does not tell, are null. Other stages read these files; they do not
import this module.

Source: the Large Movie Review Dataset v1.0 of Maas et al., "Learning Word Vectors for Sentiment Analysis", ACL 2011.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

try:
    import pooch
    from tqdm import tqdm
except ModuleNotFoundError as missing:  # every command of this stage comes by here first
    print(f"error: {missing.name} is not installed: pip install -e '.[train]'", file=sys.stderr)
    raise SystemExit(2) from None

from edgetext.command.main import OK
from train.atomic_folder import Kind, replacing
from train.command import finish
from train.sources import ADDRESSES, FOLDERS, archive_contents, folder_contents, folder_files
from train.sources import LABELS as LABELS
from train.sources import SPLITS as SPLITS
from train.sources import UNLABELLED as UNLABELLED
from train.sources import DataError as DataError

URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
URL_HASH = "md5:7c2ac02c03563afcf9b574c7e56c153a"
URL_SIZE = 84_125_825  # bytes
DATA_VARIABLE = "EDGETEXT_DATA"
CACHE_VARIABLE = "EDGETEXT_CACHE"

# Part of the cache's key: raise it when the parsed files change.
CACHE_VERSION = 2


class Review(NamedTuple):
    """A review.

    Attributes:
        id: Its name in the archive, below ``aclImdb/``.
        label: One of ``LABELS``; None for an unlabelled review.
        text: The review, as it was written.
        movie: The movie's number at imdb.com; None where the source does not tell.
    """

    id: str
    label: str | None
    text: str
    movie: str | None = None


def load_split(split: str, source: str | os.PathLike[str] | None = None) -> list[Review]:
    """Load one split of the reviews, in the order of their names.

    Args:
        split: One of ``SPLITS``. ``"unsup"`` has no reviews where the source has none.
        source: As for ``prepare``.

    Raises:
        DataError: As for ``prepare``.
    """
    with (prepare(source) / f"{split}.jsonl").open(encoding="utf-8") as file:
        return [Review(**json.loads(line)) for line in file]


def prepare(source: str | os.PathLike[str] | None = None) -> Path:
    """Parse the reviews unless that was done before, and give the folder with a ``.jsonl`` for each split.

    Args:
        source: The archive ``aclImdb_v1.tar.gz``, or the folder it unpacks to. None takes what $EDGETEXT_DATA
            names, else the archive is downloaded once into the cache folder.

    Raises:
        DataError: The source is missing, damaged or something else; there is no network; the disk is full.
    """
    named = source or os.environ.get(DATA_VARIABLE)
    path = Path(named).expanduser() if named else _download()
    try:
        parsed = cache_folder() / f"reviews-v{CACHE_VERSION}-{_fingerprint(path)}"
        if not parsed.is_dir():
            _parse(path, parsed)
    except OSError as error:
        raise DataError(f"{error.filename or cache_folder()}: {error.strerror or error}") from None
    return parsed


def cache_folder() -> Path:
    """Give the folder for downloads and parsed reviews: $EDGETEXT_CACHE, else the user's cache folder."""
    return Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("edgetext"))


def _download() -> Path:
    """Download the archive into the cache folder, unless it is there and whole."""
    mend = f"get it another way and name it with --data or ${DATA_VARIABLE}"
    try:
        pooch.get_logger().setLevel("WARNING")
        return Path(pooch.retrieve(URL, URL_HASH, URL.rpartition("/")[2], cache_folder(), downloader=_fetch))
    except ValueError:
        raise DataError(f"{URL}: what was downloaded has another checksum than the data set: {mend}") from None
    except OSError as error:  # requests' exceptions are OSErrors too
        reason = error.strerror or type(error).__name__
        raise DataError(f"{URL}: the download failed ({reason}): {mend}") from None


def _fetch(url: str, target: str, caller: Any) -> None:
    """Download a file with a bar, which shows on a terminal only, as all of ours do; pooch calls this if it must."""
    # pooch asks for the bar's truth, which tqdm refuses to a bar without a total.
    with tqdm(total=URL_SIZE, unit="B", unit_scale=True, desc="downloading", disable=None) as bar:
        pooch.HTTPDownloader(progressbar=bar, timeout=30)(url, target, caller)


def _fingerprint(path: Path) -> str:
    """Identify what is at ``path``: an archive by its bytes, a folder by its files' names, sizes and times."""
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
    """Read an archive or a folder, and write a ``.jsonl`` for each split into the folder ``target``."""
    contents: dict[str, bytes] = {}  # in UTF-8: as a str one odd character can make a text four times as large
    for name, content in folder_contents(path) if path.is_dir() else archive_contents(path):
        try:
            name.encode("utf-8")
            content.decode("utf-8")
        except UnicodeError:
            raise DataError(f"{path}: {name!r} is not UTF-8, or its name is not") from None
        contents[name] = content
    movies = {folder: _movies(contents.pop(file, b"").decode("utf-8")) for file, folder in ADDRESSES.items()}
    counts = Counter(name.rpartition("/")[0] for name in contents)
    if missing := [folder for folder, (_, label, _) in FOLDERS.items() if label is not None and not counts[folder]]:
        raise DataError(f"{path}: not the movie reviews: nothing in aclImdb/{missing[0]}/*.txt")
    for folder, (_, _, published) in FOLDERS.items():
        if counts[folder] != published:
            print(f"note: {path} has {counts[folder]} reviews in {folder}, not {published}", file=sys.stderr)
    with replacing(target, Kind(*(f"{split}.jsonl" for split in SPLITS))) as new, contextlib.ExitStack() as opened:
        files = {
            split: opened.enter_context((Path(new) / f"{split}.jsonl").open("w", encoding="utf-8")) for split in SPLITS
        }
        for name in sorted(contents):
            folder, _, file = name.rpartition("/")
            split, label, _ = FOLDERS[folder]
            movie = movies.get(folder, {}).get(file.partition("_")[0])
            review = Review(name, label, contents[name].decode("utf-8"), movie)
            files[split].write(json.dumps(review._asdict(), ensure_ascii=False) + "\n")


def _movies(addresses: str) -> dict[str, str]:
    """Read lines such as ``http://www.imdb.com/title/tt0406816/usercomments``: line number, from 0, to movie."""
    found = ((str(number), line.partition("/title/")[2]) for number, line in enumerate(addresses.splitlines()))
    return {number: rest.partition("/")[0] for number, rest in found if rest}


def add_argument(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Add the option that every command over the reviews has; ``more`` says what else it takes."""
    parser.add_argument(
        "--data",
        metavar="PATH",
        help=f"the archive aclImdb_v1.tar.gz or its unpacked folder (default: ${DATA_VARIABLE}, else downloaded){more}",
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command of the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m train.data",
        description="Find or download the movie reviews, parse them, and print the path of a split's JSON lines.",
    )
    add_argument(parser)
    parser.add_argument("--split", choices=SPLITS, default="test", help="which reviews (default: %(default)s)")
    args = parser.parse_args(argv)

    def work() -> int:
        print(prepare(args.data) / f"{args.split}.jsonl")
        return OK

    return finish(work, extra="train", interrupted="interrupted: nothing was written")


if __name__ == "__main__":
    sys.exit(main())
