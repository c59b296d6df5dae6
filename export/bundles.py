"""Writing bundles: whole or not at all, and with what was there already where it still fits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgetext import Bundle
from edgetext.bundle.folder import FORMAT_VERSION, MANIFEST
from edgetext.bundle.manifest import seal
from export.recipes import BUNDLE, RECIPES, Recipe
from export.self_test import self_test
from train.atomic_folder import replacing
from train.run import Run

_ORDER = [(recipe.engine, recipe.name) for recipe in RECIPES]


class Converted(NamedTuple):
    """A converted model: its recipe, its bytes, and what the manifest is to record of it."""

    recipe: Recipe
    content: bytes
    record: dict[str, Any]


def write_bundle(out: Path, run: Run, models: Sequence[Converted]) -> list[str]:
    """Write models into the bundle at ``out``, which may exist.

    Model files that are there already stay if they come from the same run and are not written anew.

    Returns:
        The names of the model files that were dropped because they came from another run.

    Raises:
        edgetext.BundleError: The bundle that is there is damaged.
        OSError: It cannot be written, or something else is there.
    """
    origin = {
        "preset": run.config["preset"],
        "model_sha256": run.model_sha256,
        "metrics": {name: _without_classes(value) for name, value in run.metrics.items()},
    }
    new = {model.recipe.file: model for model in models}
    kept: dict[str, bytes] = {}
    records = [{**_entry(name, model.content), **model.record} for name, model in new.items()]
    dropped = []
    if (out / MANIFEST).exists():
        old = Bundle.open(out)
        before = old.manifest.get("run")
        same = isinstance(before, dict) and before.get("model_sha256") == run.model_sha256
        for model in old.models:
            if not same:
                dropped.append(model.file)
            elif model.file not in new:
                kept[model.file] = old.read(model)
                records.append(model.record)
            elif "test" in model.record:
                # What was measured of these very bytes is still true.
                for record in records:
                    if (record["file"], record["sha256"]) == (model.file, model.sha256):
                        record["test"] = model.record["test"]
    manifest = {
        "format_version": FORMAT_VERSION,
        "name": run.config["name"],
        "labels": run.config["labels"],
        "preprocessing": run.config["preprocessing"],
        "vocabulary": _entry("vocab.txt", run.vocabulary),
        "run": origin,
        "self_test": self_test(run),
        "models": sorted(records, key=lambda record: _rank(record["engine"], record["recipe"])),
    }
    with replacing(out, BUNDLE) as folder:
        files = {"vocab.txt": run.vocabulary, **kept, **{name: model.content for name, model in new.items()}}
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        (Path(folder) / MANIFEST).write_bytes(seal(manifest))
        # What will be read is what was meant: the runtime's own reader checks it before it takes its place.
        written = Bundle.open(folder)
        written.vocabulary()
        for model in written.models:
            written.read(model)
    return dropped


def _without_classes(value: Any) -> Any:
    """Leave out what was measured of each class, which a device would read at every start."""
    return {key: item for key, item in value.items() if key != "classes"} if isinstance(value, dict) else value


def _entry(name: str, content: bytes) -> dict[str, Any]:
    return {"file": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _rank(engine: str, recipe: str) -> int:
    """Place a model in the order of preference; what the table does not know comes last."""
    return _ORDER.index((engine, recipe)) if (engine, recipe) in _ORDER else len(_ORDER)
