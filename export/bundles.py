"""Writing bundles: atomically, and keeping the model files of the same run that are already there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgetext import Bundle
from edgetext.bundle.manifest import FORMAT_VERSION, MANIFEST, describe_file, write_manifest
from export.recipes import RECIPES, Recipe
from export.self_test import make_self_test
from train.atomic_folder import Kind, replacing
from train.run import Run

VOCABULARY = "vocab.txt"
# The files of a bundle; a folder with any other file is not replaced.
BUNDLE_FOLDER = Kind(MANIFEST, VOCABULARY, optional="model.*")

_ORDER = [(recipe.engine, recipe.name) for recipe in RECIPES]


class ExportedModel(NamedTuple):
    """A converted model, ready to be written.

    Attributes:
        recipe: The recipe.
        content: The content of the model file.
        record: What the manifest records of it besides file, size and checksums.
    """

    recipe: Recipe
    content: bytes
    record: dict[str, Any]


class Existing(NamedTuple):
    """The model files of a bundle that is about to be replaced, by name.

    Attributes:
        files: The contents of those from the same run.
        records: Their records in the manifest.
        foreign: The names of those from another run.
    """

    files: dict[str, bytes]
    records: dict[str, dict[str, Any]]
    foreign: list[str]


def write_bundle(out: Path, run: Run, models: Sequence[ExportedModel]) -> list[str]:
    """Write models into the bundle at ``out``, which is created if it does not exist.

    Other model files of the same run that are already there are kept.

    Returns:
        The names of the model files that were removed because they came from another run.

    Raises:
        edgetext.BundleError: If the existing bundle is damaged.
        OSError: If the bundle cannot be written, or ``out`` is something else.
    """
    new = {model.recipe.file: model.content for model in models}
    existing = _read_existing(out, run, new)
    records = [{**describe_file(model.recipe.file, model.content), **model.record} for model in models]
    records = [_with_test(record, existing.records.get(record["file"])) for record in records]
    records += [record for name, record in existing.records.items() if name not in new]
    files = {VOCABULARY: run.vocabulary, **existing.files, **new}
    with replacing(out, BUNDLE_FOLDER) as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        (Path(folder) / MANIFEST).write_bytes(write_manifest(_manifest(run, records)))
        # Check the result as the runtime reads it, before it replaces what is there.
        written = Bundle.open(folder)
        written.vocabulary()
        written.verify()
    return existing.foreign


def _read_existing(out: Path, run: Run, new: dict[str, bytes]) -> Existing:
    """Read the bundle at ``out``, if there is one; files that are replaced anyway may be damaged."""
    if not (out / MANIFEST).exists():
        return Existing({}, {}, [])
    bundle = Bundle.open(out)
    bundle.verify_manifest()
    origin = bundle.manifest.get("run")
    if not isinstance(origin, dict) or origin.get("model_sha256") != run.model_sha256:
        return Existing({}, {}, [model.file for model in bundle.models])
    kept = [model for model in bundle.models if model.file not in new]
    for model in kept:
        bundle.verify_file(model)
    files = {model.file: bundle.read(model) for model in kept}
    contents = {**files, **new}
    records = {model.file: upgrade_entry(model.record, contents[model.file]) for model in bundle.models}
    return Existing(files, records, [])


def upgrade_entry(record: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Return a model's entry as format version 3 has it; version 2 had no CRC-32 and counted reviews, not texts."""
    entry = {**describe_file(record["file"], content), **record}
    for key in ("agreement", "test"):
        if isinstance(measured := entry.get(key), dict) and "reviews" in measured:
            names = {"texts": "description", "reviews": "texts"}
            entry[key] = {names.get(name, name): value for name, value in measured.items()}
    return entry


def _with_test(record: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """Return the record of a new file with the measured test accuracy, if the file is the same as before."""
    if before is None or "test" not in before or before["sha256"] != record["sha256"]:
        return record
    return {**record, "test": before["test"]}


def _manifest(run: Run, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "name": run.config["name"],
        "labels": run.config["labels"],
        "preprocessing": run.config["preprocessing"],
        "vocabulary": describe_file(VOCABULARY, run.vocabulary),
        "run": {
            "preset": run.config["preset"],
            "model_sha256": run.model_sha256,
            "metrics": {name: _without_labels(value) for name, value in run.metrics.items()},
        },
        "self_test": make_self_test(run),
        "models": sorted(records, key=lambda record: _rank(record["engine"], record["recipe"])),
    }


def _without_labels(value: Any) -> Any:
    """Leave out the metrics of each label, because a device reads the manifest at every start."""
    return {key: item for key, item in value.items() if key != "classes"} if isinstance(value, dict) else value


def _rank(engine: str, recipe: str) -> int:
    """Return a model's place in the order of preference; recipes that the table does not have come last."""
    return _ORDER.index((engine, recipe)) if (engine, recipe) in _ORDER else len(_ORDER)
