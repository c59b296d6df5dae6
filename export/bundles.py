"""Writing bundles: atomically, and keeping the model files of the same run that are already there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgetext import Bundle
from edgetext.bundle.manifest import FORMAT_VERSION, MANIFEST, describe_file, write_manifest
from export.recipes import RECIPES, Recipe
from export.self_test import make_self_test
from train.atomic_folder import FolderKind, replacing
from train.run import Run

VOCABULARY = "vocab.txt"
# The files of a bundle; a folder with any other file is not replaced.
BUNDLE_FOLDER = FolderKind(MANIFEST, VOCABULARY, optional="model.*")

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
        files: The contents of those from the same run that are kept.
        records: What the manifest records of them, and of those that are replaced.
        dropped: The names of those from another run.
    """

    files: dict[str, bytes]
    records: dict[str, dict[str, Any]]
    dropped: list[str]


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
    records = [_keep_test(record, existing.records.get(record["file"])) for record in records]
    records += [upgrade_record(existing.records[name], content) for name, content in existing.files.items()]
    manifest = {
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
    _write(out, manifest, {VOCABULARY: run.vocabulary, **existing.files, **new})
    return existing.dropped


def record_tests(bundle: Bundle, tests: Mapping[str, dict[str, Any]]) -> None:
    """Record test accuracies in a bundle's manifest.

    Args:
        bundle: The bundle.
        tests: The ``test`` of each model file, by its name.

    Raises:
        edgetext.BundleError: If the bundle is damaged.
        OSError: If the bundle cannot be written.
    """
    vocabulary = bundle.vocabulary().to_bytes()
    files = {model.file: bundle.read(model) for model in bundle.models}
    records = [upgrade_record(model.record, files[model.file]) for model in bundle.models]
    manifest = {
        **bundle.manifest,
        "format_version": FORMAT_VERSION,
        "vocabulary": describe_file(VOCABULARY, vocabulary),
        "models": [{**record, "test": tests[record["file"]]} for record in records],
    }
    _write(Path(bundle.folder), manifest, {VOCABULARY: vocabulary, **files})


def _write(out: Path, manifest: dict[str, Any], files: Mapping[str, bytes]) -> None:
    """Replace the bundle at ``out``, after checking the new one as the runtime reads it."""
    with replacing(out, BUNDLE_FOLDER) as folder:
        for name, content in {**files, MANIFEST: write_manifest(manifest)}.items():
            (Path(folder) / name).write_bytes(content)
        written = Bundle.open(folder)
        written.verify()
        written.vocabulary()


def _read_existing(out: Path, run: Run, new: Mapping[str, bytes]) -> Existing:
    """Read the bundle at ``out``, if there is one, without the files that are replaced, which may be damaged."""
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
    return Existing(
        files={model.file: bundle.read(model) for model in kept},
        records={model.file: model.record for model in bundle.models},
        dropped=[],
    )


def upgrade_record(record: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Return what the current format version records of a model file; ``record`` may be of version 2."""
    measured: dict[str, Any] = {key: _rename_counts(record[key]) for key in ("agreement", "test") if key in record}
    return {**describe_file(record["file"], content), **record, **measured}


def _rename_counts(measured: dict[str, Any]) -> dict[str, Any]:
    """Return an ``agreement`` or ``test`` with the names of version 3; version 2 counts ``reviews``."""
    names = {"texts": "description", "reviews": "texts"} if "reviews" in measured else {}
    return {names.get(name, name): value for name, value in measured.items()}


def _keep_test(record: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """Return the record of a new file, with the test accuracy that is known if the file has not changed."""
    if before is None or "test" not in before or before["sha256"] != record["sha256"]:
        return record
    return {**record, "test": _rename_counts(before["test"])}


def _without_labels(value: Any) -> Any:
    """Leave out the metrics of each label, because a device reads the manifest at every start."""
    return {key: item for key, item in value.items() if key != "classes"} if isinstance(value, dict) else value


def _rank(engine: str, recipe: str) -> int:
    """Return a model's place in the order of preference; recipes that the table does not have come last."""
    return _ORDER.index((engine, recipe)) if (engine, recipe) in _ORDER else len(_ORDER)
