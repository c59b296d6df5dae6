"""The bundle's folder as far as no framework is needed: its files, and the run that it was exported from."""

from __future__ import annotations

from pathlib import Path

from edgetext import Bundle
from edgetext.bundle.manifest import MANIFEST
from train.atomic_folder import FolderKind
from train.run_folder import RunError, identify_run

VOCABULARY = "vocab.txt"
# The files of a bundle; a folder with any other file is not replaced.
BUNDLE_FOLDER = FolderKind(MANIFEST, VOCABULARY, optional="model.*")


def read_origin(bundle: Bundle) -> object:
    """Return the SHA-256 of the Keras model that a bundle was exported from; None if its manifest does not say."""
    run = bundle.manifest.get("run")
    return run.get("model_sha256") if isinstance(run, dict) else None


def check_origin(bundle: Bundle, run: Path) -> None:
    """Check that a bundle was exported from the run in a folder.

    Raises:
        RunError: If it was not, or there is no run.
    """
    if read_origin(bundle) != identify_run(run).model_sha256:
        raise RunError(
            f"{bundle.folder} was exported from another run than {run}: name its run with --run, or export again"
        )
