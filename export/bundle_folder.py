"""The bundle's folder as far as no framework is needed: its files, and the run that it was exported from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from edgetext import Bundle, BundleError
from edgetext.bundle.manifest import MANIFEST
from train.atomic_folder import FolderKind, check_replaceable
from train.run_folder import RunError, RunIdentity, identify_run

VOCABULARY = "vocab.txt"
README = "README.md"  # the model card, for people and model hubs
# What becomes of a bundle of another run: it is not replaced, it is kept as NAME.previous, or it is dropped.
OtherRun = Literal["refuse", "keep", "drop"]


def _list_optional(folder: str) -> list[str]:
    """Return the names of the model card and of the files in the manifest, none if it is damaged."""
    try:
        return [README, *(entry.file for entry in Bundle.open(folder).files)]
    except BundleError:
        return [README]


# The files of a bundle; a folder with any other file is not replaced.
BUNDLE_FOLDER = FolderKind(MANIFEST, VOCABULARY, find_optional=_list_optional)


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


def open_existing(out: Path, run: RunIdentity, other_run: OtherRun) -> tuple[Bundle | None, Bundle | None]:
    """Open the bundle in the folder to write, if there is one, and verify its manifest.

    Returns:
        The bundle if it was exported from ``run``, to add to it; the bundle if it was not, to replace it. At least one
        is None.

    Raises:
        edgetext.BundleError: If the manifest is damaged.
        RunError: If the bundle was exported from another run and is not to be replaced.
    """
    if not (out / MANIFEST).exists():
        return None, None
    bundle = Bundle.open(out)
    bundle.verify_manifest()
    # Runs with other labels may have the same model; the files that were exported before contain the old ones.
    changed = [name for name in ("labels", "preprocessing") if bundle.manifest[name] != run.config[name]]
    is_same_model = read_origin(bundle) == run.model_sha256
    if is_same_model and not changed:
        return bundle, None
    if other_run == "refuse":
        difference = f"with other {' and '.join(changed)} than" if is_same_model else "not from"
        fix = "name another folder with --out, or add --replace, which keeps the old bundle as NAME.previous"
        raise RunError(f"{out} was exported from {describe_origin(bundle)}, {difference} {run}: {fix}")
    return None, bundle


def describe_origin(bundle: Bundle) -> str:
    """Return which run a bundle was exported from, as far as its manifest says."""
    run = bundle.manifest.get("run")
    preset = run.get("preset") if isinstance(run, dict) else None
    config = {"name": bundle.name, "preset": preset or "unknown"}
    return str(RunIdentity(config, str(read_origin(bundle) or "unknown")))


def check_out(out: Path, run: Path, other_run: OtherRun) -> None:
    """Check that the run in a folder can be exported to a bundle, before long work is done for it.

    Raises:
        edgetext.EdgetextError: As for ``identify_run`` and ``open_existing``.
        OSError: As for ``check_replaceable``.
    """
    _, replaced = open_existing(out, identify_run(run), other_run)
    check_replaceable(out, BUNDLE_FOLDER, keep_previous=replaced is not None and other_run == "keep")
