"""Downloading the archive of the movie reviews."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pooch
from tqdm import tqdm

from train.dataset import DataError
from train.reviews.layout import DATA_VARIABLE

URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
URL_HASH = "md5:7c2ac02c03563afcf9b574c7e56c153a"
URL_SIZE = 84_125_825  # bytes


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
