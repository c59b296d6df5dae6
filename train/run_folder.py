"""The run folder as far as no framework is needed: its files, and whether it is one; ``train.run`` reads the rest."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from edgetext.bundle import NGRAMS
from edgetext.errors import EdgetextError
from train.atomic_folder import FolderKind

# The run that ships with this checkout.
DEFAULT_RUN = Path(__file__).resolve().parent / "default"
# Version 1 counts texts as "reviews" in metrics.json, and names them in `*_reviews` of samples.npz.
FORMAT_VERSION = 2
READABLE_VERSIONS = (1, 2)
HELDOUT_TEXTS = "heldout_texts.jsonl"  # only in a run on a table
VALIDATION_FILE = "validation.npz"  # not in a run that held out no texts, nor in older ones
RUN_FOLDER = FolderKind(
    *("model.keras", "vocab.txt", "spellings.txt", "config.json"),
    *("history.json", "history.png", "metrics.json", "samples.npz"),
    find_optional=lambda _: (HELDOUT_TEXTS, VALIDATION_FILE, NGRAMS),
)


class RunError(EdgetextError):
    """A run folder is missing, damaged or of another format; the message is one line."""


class RunIdentity(NamedTuple):
    """What tells one run from another; a bundle records it."""

    config: Mapping[str, Any]
    model_sha256: str  # of model.keras

    def __str__(self) -> str:
        return f"{self.config['name']} (preset {self.config['preset']}, model {self.model_sha256[:12]})"


def read_config(folder: Path) -> dict[str, Any]:
    """Read a run's ``config.json``.

    Raises:
        RunError: If there is no run, or its configuration is damaged or of an unknown format version.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise RunError(f"no run at {folder}: {_find_fix(folder)}")
    try:
        config: dict[str, Any] = json.loads(path.read_text("utf-8"))
        version = config["format_version"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise RunError(f"{folder}: not a complete run: config.json: {error}") from None
    if version not in READABLE_VERSIONS:
        versions = " and ".join(map(str, READABLE_VERSIONS))
        raise RunError(f"{folder}: format_version is {version}; supported versions are {versions}")
    if missing := {"name", "preset", "labels", "preprocessing"} - set(config):
        raise RunError(f"{folder}: config.json has no {', '.join(sorted(missing))}")
    return config


def identify_run(folder: Path) -> RunIdentity:
    """Return the identity of a run.

    Raises:
        RunError: As for ``read_config``, or if there is no model.
    """
    config = read_config(folder)
    try:
        model = (folder / "model.keras").read_bytes()
    except OSError as error:
        raise RunError(f"{folder}: not a complete run: {error}") from None
    return RunIdentity(config, hashlib.sha256(model).hexdigest())


def _find_fix(folder: Path) -> str:
    if folder.exists():
        return "it has no config.json" if folder.is_dir() else "that is a file"
    if folder.resolve() == DEFAULT_RUN:
        return "python -m train writes one"
    return f"python -m train --data FILE --out {shlex.quote(str(folder))} writes one"
